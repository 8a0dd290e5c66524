import copy
import hashlib
import json
import shutil
import subprocess
import sys
from multiprocessing.reduction import ForkingPickler
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import imgsim
from imgsim.neighbors.graph import NeighborGraph


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
    with pytest.raises(imgsim.WriteError, match=r"m\.imgsim cannot be written: no space left on device"):
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
    assert manifest["format"] == 2
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


class TestLaterReads:
    """What a loaded model reads later is its own, whatever happens to its folder."""

    @pytest.fixture
    def another(self, tiny_model, tmp_path):
        """A model of other images, by another network, with an insight and a package."""
        model = imgsim.load_model(save_with_extras(tiny_model, tmp_path, "another"))
        model.remove(model.ids[::2])
        model.insight("outliers", threshold=1.0)
        model.references.coreml = package(tmp_path / "other package", b"other")
        model.references.onnx = None
        return model

    @pytest.mark.parametrize("happening", ["replaced", "removed"])
    def test_are_of_the_model_that_was_loaded(self, tiny_model, tiny_images, another, tmp_path, happening):
        folder = save_with_extras(tiny_model, tmp_path, "m.imgsim")
        expected, model = imgsim.load_model(folder), imgsim.load_model(folder)
        table = expected.insights["outliers"].tables["images"]
        thumbnails, vector = expected.thumbnails(range(40)), expected.embed_pixels(np.zeros((9, 9, 3), np.uint8))
        another.save(folder, overwrite=True) if happening == "replaced" else shutil.rmtree(folder)
        pd.testing.assert_frame_equal(model.insights["outliers"].tables["images"], table)
        assert model.thumbnails(range(40)) == thumbnails
        assert np.array_equal(model.embed_pixels(np.zeros((9, 9, 3), np.uint8)), vector)
        assert model.revision == expected.revision
        with pytest.raises(imgsim.ModelFormatError, match=r"coreml.*since this model was loaded"):
            model.save(tmp_path / "again")
        model.references.coreml = None
        model.save(tmp_path / "again")
        again = imgsim.load_model(tmp_path / "again")
        assert again.thumbnails(range(40)) == thumbnails
        assert again.insights["outliers"].digest == expected.insights["outliers"].digest

    def test_a_folder_replaced_while_it_is_read_is_refused(self, saved, another, monkeypatch):
        def replace_then_load(folder, load=NeighborGraph.load):
            another.save(saved, overwrite=True)
            return load(folder)

        monkeypatch.setattr(NeighborGraph, "load", replace_then_load)
        with pytest.raises(imgsim.ModelFormatError, match=r"replaced while it was read|different numbers"):
            imgsim.load_model(saved)


def package(folder, content):
    (folder / "inner").mkdir(parents=True)
    (folder / "inner" / "weights.bin").write_bytes(content)
    return folder


def save_with_extras(model, tmp_path, name):
    """Save a model with an insight and a Core ML folder; return where."""
    model.save(tmp_path / f"plain {name}")
    carrying = imgsim.load_model(tmp_path / f"plain {name}")
    carrying.insight("outliers")
    carrying.references.coreml = package(tmp_path / f"package of {name}", b"weights")
    carrying.save(tmp_path / name)
    return tmp_path / name


class TestCopies:
    """A copy answers as the model does, and goes its own way."""

    @pytest.fixture
    def model(self, tiny_model, tmp_path):
        return imgsim.load_model(save_with_extras(tiny_model, tmp_path, "m.imgsim"))

    def by_pickle(self, value):
        return ForkingPickler.loads(ForkingPickler.dumps(value))

    @pytest.mark.parametrize("how", ["pickle", "copy", "deepcopy"])
    @pytest.mark.parametrize("used", [False, True])
    def test_answer_alike(self, model, tiny_images, how, used):
        new = tiny_images / model.images.paths[3]
        if used:  # with everything that is made on first use
            model.query(np.zeros((9, 9, 3), np.uint8))
            assert model.thumbnails([1]) != [None]
            assert len(model.insights["outliers"].tables["images"])
        copied = {"pickle": self.by_pickle, "copy": copy.copy, "deepcopy": copy.deepcopy}[how](model)
        assert copied.revision == model.revision
        pd.testing.assert_frame_equal(copied.query(new), model.query(new))
        pixels = np.full((9, 9, 3), 99, np.uint8)
        assert np.array_equal(copied.embed_pixels(pixels), model.embed_pixels(pixels))
        assert copied.thumbnails(range(40)) == model.thumbnails(range(40))
        assert copied.evaluation.metrics == model.evaluation.metrics
        assert not copied.embeddings.flags.writeable
        copied.remove([0, 1])
        assert (len(copied), len(model)) == (38, 40)
        assert len(model.insights) == 1

    def test_a_created_model_can_be_copied_too(self, tiny_model):
        for copied in (self.by_pickle(tiny_model), copy.deepcopy(tiny_model)):
            assert copied.digest == tiny_model.digest
            assert copied.thumbnails([5]) == tiny_model.thumbnails([5])

    @pytest.mark.parametrize("method", ["fork", "spawn"])
    def test_a_worker_process_of_torch_uses_it(self, model, method):
        from torch.utils.data import DataLoader

        rows = DataLoader(Neighbors(model), num_workers=1, multiprocessing_context=method, collate_fn=list)
        expected = [model.query(row, k=3)["reference_label"].tolist() for row in range(3)]
        assert [batch[0] for batch in rows] == expected


class Neighbors:
    """A data set of torch: the neighbours of the first three images."""

    def __init__(self, model):
        self.model = model

    def __len__(self):
        return 3

    def __getitem__(self, row):
        return self.model.query(row, k=3)["reference_label"].tolist()


@pytest.mark.parametrize("place", ["models:/flowers", "runs:/1/model", "s3://bucket/m", "file:///tmp/m"])
def test_a_url_is_no_folder_to_save_to(tiny_model, tmp_path, monkeypatch, place):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(imgsim.ArgumentError, match="no folder of this machine"):
        tiny_model.save(place)
    assert not any(tmp_path.iterdir())
