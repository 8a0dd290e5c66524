import numpy as np
import pytest

from dashboards.services import image_facts
from dashboards.services.models.loaded_model import Loaded


def texts(facts: list[image_facts.Fact]) -> dict[str, str]:
    return {fact.name: fact.text for fact in facts}


def test_what_the_file_is(loaded: Loaded):
    row = loaded.model.images.labels.index("torus")
    facts = texts(image_facts.file_facts(loaded, row))
    table = loaded.model.images.table
    assert facts["Path"] == loaded.model.images.paths[row]
    assert facts["Label"] == "torus"
    assert facts["Id"] == str(loaded.model.ids[row])
    assert facts["Size"] == f"{table['width'][row]} × {table['height'][row]} pixels"
    assert facts["Format"].startswith("JPEG, ")
    assert facts["sha256"] == loaded.model.images.sha256[row]


def test_sizes_are_of_the_upright_picture(loaded: Loaded):
    table = loaded.model.images.table
    turned = next(row for row, way in enumerate(table["orientation"].to_pylist()) if way >= 5)
    facts = texts(image_facts.file_facts(loaded, turned))
    assert facts["Size"] == f"{table['height'][turned]} × {table['width'][turned]} pixels"


def test_what_the_insights_say(loaded: Loaded):
    outliers = loaded.model.insights["outliers"].tables["images"]
    row = int(outliers["row"].iloc[0])
    facts = texts(image_facts.found_facts(loaded, row))
    assert f"place 1 of {len(loaded)}" in facts["Outlier score"]
    assert f"{outliers['score'].iloc[0]:.2f}" in facts["Outlier score"]
    assert "of its neighbours have its label" in facts["Label vote"]
    assert "sharpness" in facts["Quality"]
    assert "answer" in facts["Listed by"]


def test_every_image_has_its_words(loaded: Loaded):
    for row in range(len(loaded)):
        assert all(fact.text for fact in image_facts.found_facts(loaded, row))
        assert all(flag.text and flag.why for flag in image_facts.flags(loaded, row))


def test_a_copy_is_flagged_with_the_reason(loaded: Loaded, twins: tuple[int, int]):
    for row in twins:
        assert "identical file" in {flag.text for flag in image_facts.flags(loaded, row)}
        assert "identical file: " in texts(image_facts.found_facts(loaded, row))["Duplicate"]


def test_flags_agree_with_the_insights(loaded: Loaded):
    outliers = loaded.model.insights["outliers"].tables["images"]
    votes = loaded.model.insights["label_errors"].tables["images"]
    issues = set(loaded.model.insights["quality"].tables["issues"]["row"])
    for row in range(len(loaded)):
        kinds = {flag.kind for flag in image_facts.flags(loaded, row)}
        assert ("outlier" in kinds) == bool(outliers.loc[outliers["row"] == row, "outlier"].iloc[0])
        assert ("label" in kinds) == bool((votes.loc[votes["row"] == row, "probability"] >= image_facts.LIKELY).any())
        assert ("quality" in kinds) == (row in issues)


def test_a_version_without_insights_says_what_it_knows(loaded: Loaded, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(loaded.model.references, "insights", {})
    assert list(texts(image_facts.found_facts(loaded, 0))) == ["Listed by"]
    assert {flag.kind for flag in image_facts.flags(loaded, 0)} <= {"hub"}


def test_next_and_previous():
    among = np.array([4, 9, 2])
    assert image_facts.around(9, among) == (4, 2, "2 of 3")
    assert image_facts.around(4, among) == (2, 9, "1 of 3")
    assert image_facts.around(2, among) == (9, 4, "3 of 3")
    assert image_facts.around(7, among) == (2, 4, "beside the 3 of the list")
    assert image_facts.around(5, np.arange(10)) == (4, 6, "6 of 10")
    assert image_facts.around(0, np.arange(1)) == (0, 0, "1 of 1")
