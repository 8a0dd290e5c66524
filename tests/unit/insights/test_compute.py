import subprocess
import sys

import pytest

import imgsim
from imgsim.insights.compute import compute
from imgsim.insights.registry import INSIGHTS


@pytest.fixture
def model(tiny_model, tmp_path):
    tiny_model.save(tmp_path / "m")
    return imgsim.load_model(tmp_path / "m")


def test_importing_names_loads_nothing_heavy():
    code = "import sys, imgsim.insights; assert not {'numpy', 'pandas', 'pyarrow', 'PIL'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_every_insight_can_be_computed_and_is_carried_without_opening_an_image(model):
    assert not model.images.root, "a loaded model does not know where its images lie: none can be read again"
    found = compute(model.references)
    assert tuple(found) == tuple(INSIGHTS) == tuple(model.insights)
    assert all(insight.name == name for name, insight in found.items())
    assert model.insight("outliers") is found["outliers"], "what is carried is not computed again"
    assert {"Insights"} < set(model.summary("dict"))
    again = compute(model.references)
    assert {name: i.digest for name, i in again.items()} == {name: i.digest for name, i in found.items()}


def test_parameters_compute_anew_and_wrong_ones_are_refused(model):
    strict = model.insight("outliers", threshold=1e9)
    assert strict.metrics["outliers"] == 0
    assert model.insight("outliers") is strict
    with pytest.raises(imgsim.ArgumentError, match="no parameter"):
        model.insight("outliers", sharpness=3)
    with pytest.raises(imgsim.ArgumentError, match="no insight 'auras'"):
        model.insight("auras")


def test_leaks_use_the_duplicates_that_are_there(model):
    duplicates = model.insight("duplicates")
    model.insight("leaks")
    assert model.insights["duplicates"] is duplicates
