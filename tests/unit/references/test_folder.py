import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import imgsim


@pytest.fixture
def saved(tiny_model, tmp_path):
    tiny_model.save(tmp_path / "m.imgsim")
    return tmp_path / "m.imgsim"


def test_everything_comes_back(tiny_model, saved, tiny_images):
    loaded = imgsim.load_model(saved)
    assert loaded.digest == tiny_model.digest
    assert loaded.summary("dict") == tiny_model.summary("dict")
    assert np.array_equal(loaded.embeddings, tiny_model.embeddings)
    assert loaded.thumbnails([0, 39]) == tiny_model.thumbnails([0, 39])
    pd.testing.assert_frame_equal(loaded.query([1, 2]), tiny_model.query([1, 2]))
    pd.testing.assert_frame_equal(loaded.similarity_graph(), tiny_model.similarity_graph())
    new = tiny_images / tiny_model.images.paths[9]
    pd.testing.assert_frame_equal(loaded.query(new), tiny_model.query(new))


def test_loading_and_asking_stored_rows_imports_no_heavy_package(saved):
    code = (
        "import sys, imgsim; m = imgsim.load_model(sys.argv[1]); assert len(m.query([0, 1], k=3)) == 6;"
        "m.similarity_graph(); modules = set(sys.modules);"
        "heavy = {'torch', 'torchvision', 'mlflow', 'numba', 'pynndescent', 'onnxruntime', 'coremltools'} & modules;"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code, str(saved)], check=True)


def test_no_path_of_this_machine_is_inside(saved, tiny_images, tmp_path):
    for part in saved.iterdir():
        data = part.read_bytes()
        for place in (str(tiny_images), str(tmp_path), str(tiny_images.parent.parent)):
            assert place.encode() not in data, (part.name, place)


def test_existing_folder_is_kept_unless_asked(tiny_model, saved):
    with pytest.raises(imgsim.ArgumentError, match="exists already"):
        tiny_model.save(saved)
    tiny_model.save(saved, overwrite=True)
    assert imgsim.load_model(saved).digest == tiny_model.digest


def test_only_a_model_is_ever_replaced(tiny_model, tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.jpg").write_bytes(b"precious")
    for target in (tmp_path / "photos", tmp_path / "photos" / "cat.jpg"):
        with pytest.raises(imgsim.ArgumentError, match="is not an imgsim model, so it is not replaced"):
            tiny_model.save(target, overwrite=True)
    assert (tmp_path / "photos" / "cat.jpg").read_bytes() == b"precious"
    (tmp_path / "empty").mkdir()
    tiny_model.save(tmp_path / "empty", overwrite=True)
    assert len(imgsim.load_model(tmp_path / "empty")) == 40


def test_a_model_can_be_saved_over_itself(saved):
    loaded = imgsim.load_model(saved)
    loaded.save(saved, overwrite=True)
    assert imgsim.load_model(saved).digest == loaded.digest


@pytest.mark.parametrize(
    "part",
    [
        "images.parquet",
        "embeddings.arrow",
        "neighbors.parquet",
        "projection.safetensors",
        "backbone.onnx",
        "thumbnails.parquet",
    ],
)
def test_a_flipped_byte_is_found_and_named(saved, part):
    data = bytearray((saved / part).read_bytes())
    data[len(data) // 2] ^= 1
    (saved / part).write_bytes(data)
    with pytest.raises(imgsim.ModelFormatError, match=part):
        imgsim.load_model(saved)


def test_a_model_from_before_there_was_a_split_is_read(tiny_model, saved):
    path = saved / "images.parquet"
    write_part(saved, path.name, pq.read_table(path).drop_columns("split"))
    assert imgsim.load_model(saved).images.table.equals(tiny_model.images.table)
    write_part(saved, path.name, pq.read_table(path).drop_columns("path"))
    with pytest.raises(imgsim.ModelFormatError, match=r"images\.parquet is not a table of images"):
        imgsim.load_model(saved)


def write_part(folder: Path, name: str, table: pa.Table) -> None:
    """Replace a part of a saved model, and what the manifest says of it."""
    pq.write_table(table, folder / name)
    data = (folder / name).read_bytes()
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["parts"][name] |= {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    (folder / "manifest.json").write_text(json.dumps(manifest))


def test_missing_and_cut_parts_are_named(saved):
    (saved / "images.parquet").write_bytes((saved / "images.parquet").read_bytes()[:-5])
    with pytest.raises(imgsim.ModelFormatError, match=r"images\.parquet is not the size"):
        imgsim.load_model(saved)
    (saved / "images.parquet").unlink()
    with pytest.raises(imgsim.ModelFormatError, match=r"images\.parquet is missing"):
        imgsim.load_model(saved)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": 99}, "install a newer imgsim-kit"),
        ({"parts": {"../../etc/passwd": {"bytes": 1, "sha256": ""}}}, "parts no imgsim model has"),
        ({"parts": {}}, "lacks"),
        ({"format": "x"}, "cannot be read"),
        ({"backbone": {"name": "x"}}, "lacks or misstates"),
    ],
)
def test_strange_manifests_are_refused(saved, change, message):
    manifest = json.loads((saved / "manifest.json").read_text())
    (saved / "manifest.json").write_text(json.dumps(manifest | change))
    with pytest.raises(imgsim.ModelFormatError, match=message):
        imgsim.load_model(saved)


def test_not_a_model(tmp_path):
    with pytest.raises(imgsim.ModelFormatError, match=r"manifest\.json is missing"):
        imgsim.load_model(tmp_path)
    for address in ("models:/imgsim-tiny@champion", Path("runs:/0/model")):
        with pytest.raises(imgsim.ModelFormatError, match=rf"mlflow\.flavor\.load_model\('{address}'\)"):
            imgsim.load_model(address)
    with pytest.raises(imgsim.ModelFormatError, match="does not exist"):
        imgsim.load_model(tmp_path / "nowhere")
    (tmp_path / "file").write_text("")
    with pytest.raises(imgsim.ModelFormatError, match="is a file"):
        imgsim.load_model(tmp_path / "file")


def test_a_failed_save_leaves_nothing(tiny_model, tmp_path, monkeypatch):
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(type(tiny_model.graph), "save", full)
    with pytest.raises(OSError, match="No space"):
        tiny_model.save(tmp_path / "m.imgsim")
    assert list(tmp_path.glob("*.imgsim*")) == []


def test_string_ids_survive(rng, tmp_path):
    model = imgsim.create(embeddings=rng.random((4, 3)), ids=["d", "c", "b", "a"], progress=False)
    model.save(tmp_path / "v")
    assert imgsim.load_model(tmp_path / "v").ids.tolist() == ["d", "c", "b", "a"]


@pytest.fixture
def carrying(saved, tmp_path):
    """A model with an insight and a folder of Core ML, saved."""
    model = imgsim.load_model(saved)
    model.insight("outliers")
    (tmp_path / "package" / "inner").mkdir(parents=True)
    (tmp_path / "package" / "inner" / "weights.bin").write_bytes(bytes(1000))
    model.references.coreml = tmp_path / "package"
    model.save(tmp_path / "carrying")
    return model, tmp_path / "carrying"


def test_insights_and_core_ml_come_back(tiny_model, carrying):
    model, folder = carrying
    loaded = imgsim.load_model(folder)
    assert loaded.revision == model.revision != model.digest == tiny_model.digest == tiny_model.revision
    assert loaded.insights["outliers"].digest == model.insights["outliers"].digest
    assert (loaded.references.coreml / "inner" / "weights.bin").read_bytes() == bytes(1000)
    loaded.save(folder, overwrite=True)
    assert imgsim.load_model(folder).revision == model.revision


def test_a_revision_is_of_everything_carried(carrying, tmp_path):
    model = imgsim.load_model(carrying[1])
    revisions = {model.revision}
    model.insight("outliers", threshold=1.0)
    revisions.add(model.revision)
    (tmp_path / "package" / "more.json").write_text("{}")
    model.references.coreml = tmp_path / "package"
    revisions.add(model.revision)
    model.references.insights.clear()
    revisions.add(model.revision)
    model.references.images = model.images.with_rejected(
        [{"path": "late.jpg", "stage": "header", "reason": "no image"}]
    )
    revisions.add(model.revision)
    assert len(revisions) == 5


def test_a_reader_that_knows_no_extras_passes_over_them(carrying):
    manifest = json.loads((carrying[1] / "manifest.json").read_text())
    assert manifest["format"] == 1
    assert not [name for name in manifest["parts"] if "/" in name]
    del manifest["extras"]
    (carrying[1] / "manifest.json").write_text(json.dumps(manifest))
    loaded = imgsim.load_model(carrying[1])
    assert (loaded.insights, loaded.references.coreml) == ({}, None)


@pytest.mark.parametrize("part", ["insights/outliers/images.parquet", "coreml/inner/weights.bin"])
def test_a_flipped_byte_in_extras_is_found_and_named(carrying, part):
    data = bytearray((carrying[1] / part).read_bytes())
    data[len(data) // 2] ^= 1
    (carrying[1] / part).write_bytes(data)
    with pytest.raises(imgsim.ModelFormatError, match=part):
        imgsim.load_model(carrying[1])


@pytest.mark.parametrize(
    "name", ["../secret", "coreml/../../secret", "insights/", "coreml//x", "/etc/passwd", "other/x"]
)
def test_extras_lie_inside_their_folders(carrying, name):
    manifest = json.loads((carrying[1] / "manifest.json").read_text())
    manifest["extras"][name] = {"bytes": 1, "sha256": ""}
    (carrying[1] / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(imgsim.ModelFormatError, match="where no imgsim model has any"):
        imgsim.load_model(carrying[1])


def test_an_insight_of_a_newer_library_is_passed_over(carrying):
    manifest = json.loads((carrying[1] / "manifest.json").read_text())
    extras = manifest["extras"]
    (carrying[1] / "insights" / "auras").mkdir()
    shutil.copy(carrying[1] / "insights" / "outliers" / "insight.json", carrying[1] / "insights" / "auras")
    extras["insights/auras/insight.json"] = extras["insights/outliers/insight.json"]
    (carrying[1] / "manifest.json").write_text(json.dumps(manifest))
    assert list(imgsim.load_model(carrying[1]).insights) == ["outliers"]


def test_other_rows_drop_what_was_found_about_the_ones_before(carrying):
    model = imgsim.load_model(carrying[1])
    model.remove([0])
    assert (model.insights, model.references.coreml, model.evaluation) == ({}, None, None)
