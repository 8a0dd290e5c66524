"""Manifests as a stranger may write them: nothing outside the folder is named, read, written or imported."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import imgsim
from imgsim.references.manifest import stamp
from imgsim.references.text_space import TEXT_PARTS
from tests.text_models import colour_images, colour_model


@pytest.fixture
def saved(tiny_model, tmp_path: Path) -> Path:
    tiny_model.save(tmp_path / "m.imgsim")
    return tmp_path / "m.imgsim"


def manifest_of(folder: Path) -> dict:
    return json.loads((folder / "manifest.json").read_text())


def write(folder: Path, manifest: object) -> None:
    (folder / "manifest.json").write_text(json.dumps(manifest))


def restamp(folder: Path, *names: str) -> None:
    """Give changed files the checksums of their new content, as whoever forges a model would."""
    manifest = manifest_of(folder)
    for name in names:
        manifest["parts"][name] = dict(stamp(folder / name))
    write(folder, manifest)


def refused(folder: Path, reason: str) -> None:
    with pytest.raises(imgsim.ModelFormatError, match=reason) as caught:
        imgsim.load_model(folder)
    assert str(folder) in str(caught.value)


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "x/../images.parquet", "images.parquet\0", ""])
def test_parts_have_the_names_of_parts(saved: Path, name: str) -> None:
    manifest = manifest_of(saved)
    manifest["parts"][name] = {"bytes": 1, "sha256": ""}
    write(saved, manifest)
    refused(saved, "names parts no imgsim model has")


@pytest.mark.parametrize(
    "name", ["../x", "/x", "insights/../../x", "coreml/\0", "coreml/a\nb", "coreml/..\\x", "coreml", "coreml/", "C:/x"]
)
def test_extras_lie_in_their_folders(saved: Path, name: str) -> None:
    manifest = manifest_of(saved)
    manifest["extras"][name] = {"bytes": 1, "sha256": ""}
    write(saved, manifest)
    refused(saved, "where no imgsim model has any")


@pytest.mark.parametrize(
    "change",
    [
        {"parts": []},
        {"parts": {"images.parquet": 5}},
        {"parts": {"images.parquet": {"bytes": "1", "sha256": "x"}}},
        {"parts": {"images.parquet": {"bytes": 1}}},
        {"extras": []},
        {"extras": {"coreml/x": None}},
        {"ids": "abc"},
        {"ids": [None] * 40},
        {"ids": [[1]] * 40},
        {"ids": [10**30] * 40},
        {"ids": [1.5] * 40},
        {"ids": [7] * 40},
        {"ids": [1, 2]},
        {"ids": ["x" * 20_000_000, *map(str, range(39))]},
        {"label_column": 3},
        {"label_column": "no such column"},
        {"label_column": "label"},
        {"format": None},
        {"format": 1e400},
        {"backbone": None},
        {"backbone": {"fingerprint": "../../../tmp/x"}},
        {"backbone": {"fingerprint": "/tmp/x"}},
        {"backbone": {"fingerprint": ".."}},
        {"backbone": {"name": ["os"]}},
        {"backbone": {"height": 10**6}},
        {"backbone": {"width": -1}},
        {"backbone": {"width": True}},
        {"backbone": {"width": 2.5}},
        {"backbone": {"dim": 2**40}},
        {"backbone": {"precision": "int8"}},
        {"backbone": {"precision": ["bf16"]}},
        {"backbone": {"precision": "bf16"}},  # the fingerprint is that of fp32
        {"backbone": {"mean": [1, 2]}},
        {"backbone": {"mean": "abc"}},
        {"backbone": {"std": [1, 2, float("nan")]}},
    ],
)
def test_values_that_no_model_has(saved: Path, change: dict) -> None:
    manifest = manifest_of(saved)
    for key, value in change.items():
        merged = key == "backbone" and value is not None
        manifest[key] = manifest[key] | value if merged else value
    write(saved, manifest)
    refused(saved, "lacks or misstates|cannot be|different numbers of rows|cannot be read")


@pytest.mark.parametrize("document", [[], 3, None, "text", {}])
def test_documents_that_are_no_manifest(saved: Path, document: object) -> None:
    write(saved, document)
    refused(saved, "cannot be read")


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, "\xff", '{"format": 1' + "9" * 5000 + "}"])
def test_text_that_is_no_manifest(saved: Path, text: str) -> None:
    (saved / "manifest.json").write_bytes(text.encode("latin1"))
    refused(saved, "cannot be read")


@pytest.mark.parametrize("part", ["images.parquet", "backbone.onnx", "embeddings.arrow"])
def test_links_are_not_followed(saved: Path, tmp_path: Path, part: str) -> None:
    """Not even to a file of the right content: the next reader would find another."""
    shutil.move(saved / part, tmp_path / "elsewhere")
    (saved / part).symlink_to(tmp_path / "elsewhere")
    refused(saved, f"{part} is a link")


def test_linked_folders_are_not_followed(saved: Path, tmp_path: Path) -> None:
    model = imgsim.load_model(saved)
    model.insight("outliers")
    model.save(saved, overwrite=True)
    shutil.move(saved / "insights", tmp_path / "elsewhere")
    (saved / "insights").symlink_to(tmp_path / "elsewhere")
    refused(saved, "is a link")


def test_pipes_do_not_block(saved: Path) -> None:
    (saved / "images.parquet").unlink()
    os.mkfifo(saved / "images.parquet")
    refused(saved, r"images\.parquet is missing")


@pytest.mark.parametrize("part", ["projection.safetensors", "backbone.onnx", "thumbnails.parquet"])
def test_a_file_that_the_manifest_does_not_know(saved: Path, part: str) -> None:
    manifest = manifest_of(saved)
    del manifest["parts"][part]
    write(saved, manifest)
    refused(saved, f"{part} is not in the manifest")


def test_a_file_beside_a_package_that_the_manifest_does_not_know(saved: Path, tmp_path: Path) -> None:
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "weights.bin").write_bytes(b"x")
    model = imgsim.load_model(saved)
    model.references.coreml = tmp_path / "package"
    model.save(saved, overwrite=True)
    (saved / "coreml" / ".DS_Store").touch()
    imgsim.load_model(saved)
    (saved / "coreml" / "more.bin").touch()
    refused(saved, r"coreml/more\.bin is not in the manifest")


def forged_graph(saved: Path, neighbors: np.ndarray) -> None:
    old = pq.read_table(saved / "neighbors.parquet")
    columns = [pa.FixedSizeListArray.from_arrays(pa.array(neighbors.reshape(-1)), neighbors.shape[1]), old["distances"]]
    pq.write_table(pa.table(columns, schema=old.schema), saved / "neighbors.parquet")
    restamp(saved, "neighbors.parquet")


def test_neighbours_that_are_not_there(saved: Path, tiny_model) -> None:
    neighbors = tiny_model.graph.neighbors.copy()
    neighbors[3, 2] = 10**9
    forged_graph(saved, neighbors)
    with pytest.raises(imgsim.ModelFormatError, match="ids out of range"):
        imgsim.load_model(saved)


def test_thumbnails_that_are_none(saved: Path, tiny_model) -> None:
    """Programs that draw them must not meet another format, or a poster."""
    from io import BytesIO

    from PIL import Image

    poster = BytesIO()
    Image.new("RGB", (4000, 4000)).save(poster, "JPEG")
    kinds = [b"", b"%!PS-Adobe-3.0 EPSF-3.0\n", b"<svg/>", poster.getvalue()]
    keys = sorted(set(tiny_model.images.sha256))
    old = pq.read_table(saved / "thumbnails.parquet")
    forged = [kinds[i] if i < len(kinds) else value for i, value in enumerate(old["thumbnail"].to_pylist())]
    assert old["sha256"].to_pylist() == keys
    pq.write_table(
        pa.table([old["sha256"], pa.array(forged, pa.binary())], schema=old.schema), saved / "thumbnails.parquet"
    )
    restamp(saved, "thumbnails.parquet")
    model = imgsim.load_model(saved)
    rows = [model.images.sha256.index(key) for key in keys]
    found = model.thumbnails(rows)
    assert found[: len(kinds)] == [None] * len(kinds)
    assert None not in found[len(kinds) :]


def test_the_name_of_a_network_is_never_imported(saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "evil.py").write_text("import pathlib; pathlib.Path('ran').touch()\ndef network(): ...\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    manifest = manifest_of(saved)
    manifest["backbone"]["name"] = "evil:network"
    write(saved, manifest)
    model = imgsim.load_model(saved)
    assert len(model.query(0)) == 5
    with pytest.raises(imgsim.CoreMLError, match="if you trust the code"):
        model.export_coreml(tmp_path / "x.mlpackage")
    assert not (tmp_path / "ran").exists()


@pytest.fixture(scope="module")
def in_words(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A saved model with a text tower."""
    base = tmp_path_factory.mktemp("words")
    model = colour_model(colour_images(base / "images"), imgsim.FeatureStore(base / "store"))
    model.save(base / "m.imgsim")
    return base / "m.imgsim"


@pytest.mark.parametrize("name", TEXT_PARTS)
def test_a_text_tower_is_whole_or_not_there(in_words: Path, tmp_path: Path, name: str) -> None:
    folder = Path(shutil.copytree(in_words, tmp_path / "m.imgsim"))
    manifest = manifest_of(folder)
    del manifest["parts"][name]
    write(folder, manifest)
    refused(folder, f"of a text tower it lacks \\['{name}'\\]")
    write(folder, manifest_of(in_words))
    (folder / name).write_bytes((folder / name).read_bytes()[:-1] + b"!")
    refused(folder, "is damaged")


def test_vectors_of_another_text_tower_are_refused(in_words: Path, tmp_path: Path, rng: np.random.Generator) -> None:
    from imgsim.io.vectors import write_embeddings

    folder = Path(shutil.copytree(in_words, tmp_path / "m.imgsim"))
    write_embeddings(rng.random((12, 5), np.float32), folder / "joint.arrow")
    restamp(folder, "joint.arrow")
    refused(folder, "have 5 values where its texts have 3")
    write_embeddings(rng.random((7, 3), np.float32), folder / "joint.arrow")
    restamp(folder, "joint.arrow")
    refused(folder, "different numbers of rows")


def test_a_text_tower_of_a_stranger_is_checked_before_it_runs(in_words: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(in_words, tmp_path / "m.imgsim"))
    with (folder / "tokenizer.json").open("wb") as file:
        file.truncate(65 * 2**20)
    restamp(folder, "tokenizer.json")
    refused(folder, "the limit is 64")
    shutil.copy(in_words / "tokenizer.json", folder / "tokenizer.json")
    (folder / "text.onnx").write_bytes(b"no network")
    restamp(folder, "tokenizer.json", "text.onnx")
    loaded = imgsim.load_model(folder)
    assert len(loaded.query(0)) == 5  # the text tower is not read for it
    with pytest.raises(imgsim.ModelFormatError, match=r"text\.onnx is not a network"):
        loaded.query(text="red")


@pytest.mark.parametrize(("name", "value"), [("has_text", 1), ("has_text", "yes"), ("crop_floor", None)])
def test_flags_of_a_network_are_flags(in_words: Path, tmp_path: Path, name: str, value: object) -> None:
    folder = Path(shutil.copytree(in_words, tmp_path / "m.imgsim"))
    manifest = manifest_of(folder)
    manifest["backbone"][name] = value
    write(folder, manifest)
    refused(folder, f"backbone: {name}")
