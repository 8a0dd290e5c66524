import numpy as np
import pytest

import imgsim
from imgsim.neighbors.partitioned.shards import mapped

ARRAYS = {"a": np.arange(6, dtype=np.int32).reshape(3, 2), "b": np.linspace(0, 1, 5, dtype=np.float32)}


def never():
    raise AssertionError("computed again")


def test_a_shard_is_computed_once_and_comes_back_equal(work):
    note = work.keep("place", 3, lambda: ARRAYS)
    assert (note.name, note.rows) == ("place/000003.safetensors", 3)
    assert work.keep("place", 3, never) == note
    found = work.read("place", 3)
    assert all(np.array_equal(found[name], ARRAYS[name]) and found[name].dtype == ARRAYS[name].dtype for name in ARRAYS)


def test_empty_arrays_are_kept_too(work):
    work.keep("build", 0, lambda: {"ids": np.empty((1, 0), np.int32)})
    assert work.read("build", 0)["ids"].shape == (1, 0)
    assert work.check("build", 0).rows == 1


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
    note = work.keep("place", 3, lambda: ARRAYS)
    path = work.path("place", 3)
    whole = path.read_bytes()
    path.write_bytes(harm(whole))
    with pytest.raises(imgsim.ShardError, match="000003"):
        work.check("place", 3)
    assert work.keep("place", 3, lambda: ARRAYS) == note
    assert path.read_bytes() == whole


def test_a_missing_shard_is_named(work):
    with pytest.raises(imgsim.ShardError, match=r"merge/000007.*missing"):
        mapped(work.path("merge", 7))


def test_what_cannot_be_written_says_so(work):
    work.folder.mkdir(exist_ok=True)
    (work.folder / "place").write_bytes(b"a file where a folder should be")
    with pytest.raises(imgsim.ShardError, match="cannot"):
        work.keep("place", 0, lambda: ARRAYS)
