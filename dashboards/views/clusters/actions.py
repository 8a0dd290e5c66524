"""Decisions about a cluster, for callbacks: each is one action, which can be undone."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from dashboards import state
from dashboards.services.clusters.groups import NAMED, Group, Rows
from dashboards.services.format import counted
from dashboards.services.models.loaded_model import Loaded
from dashboards.session import OpenModel
from dashboards.widgets.decide import decide
from imgsim.decisions.clusters import name_clusters

OPEN, PARTS = "open", "parts"
"""Parameters of the URL: key of the cluster that is open, and the number of parts that are proposed for it."""


def rename(now: OpenModel, group: Group, name: str) -> None:
    """Put all pictures of a cluster under a name; under one that exists, they join that cluster."""
    _assign(now, {name.strip(): group.rows}, f"{counted(len(group), 'image')} in {name.strip()}", name.strip())


def forget_name(now: OpenModel, group: Group) -> None:
    """Take a cluster's name away, so that its pictures are in no named one."""
    _assign(now, {None: group.rows}, f"Name {group.name} taken away", "")


def merge(now: OpenModel, group: Group, other: Group, name: str) -> None:
    """Put the pictures of two clusters under one name; by default that of the other, or of this one."""
    name = name.strip() or other.name or group.name or other.common or group.common
    rows = np.union1d(group.rows, other.rows)
    _assign(now, {name: rows}, f"Two clusters merged into {name}", name)


def split(now: OpenModel, parts: Mapping[str | None, Rows], before: str) -> None:
    """Put each part of a cluster under an own name."""
    _assign(now, parts, f"{before} split into {len(parts)}", "")


def label_all(now: OpenModel, group: Group, label: str) -> None:
    """Label all pictures of a cluster."""
    label = label.strip()
    words = f"{counted(len(group), 'image')} labelled {label}"
    decide(
        now.loaded,
        group.rows.tolist(),
        lambda store, keys, seen: store.set_label(keys, label, version=seen),
        words,
    )


def _assign(now: OpenModel, clusters: Mapping[str | None, Rows], words: str, goes_to: str) -> None:
    """Record which pictures are in which cluster, and open the one named ``goes_to``; all, where it is empty."""
    rows = np.concatenate(list(clusters.values())).tolist()
    keys = {name: _keys(now.loaded, part) for name, part in clusters.items()}
    if decide(now.loaded, rows, lambda store, _, seen: name_clusters(store, keys, version=seen), words):
        state.put(page=None, **{OPEN: NAMED + goes_to if goes_to else None, PARTS: None})


def _keys(loaded: Loaded, rows: Rows) -> list[str]:
    found = (loaded.model.images.sha256[row] for row in rows.tolist())
    return list(dict.fromkeys(filter(None, found)))
