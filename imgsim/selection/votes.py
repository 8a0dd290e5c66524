"""Votes of the neighbours for the label of each picture, and how divided they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from imgsim.evaluation import label_codes
from imgsim.insights.labels.items import items_of
from imgsim.insights.labels.voters import voting_graph
from imgsim.insights.labels.votes import vote_weights
from imgsim.io.vectors import Rows
from imgsim.neighbors.exact import BLOCK_BYTES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imgsim.references.references import References

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Votes:
    """Votes about each image, (n,) each.

    Parameters
    ----------
    first, second : (n,) object
        The labels with most votes; None where no neighbour has one.
    first_share, second_share : (n,) float64
        Their shares of all votes. Neighbours without a label have votes too, for no label.
    """

    first: NDArray[np.object_]
    second: NDArray[np.object_]
    first_share: Values
    second_share: Values

    @property
    def margin(self) -> Values:
        """Share of the first label less that of the second: 0 where the votes are divided, or there are none."""
        return self.first_share - self.second_share

    def words(self, row: int) -> str:
        """Say how the neighbours of an image vote."""
        shares = ((self.first[row], self.first_share[row]), (self.second[row], self.second_share[row]))
        cast = [f"{share:.0%} {label}" for label, share in shares if label is not None]
        return f"neighbours vote {', '.join(cast)}" if cast else "no neighbour has a label"


def votes_of(references: References, labels: Sequence[str | None], pictures: Rows) -> Votes:
    """Count the votes of the nearest other pictures, weighted as `imgsim.insights.labels.votes.vote_weights` does.

    Parameters
    ----------
    references : References
    labels : sequence of str or None
        Of each of the n images.
    pictures : (n,) int64
        For each row the first row of the same picture.
    """
    names, codes = label_codes(labels)
    none = len(names)
    graph = voting_graph(references)
    items = items_of(references.embeddings, graph, np.where(codes < 0, none, codes), pictures, none)
    weights = vote_weights(references.embeddings, items.graph)[0]
    best, shares = np.full((2, len(items.rows)), none), np.zeros((2, len(items.rows)))
    k = items.graph.k
    step = max(1, BLOCK_BYTES // max(1, 9 * k * k))
    for start in range(0, len(items.rows) if k else 0, step):
        block = slice(start, start + step)
        best[:, block], shares[:, block] = _two_best(items.voted[block], weights[block], none)
    found = np.array([*names, None], object)[best[:, items.of_row]]
    return Votes(*found, *shares[:, items.of_row])


def _two_best(voted: Rows, weights: Values, none: int) -> tuple[Rows, Values]:
    """Return the two labels with most votes and their shares, (2, b) each; ``none`` is no label."""
    cast = weights.sum(axis=1)
    shares = ((voted[:, :, None] == voted[:, None, :]) * weights[:, None, :]).sum(axis=2) / cast[:, None]
    shares[voted == none] = 0.0
    labels, found = [], []
    for _ in range(2):
        place = shares.argmax(axis=1)[:, None]
        share = np.take_along_axis(shares, place, 1)
        label = np.where(share > 0, np.take_along_axis(voted, place, 1), none)
        shares[voted == label] = 0.0
        labels.append(label[:, 0])
        found.append(share[:, 0])
    return np.array(labels), np.array(found)
