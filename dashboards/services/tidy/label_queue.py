"""Queue of doubtful labels: which is to review next, how far people are, and what they decided."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dashboards.services.decided import Decided
from dashboards.services.models.loaded_model import Loaded
from dashboards.services.tidy.findings import is_doubtful


@dataclass(frozen=True)
class Queue:
    """Labels to review, the most doubtful first.

    Parameters
    ----------
    table : DataFrame
        Rows of `dashboards.services.tidy.findings.suspects_table`.
    done : (m,) bool
        Those that people labelled, or marked as reviewed.
    beyond : int
        Labels that are less doubtful, are not in the queue, and nobody reviewed.
    """

    table: pd.DataFrame
    done: NDArray[np.bool_]
    beyond: int

    def __len__(self) -> int:
        return len(self.table)

    @property
    def reviewed(self) -> int:
        """Number of labels that are done."""
        return int(self.done.sum())

    def following(self, skipped: Sequence[int] = (), most: int = 2) -> pd.DataFrame:
        """Return the rows of the table to review next; those that were skipped come last, the first skipped first."""
        left = self.table[~self.done]
        place = {row: at for at, row in enumerate(skipped)}
        late = left["row"].map(place).fillna(-1).to_numpy()
        return left.iloc[np.argsort(late, kind="stable")[:most]]


def reviewed(known: Decided) -> NDArray[np.bool_]:
    """Return (n,) bool, true for images that people labelled or marked as reviewed."""
    done: NDArray[np.bool_] = pd.notna(known.labels)
    done[list(known.reviewed)] = True
    return done


def label_queue(known: Decided, table: pd.DataFrame, everything: bool = False) -> Queue:
    """Make the queue of some suspects.

    The order is that of the insight, by the probability that a label is wrong. Of 8 labels of one class of the sample
    that were changed to another one, it has 8 among the first 12; the order by the margin of votes has 7, and
    `imgsim.selection.questions` 4: it puts the same question about a neighbour last, which is good for learning, but
    a review wants all of them. Of 24 random mistakes all three have 24 among the first 24.

    Parameters
    ----------
    known : Decided
    table : DataFrame
        `dashboards.services.tidy.findings.suspects_table`, or some rows of it.
    everything : bool
        Take suspects in that only some neighbours disagree with. They are taken in any case where there are no others.
    """
    done = reviewed(known)[table["row"].to_numpy(np.int64)] if len(table) else np.zeros(0, bool)
    doubtful = is_doubtful(table).to_numpy(bool) if len(table) else np.zeros(0, bool)
    inside = doubtful if doubtful.any() and not everything else np.ones(len(table), bool)
    return Queue(table[inside], done[inside], int((~done & ~inside).sum()))


@dataclass(frozen=True)
class Outcome:
    """Decisions about a queue: labels that were kept, and how often a label was replaced by which other one."""

    kept: int
    changed: tuple[tuple[str, str, int], ...]

    @property
    def count(self) -> int:
        """Number of images that were labelled anew."""
        return sum(count for _, _, count in self.changed)


def outcome(loaded: Loaded, known: Decided, queue: Queue) -> Outcome:
    """Count what was decided about the images of a queue, the commonest change first."""
    rows = queue.table["row"].to_numpy(np.int64)[queue.done]
    labels = loaded.model.images.labels
    pairs = [(str(labels[row]), str(known.labels[row])) for row in rows.tolist() if known.labels[row] is not None]
    changed = Counter(pair for pair in pairs if pair[0] != pair[1])
    found = tuple((old, new, count) for (old, new), count in changed.most_common())
    return Outcome(len(rows) - sum(changed.values()), found)
