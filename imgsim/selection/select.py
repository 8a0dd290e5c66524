"""A choice of images: diverse, uncertain, or balanced over the classes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from imgsim import arguments
from imgsim.errors import ArgumentError
from imgsim.insights.compute import Computation
from imgsim.selection.balanced import choose_balanced
from imgsim.selection.coverage import coverage, nearest_chosen, typical_distance
from imgsim.selection.facility_location import choose
from imgsim.selection.votes import votes_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imgsim.io.vectors import Rows
    from imgsim.references.references import References

WAYS = ("diverse", "uncertain", "balanced")
COLUMNS = ("id", "path", "label", "score", "why")


def select(references: References, n: int, by: str = "diverse", seed: int = 0) -> pd.DataFrame:
    """Choose images to look at, to label or to keep; of copies of a picture only the first can be chosen.

    Parameters
    ----------
    references : References
    n : int
        At least 1; all pictures where there are fewer.
    by : str
        ``"diverse"``: images that all others are near to (`imgsim.selection.facility_location`).
        ``"uncertain"``: images whose neighbours disagree about the label: the smallest margin between the two labels
        with most votes (`imgsim.selection.votes`); images without a label come first.
        ``"balanced"``: as many of each label, diverse among themselves. An image without a label counts to its cluster
        (`imgsim.insights.clusters`).
    seed : int
        Of what is drawn at random: the comparison of the coverage, and in more than 10,000 images those that stand
        for all.

    Returns
    -------
    DataFrame
        ``id``, ``path``, ``label``, ``score``, ``why``, the most important first. ``score`` is the share of the images
        (balanced: of its label or cluster) that are nearer to this one than to the others chosen, or 1 - margin of the
        votes. ``attrs["coverage"]`` tells how near all images are to the chosen ones
        (`imgsim.selection.coverage.coverage`).

    Raises
    ------
    ArgumentError, ArgumentTypeError
        ``n`` or ``by`` outside their domain, or uncertain images where no image has a label.
    """
    n, seed, by = arguments.positive_int(n, "n"), arguments.seed(seed), arguments.one_of(by, WAYS, "by")
    pictures = Computation(references).pictures
    distinct = np.flatnonzero(pictures == np.arange(len(references)))
    n = min(n, len(distinct))
    if by == "uncertain":
        rows, scores, why = _uncertain(references, pictures, distinct, n)
    elif by == "balanced":
        rows, scores, why = choose_balanced(references, distinct, n, seed)
    else:
        rows, scores, why = _diverse(references, distinct, n, seed)
    images = references.images
    columns = (references.ids[rows], images.paths[rows], images.labels[rows], scores, why)
    found = pd.DataFrame(dict(zip(COLUMNS, columns, strict=True)))
    typical = typical_distance(references.graph)
    found.attrs["coverage"] = coverage(references.embeddings, rows, distinct, typical, seed)
    return found


def _diverse(
    references: References, distinct: Rows, n: int, seed: int
) -> tuple[Rows, NDArray[np.float64], Sequence[str]]:
    matrix = np.ascontiguousarray(references.embeddings[distinct])
    chosen = choose(matrix, n, seed)
    near = np.bincount(nearest_chosen(matrix, chosen)[0], minlength=n)
    why = [f"stands for {count:,} of {len(distinct):,} images" for count in near]
    return distinct[chosen], near / len(distinct), why


def _uncertain(
    references: References, pictures: Rows, distinct: Rows, n: int
) -> tuple[Rows, NDArray[np.float64], Sequence[str]]:
    labelled = np.array([label is not None for label in references.images.labels])
    if not labelled.any():
        raise ArgumentError("no image has a label, so neighbours cannot disagree: choose by='diverse' first.")
    votes = votes_of(references, references.images.labels, pictures)
    order = np.lexsort((votes.margin[distinct], labelled[distinct]))
    rows = distinct[order[:n]]
    return rows, 1 - votes.margin[rows], [votes.words(row) for row in rows]
