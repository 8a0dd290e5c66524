import uuid

import numpy as np
import pytest

import imgsim


def features(**rows: float) -> dict[str, np.ndarray]:
    return {key: np.full(3, value, np.float32) for key, value in rows.items()}


@pytest.mark.parametrize("remote", [False, True])
def test_rows_come_back_in_the_order_asked(tmp_path, remote):
    store = imgsim.FeatureStore(f"memory://{uuid.uuid4().hex}/store/" if remote else tmp_path)
    store.write("net", features(a=1, b=2), {"a": b"A"}, {"z": "broken"})
    store.write("net", features(c=3, a=1), {}, {})
    found, matrix = store.read_features("net", ["c", "x", "a", "b", "a"])
    assert found.tolist() == [True, False, True, True, True]
    assert matrix[:, 0].tolist() == [3, 1, 2, 1]
    assert store.read_thumbnails(["b", "a"]) == [None, b"A"]
    assert store.undecodable.find(["z"])[1].to_pylist() == ["broken"]


def test_an_empty_store_knows_nothing(tmp_path):
    found, matrix = imgsim.FeatureStore(tmp_path / "none").read_features("net", ["a"])
    assert not found.any()
    assert matrix.size == 0


def test_backbones_do_not_mix(tmp_path):
    store = imgsim.FeatureStore(tmp_path)
    store.write("one", features(a=1), {}, {})
    assert not store.read_features("two", ["a"])[0].any()


def test_one_part_is_read_without_copying(tmp_path):
    store = imgsim.FeatureStore(tmp_path)
    store.write("net", features(a=1, b=2), {}, {})
    _, matrix = store.read_features("net", ["a", "b"])
    assert not matrix.flags.writeable
    assert matrix.base is not None


def test_a_damaged_part_is_named(tmp_path):
    store = imgsim.FeatureStore(tmp_path)
    store.write("net", features(a=1), {}, {})
    part = next((tmp_path / "features" / "net").iterdir())
    part.write_bytes(b"PAR1 junk")
    with pytest.raises(imgsim.StoreError, match=part.name):
        store.read_features("net", ["a"])


def test_a_store_that_cannot_be_written_says_what_to_do(tmp_path):
    (tmp_path / "features").write_text("a file where a folder should be")
    with pytest.raises(imgsim.StoreError, match="IMGSIM_HOME"):
        imgsim.FeatureStore(tmp_path).write("net", features(a=1), {}, {})


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
        imgsim.FeatureStore(tmp_path).read_features("net", ["a"])


def test_a_network_that_nobody_shared_is_named(home):
    with pytest.raises(imgsim.StoreError, match=r"backbones/net/backbone\.onnx"):
        imgsim.FeatureStore(f"memory://{uuid.uuid4().hex}").fetch("net", "backbone.onnx")


def test_what_others_store_is_found(tmp_path):
    url = f"memory://{uuid.uuid4().hex}"
    for root in (tmp_path, url):
        one, other = imgsim.FeatureStore(root), imgsim.FeatureStore(root)
        one.write("net", features(a=1), {}, {})
        assert one.read_features("net", ["b"])[0].tolist() == [False]
        other.write("net", features(b=2), {}, {})
        assert one.read_features("net", ["b"])[1].tolist() == [[2, 2, 2]]


def test_what_is_stored_twice_is_read_once(tmp_path):
    store = imgsim.FeatureStore(tmp_path)
    for value in (1, 1):
        store.write("net", features(a=value, b=2), {}, {})
    found, matrix = store.read_features("net", ["b", "a", "a"])
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
    import fsspec

    store = imgsim.FeatureStore("memory://unreachable/store")

    def refuse(*_: object, **__: object) -> None:
        raise RuntimeError("no credentials")

    monkeypatch.setattr(fsspec.filesystem("memory"), "ls", refuse)
    with pytest.raises(imgsim.StoreError, match=r"memory://unreachable/store/features/net.*no credentials"):
        store.read_features("net", ["a"])


def test_what_a_killed_writer_left_is_not_read(tmp_path):
    store = imgsim.FeatureStore(tmp_path)
    store.write("net", features(a=1), {}, {})
    folder = tmp_path / "features" / "net"
    (folder / ".0123.parquet.4567.tmp.parquet").write_bytes(b"PAR1 half")
    assert store.read_features("net", ["a"])[0].all()


def test_a_flipped_bit_is_found_and_its_file_named(tmp_path):
    store = imgsim.FeatureStore(tmp_path)
    store.write("net", features(a=1, b=2), {}, {})
    part = next((tmp_path / "features" / "net").iterdir())
    data = bytearray(part.read_bytes())
    data[data.index(np.float32(2).tobytes())] ^= 1
    part.write_bytes(data)
    with pytest.raises(imgsim.StoreError, match=part.name):
        store.read_features("net", ["a", "b"])
