import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageDraw

import imgsim
from imgsim.insights.measures import Traits, _measure, measure_traits
from imgsim.insights.quality import ISSUES, TABLES, image_quality
from tests.benchmarks.planted import FAULTS, jpeg, plant
from tests.sample_images import ALL, copy_sample

SPOILT = 8


@pytest.fixture(scope="module")
def spoilt(tmp_path_factory, tiny_store) -> tuple[imgsim.SimilarityModel, pd.Series]:
    """120 pictures, and 8 of each fault; which fault each row has."""
    folder = tmp_path_factory.mktemp("spoilt")
    originals = sorted(copy_sample(folder / "sample", views=5, kinds=ALL).rglob("*.jpg"))
    made = plant(originals[:: len(originals) // SPOILT][:SPOILT], folder / "faults", FAULTS)
    paths = [str(path) for path in originals] + [str(path) for path, _, _ in made]
    model = imgsim.create(imgsim.load_images(paths), store=tiny_store, backbone="mini", progress=False)
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


FRAMES = {
    "black": ("dark", lambda rng: np.zeros((90, 120, 3))),
    "black with noise": ("dark", lambda rng: rng.normal(3, 3, (90, 120, 3))),
    "black of video": ("dark", lambda rng: rng.normal(16, 2, (90, 120, 3))),
    "white": ("low_information", lambda rng: np.full((90, 120, 3), 255.0)),
    "fog": ("bright", lambda rng: rng.normal(240, 3, (90, 120, 3))),
    "one grey": ("low_information", lambda rng: np.full((90, 120, 3), 128.0)),
}


@pytest.mark.parametrize("kind", [*FRAMES, "out of focus"])
@pytest.mark.parametrize("share", [0.2, 0.6, 0.9])
def test_frames_that_show_nothing_are_named_however_many_they_are(spoilt, rng, kind, share):
    """Measures of most rows are replaced by those of frames that show nothing."""
    model, traits = spoilt[0], measure_traits(spoilt[0])
    name, make = FRAMES.get(kind, ("blurry", None))
    rows = np.arange(round(share * len(model)))
    rows = rows[spoilt[1][rows] != "low_information"]
    measures = traits.measures.copy()
    if make is None:
        measures.loc[rows, "sharpness"] = 0.5
    else:
        frames = [jpeg(Image.fromarray(np.clip(make(rng), 0, 255).astype(np.uint8)), 85) for _ in range(5)]
        of_frames = _measure(frames).measures
        measures.loc[rows] = of_frames.iloc[rows % 5].to_numpy()
    issues = image_quality(model, Traits(measures, traits.descriptors)).tables["issues"]
    found = issues[issues["issue"] == name]
    assert set(rows) <= set(found["row"])
    clean = spoilt[1][rows[-1] + 1 :]
    assert found["row"].isin(clean[clean == ""].index).sum() <= 0.05 * len(clean)


def test_paper_with_little_print_is_not_bright_where_all_is_paper(spoilt):
    model, traits = spoilt[0], measure_traits(spoilt[0])
    sheet = Image.new("RGB", (400, 560), "white")
    ImageDraw.Draw(sheet).text((40, 60), "INVOICE 4711", fill="black", font_size=40)
    measures = traits.measures.copy()
    measures.loc[:] = _measure([jpeg(sheet)]).measures.to_numpy()
    assert image_quality(model, Traits(measures, traits.descriptors)).metrics["bright"] == 0


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
