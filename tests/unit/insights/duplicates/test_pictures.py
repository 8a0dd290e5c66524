import os

import numpy as np
import pytest

import imgsim
from imgsim.errors import ModelFormatError
from imgsim.insights.duplicates.pictures import find_pictures, picture_ids
from imgsim.insights.measures import measure_traits, traits_in_parts
from tests.benchmarks.planted import jpeg
from tests.sample_images import ALL, copy_sample


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> imgsim.SimilarityModel:
    """Pictures of the sample, the second also in the same bytes twice, the third compressed again."""
    from PIL import Image

    folder = tmp_path_factory.mktemp("pictures")
    originals = sorted(copy_sample(folder / "sample", views=2, kinds=ALL).rglob("*.jpg"))
    again = [folder / name for name in ("same_1.jpg", "same_2.jpg", "compressed.jpg")]
    for copy in again[:2]:
        copy.write_bytes(originals[1].read_bytes())
    with Image.open(originals[2]) as picture:
        again[2].write_bytes(jpeg(picture, 60))
    paths = [str(path) for path in (*originals, *again)]
    return imgsim.create(
        imgsim.load_images(paths), store=imgsim.FeatureStore(folder / "store"), backbone="mini", progress=False
    )


def test_copies_have_the_row_of_their_first(model):
    found = picture_ids(model.references, measure_traits(model.references))
    n = len(model)
    assert found[-3:].tolist() == [1, 1, 2]
    assert (found[: n - 3] == np.arange(n - 3)).mean() > 0.9, "pictures of the sample are different pictures"
    assert (found[found] == found).all()
    assert (found <= np.arange(n)).all()


def test_copies_are_left_out_of_the_evaluation_of_a_model(model, tmp_path):
    pictures = find_pictures(model.references)
    assert pictures.tolist() == picture_ids(model.references, measure_traits(model.references)).tolist()
    assert model.evaluation.metrics["copies_left_out"] == len(model) - len(np.unique(pictures))
    assert model.evaluation.pictures.tolist() == pictures.tolist()
    model.save(tmp_path / "m.imgsim")
    assert imgsim.load_model(tmp_path / "m.imgsim").evaluation.pictures.tolist() == pictures.tolist()


def test_only_images_with_a_near_neighbour_are_measured(model, monkeypatch):
    measured = []

    def measure(references, rows, store, progress):
        measured.extend(rows.tolist())
        return traits_in_parts(references, rows, store, progress)

    monkeypatch.setattr("imgsim.insights.duplicates.pictures.traits_in_parts", measure)
    find_pictures(model.references)
    assert {2, len(model) - 1} <= set(measured), "a picture and its compressed copy"
    assert len(measured) < len(model)


def test_pictures_are_the_same_whatever_is_measured_and_compared_at_once(model, monkeypatch):
    whole = picture_ids(model.references, measure_traits(model.references))
    monkeypatch.setattr("imgsim.insights.measures.PART", 3)
    monkeypatch.setattr("imgsim.insights.duplicates.compare._STEP", 2)
    assert find_pictures(model.references).tobytes() == whole.tobytes()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="nothing is closed to root")
def test_a_home_that_cannot_be_written_does_not_matter(model, home):
    home.mkdir(parents=True, exist_ok=True)
    home.chmod(0o500)
    assert find_pictures(model.references)[-1] == 2


def test_vectors_without_files_are_pictures_of_their_own():
    model = imgsim.create(embeddings=np.ones((5, 3)), progress=False)
    assert picture_ids(model.references, measure_traits(model.references)).tolist() == [0, 1, 2, 3, 4]


def test_traits_of_other_images_are_refused(model):
    other = imgsim.create(embeddings=np.eye(3), progress=False)
    with pytest.raises(ModelFormatError):
        picture_ids(model.references, measure_traits(other.references))
