"""Shards: files of named arrays in safetensors format with a checksum, written atomically and once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imgsim.errors import ShardError
from imgsim.io.atomic import atomic_path
from imgsim.io.vectors import Matrix, open_vectors
from imgsim.neighbors.partitioned.plan import Plan

Arrays = dict[str, NDArray[Any]]
_MOST_MAPPED = 8192
_TYPES = {"F32": np.float32, "I32": np.int32, "I64": np.int64}


@dataclass(frozen=True)
class ShardRecord:
    """Name, number of rows and checksum of a shard, as the manifest lists it."""

    name: str
    rows: int
    sha256: str


@dataclass(frozen=True)
class Work:
    """One graph to build: the path of the vectors, the folder of its shards, and the plan.

    It is sent to every worker, so both paths must mean the same files on all of them.
    """

    vectors: Path
    folder: Path
    plan: Plan

    def open(self) -> Matrix:
        """Return the (n, d) vectors, memory-mapped."""
        return open_vectors(self.vectors)

    def path(self, stage: str, index: int) -> Path:
        """Return the path of a shard."""
        return self.folder / stage / f"{index:06d}.safetensors"

    def read(self, stage: str, index: int) -> Arrays:
        """Return a shard's arrays, memory-mapped.

        Raises
        ------
        ShardError
            The file is missing or truncated.
        """
        return map_arrays(self.path(stage, index))[0]

    def compute_once(self, stage: str, index: int, compute: Callable[[], Arrays]) -> ShardRecord:
        """Return the record of a stored shard; compute and write the shard first if it is missing or damaged.

        Its rows are the length of the array whose name sorts first.

        Raises
        ------
        ShardError
            The shard cannot be written.
        """
        path = self.path(stage, index)
        try:
            return self.check(stage, index)
        except ShardError:
            arrays = {name: np.ascontiguousarray(array) for name, array in compute().items()}
        record = ShardRecord(self._name(path), _rows(arrays), digest(arrays))
        write(arrays, record.sha256, path)
        return record

    def check(self, stage: str, index: int) -> ShardRecord:
        """Return the record of a stored shard after verifying its checksum.

        Raises
        ------
        ShardError
            The file is missing, truncated or changed.
        """
        path = self.path(stage, index)
        arrays, expected = map_arrays(path)
        if digest(arrays) != expected:
            raise ShardError(f"{path} is damaged: its checksum is another. Run again: it is built anew.")
        return ShardRecord(self._name(path), _rows(arrays), expected)

    def _name(self, path: Path) -> str:
        return path.relative_to(self.folder).as_posix()


def write(arrays: Mapping[str, NDArray[Any]], sha256: str, path: Path) -> None:
    """Write arrays and their `digest` atomically.

    Raises
    ------
    ShardError
        The disk is full or not writable.
    """
    from safetensors.numpy import save_file

    try:
        with atomic_path(path) as temporary:
            save_file(dict(arrays), temporary, {"sha256": sha256})
    except OSError as error:
        raise ShardError(
            f"cannot write {path}: {error}. Free space there and run again: what is done already is kept."
        ) from error


def map_arrays(path: Path) -> tuple[Arrays, str]:
    """Return the arrays of a shard, memory-mapped, and the checksum stored with them.

    Raises
    ------
    ShardError
        The file is missing, truncated or no shard.
    """
    try:
        now = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        raise ShardError(f"{path} is missing. Run again: it is built anew.") from None
    return _map_arrays(path, now.st_mtime_ns, now.st_size, now.st_ino)


def close_all() -> None:
    """Close the shards that are mapped, so that their folder can be removed and gives its space back."""
    _map_arrays.cache_clear()


def _files_mapped() -> int:
    """Return how many shards stay mapped: each is an open file, and a process may often have no more than 1,024."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return _MOST_MAPPED
    allowed = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return _MOST_MAPPED if allowed == resource.RLIM_INFINITY else min(_MOST_MAPPED, allowed // 4)


@lru_cache(maxsize=_files_mapped())
def _map_arrays(path: Path, _mtime_ns: int, size: int, _inode: int) -> tuple[Arrays, str]:
    """Map a file once per content; at a million rows opening files repeatedly took 50 of 356 CPU-s."""
    try:
        with path.open("rb") as file:
            start = 8 + int.from_bytes(file.read(8), "little")
            header = json.loads(file.read(start - 8))
            sha256 = header.pop("__metadata__")["sha256"]
        content = np.memmap(path, np.uint8, "r", offset=start) if size > start else np.empty(0, np.uint8)
        arrays = {name: _array(content, entry) for name, entry in header.items()}
    except (OSError, ValueError, KeyError, TypeError, MemoryError, OverflowError) as error:
        raise ShardError(f"{path} cannot be read: {error}. Run again: it is built anew.") from error
    return arrays, sha256


def _array(content: NDArray[np.uint8], entry: dict[str, Any]) -> NDArray[Any]:
    first, last = entry["data_offsets"]
    return np.asarray(content[first:last].view(_TYPES[entry["dtype"]]).reshape(entry["shape"]))


def digest(arrays: Mapping[str, NDArray[Any]]) -> str:
    """Return the hexadecimal sha256 of names, types, shapes and values."""
    content = hashlib.sha256()
    for name in sorted(arrays):
        content.update(f"{name} {arrays[name].dtype} {arrays[name].shape}\n".encode())
        content.update(np.ascontiguousarray(arrays[name]).data)
    return content.hexdigest()


def _rows(arrays: Mapping[str, NDArray[Any]]) -> int:
    return len(arrays[min(arrays)])
