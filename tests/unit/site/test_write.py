"""The files of a static site: each image's facts, neighbours and thumbnail are where the pages look for them."""

import json

import numpy as np
import pytest
from PIL import Image

import imgsim
from imgsim.insights.compute import compute
from imgsim.onnx_model import OnnxModel
from imgsim.site import write, write_site
from imgsim.site.network import RUNTIME


@pytest.fixture(scope="module")
def model(tiny_images, tiny_store):
    found = imgsim.create(imgsim.load_images(tiny_images), store=tiny_store, k=10, backbone="mini", progress=False)
    compute(found.references, store=tiny_store)
    return found


@pytest.fixture
def small_parts(monkeypatch):
    """Blocks and packs that 40 images do not fill evenly."""
    monkeypatch.setattr(write, "BLOCK", 12)
    monkeypatch.setattr(write, "PACK", 3)


def read(folder, name):
    return json.loads((folder / "data" / f"{name}.json").read_text("ascii"))


def test_each_image_is_there_once(model, small_parts, tmp_path):
    folder = write_site(model.references, tmp_path / "site", "Tiny", k=4)
    info = read(folder, "collection")
    assert (info["images"], info["block"], info["pack"], info["title"]) == (40, 12, 3, "Tiny")
    blocks = [read(folder, f"images-{number}") for number in range(4)]
    names = [label["name"] for label in info["labels"]]
    assert [path for block in blocks for path in block["paths"]] == list(model.images.paths)
    assert [names[code] for block in blocks for code in block["labels"]] == list(model.images.labels)
    assert {label["name"]: label["images"] for label in info["labels"]} == dict.fromkeys(names, 10)
    neighbors = [row for block in blocks for row in block["neighbors"]]
    assert np.array_equal(neighbors, model.graph.neighbors[:, :4])
    distances = [row for block in blocks for row in block["distances"]]
    assert np.allclose(distances, model.graph.distances[:, :4], atol=5e-5)


def test_thumbnails_are_cut_out_of_packs_by_their_size(model, small_parts, tmp_path):
    folder = write_site(model.references, tmp_path / "site", "Tiny")
    sizes = [size for number in range(4) for size in read(folder, f"images-{number}")["bytes"]]
    packs = b"".join((folder / "data" / f"thumbnails-{number}.bin").read_bytes() for number in range(14))
    ends = np.cumsum(sizes)
    assert [packs[end - size : end] for end, size in zip(ends, sizes, strict=True)] == model.thumbnails(range(40))
    assert (folder / "data" / "thumbnails-0.bin").stat().st_size == sum(sizes[:3])


def test_lists_are_those_of_the_insights(model, tmp_path):
    folder = write_site(model.references, tmp_path / "site", "Tiny")
    assert set(read(folder, "collection")["lists"]) == {"map", "duplicates", "label_errors"}
    table = model.insights["map"].tables["map"]
    places = np.array(read(folder, "map")["places"])
    assert places.min() == 0
    assert places.max() == 10_000
    assert np.corrcoef(places[:, 0], table.sort_values("row")["x"])[0, 1] > 0.999
    groups = model.insights["duplicates"].tables["groups"]
    written = read(folder, "duplicates")
    assert [row for group in written["groups"] for row in group["rows"]] == groups["row"].tolist()
    assert written["of"] == len(groups[["tier", "group"]].drop_duplicates())
    errors = model.insights["label_errors"].tables["images"]
    expected = errors.loc[errors["votes"] > errors["votes_given"], "row"].tolist()
    assert [suspect["row"] for suspect in read(folder, "label_errors")["suspects"]] == expected


def test_without_insights_and_thumbnails_the_rest_is_there(tmp_path, rng):
    bare = imgsim.create(embeddings=rng.standard_normal((30, 8), np.float32), k=5, progress=False)
    folder = write_site(bare.references, tmp_path / "site", "Vectors")
    assert read(folder, "collection")["lists"] == []
    assert read(folder, "images-0")["bytes"] == [0] * 30
    assert (folder / "index.html").is_file()


def test_a_folder_that_is_there_is_replaced_on_request_only(model, tmp_path):
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "mine.txt").write_text("kept")
    with pytest.raises(imgsim.ArgumentError, match="site"):
        write_site(model.references, tmp_path / "site", "Tiny")
    assert (tmp_path / "site" / "mine.txt").read_text() == "kept"
    write_site(model.references, tmp_path / "site", "Tiny", overwrite=True)
    assert not (tmp_path / "site" / "mine.txt").exists()


def test_a_folder_that_lacks_the_runtime_is_refused_before_anything_is_written(model, tmp_path):
    (tmp_path / "ort.wasm.min.mjs").touch()
    with pytest.raises(imgsim.ArgumentError, match=r"no ort-wasm-simd-threaded\.mjs.*npm pack onnxruntime-web@"):
        write_site(model.references, tmp_path / "site", "Tiny", with_network=tmp_path)
    assert not (tmp_path / "site").exists()


def test_the_network_answers_with_rows(model, tmp_path):
    for name in RUNTIME:
        (tmp_path / name).write_text(name)
    folder = write_site(model.references, tmp_path / "site", "Tiny", k=4, with_network=tmp_path)
    assert read(folder, "collection")["upload"] == 4
    assert [(folder / "network" / name).read_text() for name in RUNTIME] == list(RUNTIME)
    picture = np.asarray(Image.open(model.images.locations[7]).convert("RGB"))
    found = OnnxModel(folder / "network" / "model.onnx").run(picture)
    assert found["indices"].tolist() == model.query(model.images.locations[7], k=4)["reference_label"].tolist()
    side = json.loads((folder / "network" / "model.onnx.references.json").read_text())
    assert side["ids"] == []
    assert "labels" not in side
