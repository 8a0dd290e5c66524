import hashlib
import os
import time

import numpy as np
import pytest

import imgsim
from imgsim.features.upkeep import collect_garbage, compact, measure_store

A, B = (hashlib.sha256(letter).hexdigest() for letter in (b"a", b"b"))


@pytest.fixture(params=["folder", "bucket"])
def store(request, tmp_path):
    """Two rows of one network, one of another, and two files that are not read."""
    made = imgsim.FeatureStore(tmp_path if request.param == "folder" else f"memory://{tmp_path.name}")
    for key in (A, B):
        made.write("net", {key: np.zeros(3, np.float32)}, {key: b"JPEG"}, {}, {key: "PNG"})
    made.write("other", {A: np.ones(2, np.float32)}, {}, {}, {A: "PNG"})
    for name in (f"v2-png-00000000-1-{'0' * 32}.parquet", f"png-00000000-{'0' * 32}.parquet.damaged"):
        with made.thumbnails.parts.write(name) as path:
            path.write_bytes(b"12345")
    return made


def test_what_tables_hold_is_counted(store):
    tables = {one.table: one for one in measure_store(store)}
    assert {name: (one.rows, one.parts) for name, one in tables.items()} == {
        "features/net": (2, 2),
        "features/other": (1, 1),
        "thumbnails": (2, 2),
    }
    assert (tables["thumbnails"].unused_files, tables["thumbnails"].unused_bytes) == (2, 10)
    sizes = store.features("other").sizes()
    assert (tables["features/other"].bytes, tables["features/other"].unused_files) == (sum(sizes.values()), 0)


def test_all_small_parts_are_merged(store):
    assert compact(store) == 4
    assert {one.table: (one.rows, one.parts) for one in measure_store(store)} == {
        "features/net": (2, 1),
        "features/other": (1, 1),
        "thumbnails": (2, 1),
    }


def test_what_nobody_reads_is_removed_and_nothing_else(store):
    before = store.thumbnails.sizes()
    told = collect_garbage(store, dry_run=True)
    assert store.thumbnails.sizes() == before
    assert collect_garbage(store) == told
    assert set(told.values()) == {5}
    assert store.contains("net", [A, B]).all()
    assert [one.unused_files for one in measure_store(store)] == [0, 0, 0]
    assert collect_garbage(store) == {}


def test_what_killed_processes_left_is_removed_after_a_day(tmp_path):
    made = imgsim.FeatureStore(tmp_path)
    made.write("net", {A: np.zeros(3, np.float32)}, {A: b"JPEG"}, {}, {A: "PNG"})
    part, network = (
        tmp_path / "features" / "net" / ".part.0123456789ab.tmp.parquet",
        tmp_path / "backbones" / ".net.tmp",
    )
    network.mkdir(parents=True)
    for file in (part, network / "backbone.onnx"):
        file.write_bytes(b"123")
    assert collect_garbage(made) == {}, "they may still be written"
    yesterday = time.time() - 25 * 3600
    for path in (part, network):
        os.utime(path, (yesterday, yesterday))
    told = collect_garbage(made, dry_run=True)
    assert told == {f"features/net/{part.name}": 3, "backbones/.net.tmp": 3}
    assert part.exists()
    assert collect_garbage(made) == told
    assert not part.exists()
    assert not network.exists()
    assert made.contains("net", [A]).all()


def test_the_features_of_a_network_are_removed_by_name(store):
    removed = collect_garbage(store, ["features/other"])
    assert sum(name.startswith("features/other/") for name in removed) == 1
    assert not store.read_features("other", [A])[0].any()
    assert store.contains("net", [A, B]).all()
    with pytest.raises(imgsim.ArgumentError, match=r"no table 'features/none'\. There are: .*features/net"):
        collect_garbage(store, ["features/none"])
