"""Named clusters: sets of pictures that hold a tag ``cluster:NAME``, so that they outlive the versions of a model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from imgsim.decisions import arguments as checked
from imgsim.decisions.events import Event
from imgsim.decisions.kinds import TAGGED, Kind
from imgsim.errors import ArgumentError

if TYPE_CHECKING:
    from imgsim.decisions.store import Decisions

PREFIX = "cluster:"
ACTION = "cluster"
"""Kind of the actions that `name_clusters` records."""


def cluster_tag(name: str) -> str:
    """Return the tag of a cluster.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        A name that no tag can have: empty, too long, or with a ``;``.
    """
    return checked.tag(PREFIX + checked.text(name, "name").strip())


def cluster_names(tags: Iterable[str]) -> tuple[str, ...]:
    """Return the names of the clusters among some tags."""
    return tuple(tag.removeprefix(PREFIX) for tag in tags if tag.startswith(PREFIX))


def plain_tags(tags: Iterable[str]) -> tuple[str, ...]:
    """Return the tags that name no cluster."""
    return tuple(tag for tag in tags if not tag.startswith(PREFIX))


def name_clusters(
    decisions: Decisions,
    clusters: Mapping[str | None, Iterable[str]],
    *,
    by: str | None = None,
    version: str | None = None,
) -> int:
    """Put pictures into named clusters, as one action; each leaves the cluster that it is in.

    So a cluster is named; two are merged, under one name; or one is split, under several.

    Parameters
    ----------
    decisions : Decisions
    clusters : mapping of str or None to iterable of str
        Pictures, by the sha256 of their files, by the name of their new cluster; None for no cluster. A picture in
        several of them gets the last.
    by, version
        As `Decisions.set_label`.

    Returns
    -------
    int
        Number of the action.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        No sha256, a name that no tag can have, or nothing to change.
    """
    wanted: dict[str, str | None] = {}
    for name, pictures in clusters.items():
        wanted |= dict.fromkeys(checked.pictures(pictures), None if name is None else cluster_tag(name))
    held, rows = decisions.tags(), []
    for picture, tag in wanted.items():
        there = [found for found in held.get(picture, ()) if found.startswith(PREFIX)]
        rows += [Event(Kind.TAG, picture, None, key=old) for old in there if old != tag]
        if tag is not None and tag not in there:
            rows.append(Event(Kind.TAG, picture, TAGGED, key=tag))
    if not rows:
        raise ArgumentError("these pictures are in that cluster already.")
    return decisions.record(ACTION, rows, by=by, version=version)
