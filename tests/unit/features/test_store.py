import errno
import hashlib
import uuid

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import imgsim
from imgsim.features.content import table
from imgsim.io.object_store import LocalParts

A, B, C, X, Z = (hashlib.sha256(letter).hexdigest() for letter in (b"a", b"b", b"c", b"x", b"z"))


def features(**rows: float) -> dict[str, np.ndarray]:
    """Features of the files a, b, c and so on."""
    return {hashlib.sha256(name.encode()).hexdigest(): np.full(3, value, np.float32) for name, value in rows.items()}


@pytest.mark.parametrize("remote", [False, True])
def test_rows_come_back_in_the_order_asked(tmp_path, remote):
    store = imgsim.FeatureStore(f"memory://{uuid.uuid4().hex}/store/" if remote else tmp_path)
    store.write("net", features(a=1, b=2), {A: b"A"}, {Z: "broken"}, {})
    store.write("net", features(c=3, a=1), {}, {}, {})
    found, matrix = store.read_features("net", [C, X, A, B, A])
    assert found.tolist() == [True, False, True, True, True]
    assert matrix[:, 0].tolist() == [3, 1, 2, 1]
    assert store.read_thumbnails([B, A]) == [None, b"A"]
    assert store.undecodable.find([Z])[1].to_pylist() == ["broken"]


@pytest.mark.parametrize("remote", [False, True])
def test_what_is_forgotten_is_in_no_part(tmp_path, remote):
    store = imgsim.FeatureStore(f"memory://{uuid.uuid4().hex}/store/" if remote else tmp_path)
    store.write("net", features(a=1, b=2), {A: b"A", B: b"B"}, {Z: "broken"}, {A: "PNG"})
    store.write("other", features(a=1), {A: b"A"}, {}, {})
    assert store.forget([A, Z, X]) == 2
    assert store.read_thumbnails([A, B]) == [None, b"B"]
    assert store.read_features("net", [A, B])[0].tolist() == [False, True]
    assert not store.read_features("other", [A])[0].any()
    assert not store.undecodable.find([Z])[0].any()
    assert store.forget([A]) == 0


def test_nothing_of_a_damaged_part_is_left_when_forgetting(tmp_path):
    store = imgsim.FeatureStore(tmp_path)
    for key in (A, B):
        store.write("net", {}, {key: b"A"}, {}, {})
    next((tmp_path / "thumbnails").iterdir()).write_bytes(b"junk")
    with pytest.warns(UserWarning, match="is damaged"):
        store.forget([A, B])
    assert not [path for path in (tmp_path / "thumbnails").iterdir() if path.suffix == ".damaged"]
    assert store.read_thumbnails([A, B]) == [None, None]


def test_an_empty_store_knows_nothing(tmp_path):
    found, matrix = imgsim.FeatureStore(tmp_path / "none").read_features("net", [A])
    assert not found.any()
    assert matrix.size == 0


def test_backbones_do_not_mix(tmp_path):
    store = imgsim.FeatureStore(tmp_path)
    store.write("one", features(a=1), {}, {}, {})
    assert not store.read_features("two", [A])[0].any()


def test_a_damaged_part_is_kept_under_another_name_and_told(tmp_path):
    store = imgsim.FeatureStore(tmp_path)
    store.write("net", features(a=1), {}, {}, {})
    store.write("net", features(b=2), {}, {}, {})
    part = next((tmp_path / "features" / "net").iterdir())
    part.write_bytes(b"PAR1 junk")
    with pytest.warns(UserWarning, match=rf"{part.name} is damaged .* kept as .*{part.name}\.damaged"):
        assert store.read_features("net", [A, B])[0].sum() == 1
    assert (part.parent / f"{part.name}.damaged").read_bytes() == b"PAR1 junk"
    assert store.read_features("net", [A, B])[0].sum() == 1


def test_a_damaged_part_of_a_bucket_is_kept_under_another_name(tmp_path):
    import fsspec

    store = imgsim.FeatureStore(f"memory://{uuid.uuid4().hex}")
    store.write("net", features(a=1), {}, {}, {})
    parts = store.features("net").parts
    (name,) = parts.sizes()
    fsspec.filesystem("memory").pipe_file(parts.where(name), b"PAR1 junk")
    with pytest.warns(UserWarning, match="is damaged"):
        assert not store.read_features("net", [A])[0].any()
    assert list(parts.sizes()) == [f"{name}.damaged"]
    assert fsspec.filesystem("memory").cat_file(parts.where(f"{name}.damaged")) == b"PAR1 junk"


class Failing(LocalParts):
    """A folder on a disk that cannot be read at the moment."""

    def open(self, name, size, ranges):
        raise OSError(errno.EMFILE, "Too many open files", name)

    def read_bytes(self, name):
        raise OSError(errno.EMFILE, "Too many open files", name)


def test_a_part_that_cannot_be_read_at_the_moment_is_neither_damaged_nor_absent(tmp_path):
    store = imgsim.FeatureStore(tmp_path)
    store.write("net", features(a=1), {}, {}, {})
    folder = tmp_path / "features" / "net"
    before = sorted(folder.iterdir())
    with pytest.raises(imgsim.StoreError, match=r"cannot be read at the moment: too many open files\. Nothing is lost"):
        table.ContentTable(Failing(folder), "feature").find([A])
    assert sorted(folder.iterdir()) == before


def test_a_bucket_that_does_not_answer_loses_nothing(monkeypatch):

    store = imgsim.FeatureStore(f"memory://{uuid.uuid4().hex}")
    store.write("net", features(a=1), {}, {}, {})

    def no_answer(*_: object, **__: object) -> None:
        raise ConnectionError("connection reset")

    with monkeypatch.context() as broken:
        broken.setattr("fsspec.implementations.memory.MemoryFileSystem.cat_file", no_answer)
        with pytest.raises(imgsim.StoreError, match="at the moment: connection reset"):
            store.read_features("net", [A])
    assert store.read_features("net", [A])[0].all()


def test_what_other_decoders_stored_is_not_read(tmp_path):
    store = imgsim.FeatureStore(tmp_path)
    store.write("net", features(a=1, b=2, c=3), {}, {}, {A: "JPEG", B: "TIFF"})
    parts = {path.name.split("-")[1]: path for path in (tmp_path / "features" / "net").iterdir()}
    assert set(parts) == {"jpeg", "tiff", "any"}
    parts["tiff"].rename(parts["tiff"].with_name("v2-tiff-00000000-1-0.parquet"))
    assert store.read_features("net", [A, B, C])[0].tolist() == [True, False, True]


def test_a_store_that_cannot_be_written_says_what_to_do(tmp_path):
    (tmp_path / "features").write_text("a file where a folder should be")
    with pytest.raises(imgsim.StoreError, match="IMGSIM_HOME"):
        imgsim.FeatureStore(tmp_path).write("net", features(a=1), {}, {}, {})


def test_default_root_is_in_home_unless_set(home, monkeypatch):
    assert imgsim.FeatureStore().root == home / "store"
    monkeypatch.setenv("IMGSIM_STORE", "s3://bucket/store/")
    assert imgsim.FeatureStore().root == "s3://bucket/store"
    assert imgsim.FeatureStore().backbone_folder("net") == home / "store" / "backbones" / "net"


def test_a_file_url_is_a_folder(tmp_path):
    assert imgsim.FeatureStore(f"file://{tmp_path}/store").root == tmp_path / "store"


def test_a_store_that_cannot_be_listed_is_not_an_empty_one(tmp_path):
    (tmp_path / "features").mkdir()
    (tmp_path / "features" / "net").write_text("a file where a folder should be")
    with pytest.raises(imgsim.StoreError, match="cannot be listed"):
        imgsim.FeatureStore(tmp_path).read_features("net", [A])


def test_a_network_that_nobody_shared_is_named(home):
    with pytest.raises(imgsim.StoreError, match=r"backbones/net/backbone\.onnx"):
        imgsim.FeatureStore(f"memory://{uuid.uuid4().hex}").fetch("net", "backbone.onnx")


def test_what_others_store_is_found(tmp_path):
    url = f"memory://{uuid.uuid4().hex}"
    for root in (tmp_path, url):
        one, other = imgsim.FeatureStore(root), imgsim.FeatureStore(root)
        one.write("net", features(a=1), {}, {}, {})
        assert one.read_features("net", [B])[0].tolist() == [False]
        other.write("net", features(b=2), {}, {}, {})
        assert one.read_features("net", [B])[1].tolist() == [[2, 2, 2]]


def test_what_is_stored_twice_is_read_once(tmp_path):
    store = imgsim.FeatureStore(tmp_path)
    for value in (1, 1):
        store.write("net", features(a=value, b=2), {}, {}, {})
    found, matrix = store.read_features("net", [B, A, A])
    assert found.all()
    assert matrix[:, 0].tolist() == [2, 1, 1]


def test_networks_travel_with_a_remote_store(tmp_path, monkeypatch):
    store = imgsim.FeatureStore(f"memory://{uuid.uuid4().hex}")
    for name in ("one", "two"):
        monkeypatch.setenv("IMGSIM_HOME", str(tmp_path / name))
        if name == "one":
            store.backbone_folder("net").mkdir(parents=True)
            (store.backbone_folder("net") / "backbone.onnx").write_bytes(b"network")
            store.share("net", "backbone.onnx")
        assert store.fetch("net", "backbone.onnx").read_bytes() == b"network"
        assert (tmp_path / name) in store.fetch("net", "backbone.onnx").parents


def test_a_store_that_cannot_be_reached_is_named(monkeypatch):

    store = imgsim.FeatureStore("memory://unreachable/store")

    def refuse(*_: object, **__: object) -> None:
        raise RuntimeError("no credentials")

    monkeypatch.setattr("fsspec.implementations.memory.MemoryFileSystem.ls", refuse)
    with pytest.raises(imgsim.StoreError, match=r"memory://unreachable/store/features/net.*no credentials"):
        store.read_features("net", [A])


def test_what_a_killed_writer_left_is_not_read(tmp_path):
    store = imgsim.FeatureStore(tmp_path)
    store.write("net", features(a=1), {}, {}, {})
    folder = tmp_path / "features" / "net"
    (folder / ".0123.parquet.4567.tmp.parquet").write_bytes(b"PAR1 half")
    assert store.read_features("net", [A])[0].all()


def test_a_flipped_bit_is_found_and_its_file_named(tmp_path):
    store = imgsim.FeatureStore(tmp_path)
    store.write("net", features(a=1, b=2), {}, {}, {})
    part = next((tmp_path / "features" / "net").iterdir())
    data = bytearray(part.read_bytes())
    data[data.index(np.float32(2).tobytes())] ^= 1
    part.write_bytes(data)
    with pytest.warns(UserWarning, match=part.name):
        assert not store.read_features("net", [A, B])[0].any()


@pytest.mark.parametrize(
    "columns",
    [{}, {"feature": [X, "y"]}, {"feature": [None, None]}, {"sha256": [1, 2], "feature": [[1.0], [2.0]]}],
    ids=["no values", "text", "nothing", "keys of another type"],
)
def test_a_part_of_other_columns_is_damaged(tmp_path, columns):
    store = imgsim.FeatureStore(tmp_path)
    store.write("net", features(a=1, b=2), {}, {}, {})
    part = next((tmp_path / "features" / "net").iterdir())
    pq.write_table(pa.table({"sha256": [A, B], **columns}), part)
    table._OPENED.clear()
    with pytest.warns(UserWarning, match="is damaged"):
        assert not store.read_features("net", [A, B])[0].any()


def test_features_of_two_widths_are_told_with_their_folder(tmp_path):
    store = imgsim.FeatureStore(tmp_path)
    store.write("net", {A: np.zeros(3, np.float32)}, {}, {}, {})
    store.write("net", {B: np.zeros(4, np.float32)}, {}, {}, {})
    with pytest.raises(imgsim.StoreError, match=r"net hold values of several types .* Delete this folder"):
        store.read_features("net", [A, B])
