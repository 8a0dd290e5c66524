import numpy as np
import pytest

import imgsim
from imgsim.neighbors.partitioned.shards import map_arrays

ARRAYS = {"a": np.arange(6, dtype=np.int32).reshape(3, 2), "b": np.linspace(0, 1, 5, dtype=np.float32)}


def never():
    raise AssertionError("computed again")


def test_a_shard_is_computed_once_and_comes_back_equal(work):
    record = work.compute_once("leaves", 3, lambda: ARRAYS)
    assert (record.name, record.rows) == ("leaves/000003.safetensors", 3)
    assert work.compute_once("leaves", 3, never) == record
    found = work.read("leaves", 3)
    assert all(np.array_equal(found[name], ARRAYS[name]) and found[name].dtype == ARRAYS[name].dtype for name in ARRAYS)


def test_empty_arrays_are_kept_too(work):
    work.compute_once("leaf_graph", 0, lambda: {"ids": np.empty((1, 0), np.int32)})
    assert work.read("leaf_graph", 0)["ids"].shape == (1, 0)
    assert work.check("leaf_graph", 0).rows == 1


@pytest.mark.parametrize(
    "harm",
    [
        lambda b: b[:-3],
        lambda b: b[: len(b) // 2],
        lambda b: b[:4],
        lambda b: b"",
        lambda b: b[:-1] + bytes([b[-1] ^ 1]),
        lambda b: b"\xff" * len(b),
    ],
)
def test_a_damaged_shard_is_named_and_built_anew(work, harm):
    record = work.compute_once("leaves", 3, lambda: ARRAYS)
    path = work.path("leaves", 3)
    whole = path.read_bytes()
    path.write_bytes(harm(whole))
    with pytest.raises(imgsim.ShardError, match="000003"):
        work.check("leaves", 3)
    assert work.compute_once("leaves", 3, lambda: ARRAYS) == record
    assert path.read_bytes() == whole


def test_a_missing_shard_is_named(work):
    with pytest.raises(imgsim.ShardError, match=r"merge/000007.*missing"):
        map_arrays(work.path("merge", 7))


def test_what_cannot_be_written_says_so(work):
    work.folder.mkdir(exist_ok=True)
    (work.folder / "leaves").write_bytes(b"a file where a folder should be")
    with pytest.raises(imgsim.ShardError, match="cannot"):
        work.compute_once("leaves", 0, lambda: ARRAYS)
