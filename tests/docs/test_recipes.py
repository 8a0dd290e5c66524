"""The recipes: their Python runs on a saved model, and what it finds is what imgsim finds."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

import imgsim

RECIPES = Path(__file__).resolve().parents[2] / "docs" / "recipes"


@pytest.fixture(scope="module")
def model(tiny_model: imgsim.SimilarityModel, tmp_path_factory: pytest.TempPathFactory) -> imgsim.SimilarityModel:
    """The tiny model with insights, loaded from where the recipes find it."""
    path = tmp_path_factory.mktemp("recipes") / "photos.imgsim"
    tiny_model.save(path)
    changed = imgsim.load_model(path)
    for name in ("label_errors", "map"):
        changed.insight(name)
    changed.save(path, overwrite=True)
    return imgsim.load_model(path)


@pytest.fixture
def folder(model: imgsim.SimilarityModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory: it has ``photos.imgsim``."""
    model.save(tmp_path / "photos.imgsim")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(name: str) -> dict[str, Any]:
    """Execute all Python of a page; return its variables."""
    blocks = re.findall(r"^```python\n(.*?)^```$", (RECIPES / f"{name}.md").read_text("utf-8"), re.M | re.S)
    assert blocks
    found: dict[str, Any] = {}
    exec("\n".join(blocks), found)
    return found


@pytest.mark.usefixtures("folder")
def test_duckdb(model: imgsim.SimilarityModel) -> None:
    pytest.importorskip("duckdb", reason="pip install 'imgsim-kit[dev]'")
    found = run("duckdb")
    paths = np.array(model.images.paths)
    assert found["counts"].set_index("label")["images"].to_dict() == {
        label: model.images.labels.count(label) for label in set(model.images.labels)
    }
    edges = found["edges"]
    k = model.graph.k
    assert edges["path"].tolist() == np.repeat(paths, k).tolist()
    assert np.array_equal(edges["distance"].to_numpy(np.float32).reshape(-1, k), model.graph.distances)
    assert {*zip(edges["path"], edges["neighbor"], strict=True)} == {
        (paths[row], paths[neighbor]) for row in range(len(model)) for neighbor in model.graph.neighbors[row]
    }
    table = model.insights["label_errors"].tables["images"]
    doubtful = table[table["votes"] > table["votes_given"]]
    assert sorted(found["doubtful"]["path"]) == sorted(doubtful["path"])


def test_lancedb(model: imgsim.SimilarityModel, tiny_images: Path, folder: Path) -> None:
    pytest.importorskip("lancedb", reason="pip install 'imgsim-kit[dev]'")
    (folder / "photos").mkdir()
    picture = folder / "photos" / "new.jpg"
    with Image.open(tiny_images / model.images.paths[0]) as known:
        known.rotate(20).save(picture)
    found = run("lancedb")
    expected = model.query(picture, k=10)
    assert found["found"]["path"].tolist() == [model.images.paths[row] for row in expected["reference_label"]]
    assert np.sqrt(found["found"]["_distance"].to_numpy()) == pytest.approx(expected["distance"].to_numpy(), abs=2e-3)
    some = model.query(picture, k=10, among=model.images.labels[0])
    assert found["alike"]["path"].tolist() == [model.images.paths[row] for row in some["reference_label"]]


def test_fiftyone(model: imgsim.SimilarityModel, folder: Path) -> None:
    run("fiftyone")
    locations = json.loads((folder / "fiftyone" / "data.json").read_text())
    labels = json.loads((folder / "fiftyone" / "labels.json").read_text())["labels"]
    assert set(locations) == set(labels)
    assert list(locations.values()) == [str(folder.resolve() / "photos" / path) for path in model.images.paths]
    assert [item["label"] for item in labels.values()] == list(model.images.labels)
    assert [item["attributes"]["row"] for item in labels.values()] == list(range(len(model)))
    table = model.insights["label_errors"].tables["images"]
    doubts = {f"{row:08d}": value for row, value in zip(table["row"], table["probability"], strict=True)}
    assert {name: item["attributes"]["label_error"] for name, item in labels.items()} == pytest.approx(
        dict.fromkeys(labels, 0.0) | doubts
    )
    assert np.array_equal(np.load(folder / "fiftyone" / "embeddings.npy"), model.embeddings)
    places = model.insights["map"].tables["map"].sort_values("row")
    assert np.load(folder / "fiftyone" / "map.npy").tolist() == places[["x", "y"]].to_numpy().tolist()


def test_embedding_atlas(model: imgsim.SimilarityModel, folder: Path) -> None:
    run("embedding_atlas")
    table = pq.read_table(folder / "atlas.parquet")
    assert table["path"].to_pylist() == list(model.images.paths)
    assert [image["bytes"] for image in table["image"].to_pylist()] == model.thumbnails(range(len(model)))
    assert [item["ids"] for item in table["neighbors"].to_pylist()] == model.graph.neighbors.tolist()
    assert [item["distances"] for item in table["neighbors"].to_pylist()] == model.graph.distances.tolist()
    places = model.insights["map"].tables["map"].sort_values("row")
    assert table["x"].to_pylist() == places["x"].tolist()
    assert table["y"].to_pylist() == places["y"].tolist()
