"""Words as a query of the dashboard: vectors of texts and pictures in one space, and the ranking by them."""

from functools import partial

import numpy as np
import pytest

import imgsim
from dashboards.services import query, search, uploads, words
from dashboards.services.filters import Filters
from dashboards.services.models.loaded_model import Loaded
from dashboards.services.query_text import Term
from dashboards.services.uploads import Picture, Refused
from tests.text_models import colour_images, colour_model


@pytest.fixture(scope="module")
def coloured(tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    base = tmp_path_factory.mktemp("words")
    model = colour_model(colour_images(base / "images"), imgsim.FeatureStore(base / "store"))
    return Loaded("imgsim-colours", "1", "token", model)


def vector_of(loaded: Loaded, term: Term) -> np.ndarray:
    return words.vector_of_row(loaded, term.row)


def test_words_rank_as_the_library_does(coloured: Loaded) -> None:
    said = words.vector_of_words(coloured, "a red car")
    asked, refused = query.build_query(coloured, [], {}, partial(vector_of, coloured), said)
    assert not refused
    assert (asked.label, asked.exclude, asked.own, asked.in_words) == (None, (), (), True)
    found = search.rank_images(coloured, asked.vector, k=5, filters=Filters(), in_words=True)
    expected = coloured.model.query(text="a red car", k=5)
    assert [hit.row for hit in found.hits] == coloured.model.references.rows_of_ids(
        expected["reference_label"].tolist()
    ).tolist()
    np.testing.assert_allclose([hit.distance for hit in found.hits], expected["distance"], atol=1e-6)
    nearest = search.nearest_distance(coloured, asked.vector, filters=Filters(), in_words=True)
    assert nearest == pytest.approx(expected["distance"][0])


def test_pictures_are_added_to_words(coloured: Loaded) -> None:
    said = words.vector_of_words(coloured, "green")
    terms = [Term(0, 1.0), Term(5, -0.5)]
    asked, _ = query.build_query(coloured, terms, {}, partial(vector_of, coloured), said)
    rows = np.asarray(coloured.model.references.text.rows, np.float64)
    expected = rows[0] - 0.5 * rows[5] + said
    np.testing.assert_allclose(asked.vector, expected / np.linalg.norm(expected), atol=1e-6)
    assert asked.exclude == (0, 5)
    assert asked.label is None


def test_an_upload_lies_in_the_space_of_the_words(coloured: Loaded) -> None:
    data = coloured.model.images.read_bytes(3)
    picture, _ = uploads.read(coloured, "mine.png", data)
    assert isinstance(picture, Picture)
    embedder = partial(words.vector_of_pixels, coloured)
    whole = uploads.embed(coloured, picture, None, embedder)
    np.testing.assert_allclose(whole, words.vector_of_row(coloured, 3), atol=1e-3)
    part = uploads.embed(coloured, picture, (0, 0, 50, 100), embedder)
    assert np.linalg.norm(part) == pytest.approx(1, abs=1e-5)
    stored = uploads.embed_stored(coloured, 3, (0, 0, 50, 100), embedder)
    assert not isinstance(stored, Refused)
    assert np.linalg.norm(np.asarray(stored) - part) < 0.1


def test_a_version_without_words(loaded: Loaded, coloured: Loaded) -> None:
    assert not words.takes_words(loaded)
    assert words.takes_words(coloured)
    assert isinstance(words.vector_of_words(loaded, "red"), Refused)
