"""Clusters of a version as the pages show them: size, most frequent labels, purity, typical pictures.

A named cluster is the set of pictures that hold its tag. Of a cluster that was found in the graph remain the pictures
that are in no named one.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from dashboards.services.decided import known, stamp
from dashboards.services.models.cache import per_model
from dashboards.services.models.loaded_model import Loaded
from imgsim.decisions.clusters import cluster_names
from imgsim.evaluation import label_codes
from imgsim.insights.cluster_parts import split_cluster, typical_rows

Rows = NDArray[np.int64]

NAMED, FOUND = "name:", "found:"
"""Beginnings of the keys of clusters, before a name or a number."""


@dataclass(frozen=True)
class Group:
    """A cluster.

    Parameters
    ----------
    key : str
        Names it in URLs: ``"name:NAME"``, or ``"found:NUMBER"`` with its number in the version.
    name : str
        As people named it; empty for one that was only found.
    rows : (m,) int64
        Its pictures, in order.
    labels : tuple of (str, int)
        Labels as they are now, the most frequent first, with the number of its pictures.
    purity : float or None
        Share of its labelled pictures that have the most frequent label; None where none has one.
    """

    key: str
    name: str
    rows: Rows = field(repr=False)
    labels: tuple[tuple[str, int], ...] = ()
    purity: float | None = None

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def common(self) -> str:
        """The most frequent label; empty where no picture has one."""
        return self.labels[0][0] if self.labels else ""

    @property
    def title(self) -> str:
        """Its name, or its number with the most frequent label."""
        if self.name:
            return self.name
        number = f"Cluster {int(self.key.removeprefix(FOUND)) + 1}"
        return f"{number}, mostly {self.common}" if self.common else number


def groups(loaded: Loaded) -> tuple[Group, ...]:
    """List the clusters: named ones by name, then what remains of those that were found, the biggest first."""
    return _groups(loaded, stamp())


def group_of(loaded: Loaded, key: str) -> Group | None:
    """Find a cluster by its key; None where there is none now."""
    return next((group for group in groups(loaded) if group.key == key), None)


@per_model(most=2)
def _labels(loaded: Loaded, seen: str) -> tuple[NDArray[np.object_], NDArray[np.int64]]:
    """Return names and codes of the labels as they are now."""
    decided = known(loaded).labels
    own = np.asarray(loaded.model.images.labels, object)
    return label_codes(np.where([label is None for label in decided], own, decided).tolist())


@per_model(most=2)
def _groups(loaded: Loaded, seen: str) -> tuple[Group, ...]:
    tagged = known(loaded).tagged
    named = {name: np.sort(np.array(rows, np.int64)) for tag, rows in tagged.items() for name in cluster_names((tag,))}
    free = np.ones(len(loaded), bool)
    for rows in named.values():
        free[rows] = False
    made = [_group(loaded, seen, NAMED + name, name, rows) for name, rows in sorted(named.items())]
    insight = loaded.insight("clusters")
    if insight is None:
        return tuple(made)
    members = insight.tables["members"]
    members = members[free[members["row"].to_numpy()]]
    found = [
        _group(loaded, seen, f"{FOUND}{number}", "", np.sort(part.to_numpy(np.int64)))
        for number, part in members.groupby("cluster", sort=True)["row"]
    ]
    return (*made, *sorted(found, key=len, reverse=True))


def _group(loaded: Loaded, seen: str, key: str, name: str, rows: Rows) -> Group:
    names, codes = _labels(loaded, seen)
    mine = codes[rows]
    counts = np.bincount(mine[mine >= 0], minlength=len(names))
    order = np.argsort(-counts, kind="stable")[: np.count_nonzero(counts)]
    labels = tuple((str(names[code]), int(counts[code])) for code in order.tolist())
    return Group(key, name, rows, labels, float(counts.max() / counts.sum()) if labels else None)


def typical(loaded: Loaded, group: Group, count: int) -> list[int]:
    """Return the pictures nearest to the middle of a cluster, each of several copies once."""
    return _typical(loaded, group.rows.tobytes(), count)


@per_model(most=512)
def _typical(loaded: Loaded, rows: bytes, count: int) -> list[int]:
    near = typical_rows(loaded.model.embeddings, np.frombuffer(rows, np.int64), 4 * count)
    copies = loaded.duplicate_group[near]
    first = np.zeros(len(near), bool)
    first[np.unique(copies, return_index=True)[1]] = True
    return [int(row) for row in near[(copies < 0) | first][:count]]


def parts(loaded: Loaded, group: Group, count: int) -> list[Rows]:
    """Split a cluster's pictures into ``count`` parts (fewer, where they are equal), the largest first."""
    return _parts(loaded, group.rows.tobytes(), count)


@per_model(most=16)
def _parts(loaded: Loaded, rows: bytes, count: int) -> list[Rows]:
    return split_cluster(loaded.model.embeddings, np.frombuffer(rows, np.int64), count)


def part_names(loaded: Loaded, group: Group, found: list[Rows]) -> list[str]:
    """Propose a name for each part: its most frequent label where these differ, else numbers after the cluster's."""
    made = [_group(loaded, stamp(), "", "", rows).common for rows in found]
    if all(made) and len(set(made)) == len(made):
        return made
    base = group.name or group.common or "cluster"
    return [f"{base} {number}" for number in range(1, len(found) + 1)]
