"""Images by path, label and tag."""

from pathlib import Path

import pytest

from dashboards.services import decided
from dashboards.services.answers import find
from dashboards.services.models.loaded_model import Loaded


def rows(loaded: Loaded, text: str, tagged: find.Tagged | None = None) -> list[int]:
    return find.find_images(loaded, text, tagged or {}).rows.tolist()


def test_a_name_means_one_image(loaded: Loaded):
    paths = loaded.model.images.paths
    assert rows(loaded, paths[4]) == [4]
    assert rows(loaded, str(loaded.model.ids[4])) == [4]
    assert rows(loaded, loaded.key(4)) == [4]


def test_a_part_of_path_label_or_tag(loaded: Loaded):
    paths, labels = loaded.model.images.paths, loaded.model.images.labels
    cubes = [row for row, path in enumerate(paths) if "cube/" in path]
    assert rows(loaded, "CUBE/") == cubes
    assert rows(loaded, "no such") == []
    assert rows(loaded, "  ") == []
    found = find.find_images(loaded, "Cub", {"cubist": [1], "other": [2]})
    assert found.where["tag"] == 1
    assert found.where["label"] == labels.count("cube")
    assert set(found.rows.tolist()) == {1, *(row for row, path in enumerate(paths) if "cub" in path.lower())} | {
        row for row, label in enumerate(labels) if label == "cube"
    }


def test_a_whole_label_and_a_whole_tag(loaded: Loaded):
    labels = loaded.model.images.labels
    assert rows(loaded, "label:cube") == [row for row, label in enumerate(labels) if label == "cube"]
    assert rows(loaded, "label:cub") == []
    assert rows(loaded, "tag:odd", {"odd": [7, 3], "torn": [7], "oddly": [9]}) == [7, 3]


def test_names_are_offered_the_most_frequent_first(loaded: Loaded):
    labels = loaded.model.images.labels
    offered = find.offers(loaded, {"odd": [7, 9]})
    assert offered["odd (tag, 2)"] == "tag:odd"
    assert offered[f"cube (label, {labels.count('cube')})"] == "label:cube"
    counts = [int(name.rsplit(" ", 1)[-1][:-1]) for name in offered]
    assert counts == sorted(counts, reverse=True)


def test_tags_are_those_that_people_gave(loaded: Loaded, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("IMGSIM_DECISIONS", str(tmp_path / "decisions.db"))
    decided.store().add_tag([loaded.model.images.sha256[5]], "odd")
    assert decided.known(loaded).tags[5] == ("odd",)
    assert 5 in rows(loaded, "tag:odd", decided.known(loaded).tagged)
    (tmp_path / "damaged.db").write_bytes(b"no database" * 100)
    monkeypatch.setenv("IMGSIM_DECISIONS", str(tmp_path / "damaged.db"))
    assert decided.known(loaded).tags == {}
