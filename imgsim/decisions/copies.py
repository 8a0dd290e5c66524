"""Copies to keep and copies to spare: of a picture by its content, of files with the same bytes by their paths."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from imgsim.decisions import arguments as checked
from imgsim.decisions.events import Event
from imgsim.decisions.kinds import KEEP, SPARE, Kind
from imgsim.errors import ArgumentError

if TYPE_CHECKING:
    from imgsim.decisions.store import Decisions

COPIES = "copies"
"""Name of an action that keeps some copies and spares others."""


def file_key(path: str) -> str:
    """Return the sha256 of a path, which names a file in the store: it is short, and any path has one."""
    return hashlib.sha256(path.encode("utf-8", "surrogateescape")).hexdigest()


def copy_events(
    sha256s: Sequence[str], keep: Iterable[bool], paths: Sequence[str] | None = None, group: str | None = None
) -> list[Event]:
    """Return the events that decide about copies, for `Decisions.record`.

    Parameters
    ----------
    sha256s : sequence of str
        Of the files' bytes.
    keep : iterable of bool
        True for those to keep, False for those to spare.
    paths : sequence of str, optional
        Decide about these files alone, not about all files with the same bytes.
    group : str, optional
        Kind of copies among which it is decided, as ``tier`` in `imgsim.insights.duplicates`; default: any.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        No sha256, or none at all.
    """
    checked.pictures(sha256s)
    kind, keys = (Kind.COPY, [""] * len(sha256s)) if paths is None else (Kind.FILE, list(map(file_key, paths)))
    values = [KEEP if one else SPARE for one in keep]
    if not len(sha256s) == len(keys) == len(values):
        raise ArgumentError(f"{len(sha256s)} pictures, {len(keys)} paths and {len(values)} decisions do not fit.")
    found = zip(sha256s, values, keys, strict=True)
    return [Event(kind, one.lower(), value, key=key, grouping=group) for one, value, key in found]


def decide_copies(
    decisions: Decisions,
    sha256s: Sequence[str],
    keep: Sequence[bool],
    paths: Sequence[str] | None = None,
    group: str | None = None,
    *,
    by: str | None = None,
    version: str | None = None,
) -> int:
    """Decide which copies to keep and which to spare, in one action.

    Parameters
    ----------
    decisions : Decisions
    sha256s, keep, paths, group
        As for `copy_events`.
    by, version
        As `Decisions.set_label`.

    Returns
    -------
    int
        Number of the action.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        As `copy_events`.
    DecisionsError
        The store cannot be used.
    """
    rows = copy_events(sha256s, keep, paths, group)
    values = {row.value for row in rows}
    kind = COPIES if len(values) > 1 else str(values.pop())
    return decisions.record(kind, rows, by=by, version=version)
