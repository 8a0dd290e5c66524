import numpy as np
import pandas as pd
import pytest

import imgsim
from imgsim.insights.measures import Traits, measure_traits
from imgsim.insights.quality import ISSUES, TABLES, image_quality
from tests.benchmarks.planted import FAULTS, plant
from tests.sample_images import ALL, copy_sample

SPOILT = 8


@pytest.fixture(scope="module")
def spoilt(tmp_path_factory, tiny_store) -> tuple[imgsim.SimilarityModel, pd.Series]:
    """120 pictures, and 8 of each fault; which fault each row has."""
    folder = tmp_path_factory.mktemp("spoilt")
    originals = sorted(copy_sample(folder / "sample", views=5, kinds=ALL).rglob("*.jpg"))
    made = plant(originals[:: len(originals) // SPOILT][:SPOILT], folder / "faults", FAULTS)
    paths = [str(path) for path in originals] + [str(path) for path, _, _ in made]
    model = imgsim.create(imgsim.load_images(paths), store=tiny_store, progress=False)
    return model, pd.Series([""] * len(originals) + [kind for _, _, kind in made])


@pytest.fixture(scope="module")
def quality(spoilt):
    return image_quality(spoilt[0], measure_traits(spoilt[0]))


@pytest.mark.parametrize("issue", FAULTS)
def test_planted_faults_are_found(spoilt, quality, issue):
    found = quality.tables["issues"].query("issue == @issue")
    planted = spoilt[1][spoilt[1] == issue].index
    assert found["row"].isin(planted).sum() >= 0.9 * len(planted)
    clean = spoilt[1][spoilt[1] == ""].index
    assert found["row"].isin(clean).sum() <= 0.03 * len(clean)


def test_scores_and_thresholds_tell_how_bad(quality):
    for issue, table in quality.tables["issues"].groupby("issue"):
        assert (table["score"] >= 1).all()
        assert table["score"].is_monotonic_decreasing
        if ISSUES[issue].at_least is not None:
            assert (table["value"] < table["threshold"]).all()
            assert (table["threshold"] <= ISSUES[issue].at_least).all()
        if ISSUES[issue].at_most is not None:
            assert (table["value"] > table["threshold"]).all()


def test_every_image_has_a_row_with_its_issues(spoilt, quality):
    images = quality.tables["images"]
    assert images["row"].tolist() == list(range(len(spoilt[0])))
    assert list(images.columns) == TABLES["images"].names
    named = images["issues"].str.split(", ").explode()
    assert (named != "").sum() == len(quality.tables["issues"])
    assert quality.metrics["images"] == (images["issues"] != "").sum()
    assert quality.metrics["dark"] == (named == "dark").sum()


def test_empty_pictures_are_not_blurry_too(quality):
    issues = quality.tables["issues"]
    empty = issues[issues["issue"] == "low_information"]["row"]
    assert not issues[issues["issue"].isin(("blurry", "dark", "bright"))]["row"].isin(empty).any()


def test_what_is_usual_in_a_collection_is_no_issue(spoilt):
    model, _ = spoilt
    traits = measure_traits(model)
    light = np.linspace(30, 50, len(model), dtype=np.float32)
    light[5] = 1
    found = image_quality(model, Traits(traits.measures.assign(highlights=light), traits.descriptors)).tables["issues"]
    assert set(found[found["issue"] == "dark"]["row"]) <= {5}


def test_upright_sizes_count(tiny_model):
    images = image_quality(tiny_model, measure_traits(tiny_model)).tables["images"]
    size = np.sqrt(tiny_model.images.column("width").astype(float) * tiny_model.images.column("height"))
    np.testing.assert_allclose(images["size"], size, rtol=1e-6)


def test_vectors_alone_have_no_issues(rng):
    model = imgsim.create(embeddings=rng.random((5, 4), np.float32), progress=False)
    quality = image_quality(model, measure_traits(model))
    assert quality.tables["issues"].empty
    assert list(quality.tables["issues"].columns) == TABLES["issues"].names
    assert quality.tables["images"]["issues"].tolist() == [""] * 5
