"""Overview of a collection for the start page: what can be tidied up, and which labels are found worst."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dashboards.services.decided import decided
from dashboards.services.models.cache import per_model
from dashboards.services.models.loaded_model import Loaded
from dashboards.services.tidy.counts import counts
from imgsim.errors import DecisionsError

WORST = 5


@dataclass(frozen=True)
class Overview:
    """Figures of a collection.

    Parameters
    ----------
    spare : int or None
        Files that show a picture once more; None where the version carries no look at duplicates.
    doubtful : int or None
        Labels that most neighbours doubt and nobody reviewed; None where the version carries no look at labels, or
        the store of decisions cannot be read.
    precision : float or None
        Share of the ``k`` nearest pictures that carry the label of the query; None without labels.
    k : int
    worst : tuple of (str, float)
        Labels of the lowest precision, and that precision, the lowest first.
    """

    spare: int | None
    doubtful: int | None
    precision: float | None
    k: int
    worst: tuple[tuple[str, float], ...]


def overview(loaded: Loaded) -> Overview:
    """Return the figures of a version."""
    precision, k, worst = _quality(loaded)
    return Overview(spare_files(loaded), _doubtful(loaded), precision, k, worst)


def _doubtful(loaded: Loaded) -> int | None:
    try:
        return counts(loaded, decided(loaded))["labels"] if any(loaded.labels) else None
    except DecisionsError:  # Tidy up tells why
        return None


@per_model(most=1)
def spare_files(loaded: Loaded) -> int | None:
    """Count the files beyond the first of each picture."""
    if loaded.insight("duplicates") is None:
        return None
    groups = loaded.duplicate_group
    return int(np.count_nonzero(groups >= 0)) - len(np.unique(groups[groups >= 0]))


@per_model(most=1)
def samples(loaded: Loaded, count: int = 6) -> tuple[int, ...]:
    """Draw rows that show what a collection holds: of each label as few as may be; the same at each call."""
    order = np.random.default_rng(0).permutation(len(loaded))
    _, first = np.unique(loaded.label_codes[order], return_index=True)
    spread = [*order[np.sort(first)], *np.delete(order, first)]
    return tuple(int(row) for row in spread[:count])


def _quality(loaded: Loaded) -> tuple[float | None, int, tuple[tuple[str, float], ...]]:
    found = loaded.model.evaluation
    if found is None or not len(found.per_class):
        return None, 0, ()
    table = found.per_class.sort_values(["precision", "label"], kind="stable").head(WORST)
    worst = tuple(zip(table["label"].astype(str), table["precision"].astype(float), strict=True))
    return found.metrics.get(f"precision_at_{found.k}"), found.k, worst
