"""Questions about pairs: near ones with different labels, and far ones with the same label."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from imgsim.evaluation import BACKGROUND, label_codes, nearest_pictures
from imgsim.neighbors.exact import true_distances
from imgsim.selection.alike import AlikeByDistance
from imgsim.selection.coverage import typical_distance

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imgsim.io.vectors import Matrix, Rows
    from imgsim.references.references import References

Values = NDArray[np.float64]
HALF = 0.5  # worth of an answer about a pair, of one about a label
COLUMNS = ("row", "other", "label", "other_label", "suggestion", "score", "why")


def unsure_pairs(
    references: References, pictures: Rows, believed: Sequence[str | None], wrong: Values, most: int
) -> pd.DataFrame:
    """Ask about pairs whose distance contradicts their labels, or leaves open whether they are alike.

    Neighbours are asked about, and each image with the most typical image of its label. ``score`` is the probability
    that the answer is not what the believed labels say: that one of the two is wrong, times the probability that images
    at this distance are alike (`imgsim.selection.alike`), or not alike. Where a label is missing it is the probability
    of the less likely answer. It counts half, because the answer does not say which label is right.

    Parameters
    ----------
    references : References
    pictures : (n,) int64
        For each row the first row of the same picture.
    believed : sequence of str or None
        The likeliest label of each image: not its own where that is probably wrong, which is a question by itself.
    wrong : (n,) float64
        Probability that the believed label of each image is wrong.
    most : int
        Pairs to return at most.

    Returns
    -------
    DataFrame
        ``row``, ``other``, ``label``, ``other_label``, ``suggestion`` ("alike" or "not alike"), ``score``, ``why``, the
        highest score first.
    """
    names, codes = label_codes(believed)
    near, distances = _neighbors(references, pictures)
    both = (codes[near] >= 0).all(axis=1)
    alike = AlikeByDistance(
        distances[both], codes[near[both, 0]] == codes[near[both, 1]], typical_distance(references.graph)
    )
    far = _typical_of_label(references, pictures, codes, near)
    pairs = np.concatenate([near, far])
    apart = np.concatenate([distances, _distances(references.embeddings, far)])
    probability = alike(apart)
    score = HALF * _contradiction(codes[pairs], wrong[pairs], probability)
    score[np.isin(codes[pairs], np.flatnonzero(np.isin(names, BACKGROUND))).any(axis=1)] = 0.0
    order = np.lexsort((*pairs.T, -score))[:most]
    order = order[score[order] > 0]
    left, right = pairs[order].T
    labels = np.array(references.images.labels, object)
    why = [
        f"at a distance of {one:.2f}, {share:.0%} of pairs are alike"
        for one, share in zip(apart[order], probability[order], strict=True)
    ]
    suggestion = np.where(probability[order] >= 0.5, "alike", "not alike")
    columns = (left, right, labels[left], labels[right], suggestion, score[order], why)
    return pd.DataFrame(dict(zip(COLUMNS, columns, strict=True)))


def _contradiction(codes: Rows, wrong: Values, probability: Values) -> Values:
    """Return the probability that the answer about each pair is not what its labels say, (m,).

    Parameters
    ----------
    codes, wrong : (m, 2)
        Labels of the pairs, -1 for none, and the probabilities that they are wrong.
    probability : (m,) float64
        That the pairs are alike, by their distances.
    """
    same, known = codes[:, 0] == codes[:, 1], (codes >= 0).all(axis=1)
    doubt = 1 - (1 - wrong).prod(axis=1)
    contradicted = doubt * np.where(same, 1 - probability, probability)
    return np.where(known, contradicted, np.minimum(probability, 1 - probability))


def _neighbors(references: References, pictures: Rows) -> tuple[Rows, Matrix]:
    """Return the pairs of different pictures that are neighbours, (m, 2) rows with the lower first, and distances."""
    graph = nearest_pictures(references.embeddings, references.graph, pictures, references.graph.k)
    rows = np.flatnonzero(pictures == np.arange(len(pictures)))
    ends = np.repeat(rows, graph.k), pictures[graph.neighbors[rows]].reshape(-1)
    keys, first = np.unique(np.minimum(*ends) * len(pictures) + np.maximum(*ends), return_index=True)
    return np.stack(np.divmod(keys, len(pictures)), axis=1), graph.distances[rows].reshape(-1)[first]


def _typical_of_label(references: References, pictures: Rows, codes: Rows, near: Rows) -> Rows:
    """Return pairs of each picture and the one with most neighbours of its own label, (m, 2), the lower first."""
    same = near[codes[near[:, 0]] == codes[near[:, 1]]]
    company = np.bincount(same.reshape(-1), minlength=len(codes))
    rows = np.flatnonzero((codes >= 0) & (pictures == np.arange(len(codes))))
    order = rows[np.lexsort((rows, -company[rows], codes[rows]))]
    labels, first = np.unique(codes[order], return_index=True)
    typical = order[first][np.searchsorted(labels, codes[rows])]
    pairs = np.sort(np.stack([rows, typical], axis=1), axis=1)
    return pairs[pairs[:, 0] < pairs[:, 1]]


def _distances(matrix: Matrix, pairs: Rows) -> Matrix:
    return true_distances(matrix[pairs[:, 0]], matrix, pairs[:, 1:])[:, 0]
