"""File stamps: text that tells, without reading a file, that it is the file that was read before."""

import os
import stat
import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

SETTLED = 2.0
"""Seconds since the last change before a stamp is trusted.

Clocks of file systems and services are coarse (FAT: 2 s), so a file that changes twice within that time may keep its
times and its size. git calls such files racily clean.
"""
_VERSIONS = ("ETag", "etag", "e_tag", "VersionId", "version_id", "generation", "md5Hash", "content_md5", "blob_id")
_TIMES = ("LastModified", "last_modified", "mtime", "updated")


class Stamp(NamedTuple):
    """Stamp of a file, and its modification time (seconds since 1970) where it is known."""

    text: str
    mtime: float | None


def local_stamp(path: str) -> Stamp | None:
    """Return size, times and inode of a regular file of this machine; None if it is none, or changed just now.

    The time of the last change of the inode is part of it where the system has one (not on Windows): ``cp -p`` and
    ``rsync`` give a new content the modification time of the old one, but cannot set this time.
    """
    now = time.time()
    try:
        status = os.stat(path)  # noqa: PTH116  names of any kind, and speed
    except (OSError, ValueError):
        return None
    changed = 0 if os.name == "nt" else status.st_ctime_ns
    if not stat.S_ISREG(status.st_mode) or now - max(status.st_mtime_ns, changed) / 1e9 <= SETTLED:
        return None
    return Stamp(f"{status.st_size} {status.st_mtime_ns} {changed} {status.st_ino}", status.st_mtime)


def listed_stamp(info: Mapping[str, Any], now: float) -> str | None:
    """Return size, version and modification time of an object as a service listed it at ``now``.

    None if the service tells neither a version (etag, generation, ...) nor a modification time, or if the object
    changed just before.
    """
    versions = [f"{key} {info[key]}" for key in _VERSIONS if info.get(key)]
    changed = modified(info, _TIMES)
    if not (versions or changed) or (changed is not None and now - changed <= SETTLED):
        return None
    size = info.get("size", info.get("Size"))
    return " ".join([str(size), str(changed), *versions])


def modified(info: Mapping[str, Any], names: tuple[str, ...] = (*_TIMES, "created")) -> float | None:
    """Return the modification time in a listing (seconds since 1970); services name it differently."""
    for key in names:
        value = info.get(key)
        if isinstance(value, datetime):
            try:
                return value.timestamp()
            except (OverflowError, ValueError, OSError):  # outside the calendar of this machine
                return None
        if isinstance(value, (int, float)):
            return float(value)
    return None
