"""Names of parts: ``v2-png-0a1b2c3d-512-<id>.parquet`` tells origin (format, decoding version), rows, and age.

Parts of imgsim 0.1 and 0.2 are named ``png-0a1b2c3d-<id>.parquet``. They have no index, and one column ``sha256`` of
text.
"""

from __future__ import annotations

import hashlib
import re
import time
import uuid
from dataclasses import dataclass
from functools import cache

from imgsim.decoding.formats import FORMATS
from imgsim.decoding.version import decoding_version

_NAME = re.compile(r"(?:(v2)-)?([a-z0-9]+-[0-9a-f]{8})-(?:(\d+)-)?([0-9a-f]+)\.parquet")


@dataclass(frozen=True)
class PartName:
    """Name of a part, and what it tells."""

    name: str
    origin: str
    rows: int | None  # None: of an earlier version, which did not tell
    age: str  # later parts have greater ones

    @property
    def current(self) -> bool:
        """True if the part is of the decoding version of this process: others may hold other pixels."""
        return self.origin in origins().values()


def parse(name: str) -> PartName | None:
    """Return what a name tells; None if it is not that of a part."""
    found = _NAME.fullmatch(name)
    if found is None:
        return None
    indexed, origin, rows, age = found.groups()
    return PartName(name, origin, int(rows) if indexed and rows else None, age)


def new_name(origin: str, rows: int) -> str:
    """Return an unused name for a part of so many rows."""
    return f"v2-{origin}-{rows}-{time.time_ns():016x}{uuid.uuid4().hex[:16]}.parquet"


@cache
def origins() -> dict[str, str]:
    """Return the start of the names of current parts by format; of files of unknown format under ""."""
    found = {}
    for kind in (*FORMATS, ""):
        digest = hashlib.sha256(decoding_version(kind or None).encode()).hexdigest()
        found[kind] = f"{kind.lower() or 'any'}-{digest[:8]}"
    return found
