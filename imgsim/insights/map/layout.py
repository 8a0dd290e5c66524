"""Map of the collection: every image is a point of the plane, close to similar images.

t-SNE with uniform weights keeps more of the neighbours than UMAP, PaCMAP and LocalMAP. They were compared on
Caltech-101 (9,144 x 128, MobileNetV2) and on 120,000 x 128 made from it by interpolation and noise, one thread, each
from the stored graph of 10 neighbours (table in `tests/benchmarks/map.py`). openTSNE has no wheel for Linux on ARM;
this implementation takes a quarter to a ninth of its time, needs no dependency and is not compiled.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from imgsim import arguments
from imgsim.insights.distinct import distinct_vectors
from imgsim.insights.map.tsne import tsne
from imgsim.insights.tables import about, of_images
from imgsim.neighbors.exact import exact_knn
from imgsim.neighbors.graph import NeighborGraph
from imgsim.references.insight import Insight, frame

if TYPE_CHECKING:
    import pandas as pd
    from scipy.sparse import csr_matrix

    from imgsim.references.references import References

TABLES: dict[str, pa.Schema] = {
    "map": of_images(
        pa.field("x", pa.float32(), nullable=False),  # -1 to 1
        pa.field("y", pa.float32(), nullable=False),
    )
}

MOST_NEIGHBORS = 15  # of the graph's neighbours that are used
SAMPLE = 1000  # rows searched for a link between parts, and rows of the metrics
NEAREST = 10  # true neighbours of the metrics
WITHIN = (10, 30)  # neighbours on the map of the metrics
_LARGE = 2.0**20  # values beyond it are scaled: the power iteration multiplies their squares
_FIT_ROWS = 3000
_ROUNDS = 20

Matrix = NDArray[np.float32]
Rows = NDArray[np.int64]


def make_map(references: References, seed: int = 0, progress: bool = False) -> Insight:
    """Place every image in the plane such that neighbours of the graph lie close together.

    t-SNE of the graph (`imgsim.insights.map.tsne`) starts from the first two principal components of the embeddings.
    Images with equal embeddings are one point. Every component of the graph is linked with the largest one, to the
    nearest of a sample of its images. Up to ``2 (k + 1)`` distinct images stay at their principal components: a
    graph that links almost all images says nothing about their layout.

    Parameters
    ----------
    references : References
    seed : int
        Equal seeds give equal maps, whatever the number of threads.
    progress : bool
        Say on stderr what is being done.

    Returns
    -------
    Insight
        ``map``: table ``map`` in row order with ``x`` and ``y``, float32 in [-1, 1], the longer side filled.
        Metrics, of two images or more: ``neighbors_kept_in_10``, ``neighbors_kept_in_30``: share of the 10
        nearest images, by exact search on a sample of 1,000, that are among the 10 or 30 nearest on the map.
    """
    from imgsim.progress import status

    seed = arguments.seed(seed)
    with status("map", progress):
        points = place(references.embeddings, references.graph, seed)
        metrics = {"images": float(len(points)), **neighbors_kept(references.embeddings, points, seed)}
    columns = {**about(references.images, np.arange(len(points))), "x": points[:, 0], "y": points[:, 1]}
    return Insight(
        "map", TABLES, {"map": frame(TABLES["map"], columns)}, metrics, {"k": references.graph.k, "seed": seed}
    )


def place(matrix: Matrix, graph: NeighborGraph, seed: int = 0) -> Matrix:
    """Return the positions, (n, 2) float32 in [-1, 1], of (n, d) vectors with their graph."""
    same, first = distinct_vectors(graph)
    vectors, rng = matrix[first], np.random.default_rng(seed)
    largest = float(np.abs(vectors).max())
    if largest > _LARGE:
        vectors = vectors / np.float32(largest)
    points = principal_plane(vectors, rng)
    if len(vectors) > 2 * (graph.k + 1):
        links = connect_components(links_between(graph.cut(MOST_NEIGHBORS), same, len(first)), vectors, rng)
        points = tsne(links, points + 0.01 * points.std() * rng.standard_normal(points.shape, np.float32))
    return _scale_to_box(points)[same]


def links_between(graph: NeighborGraph, same: Rows, count: int) -> csr_matrix:
    """Return the graph between distinct vectors, an (m, m) CSR matrix of ones with an empty diagonal."""
    from scipy.sparse import csr_matrix

    start, end = np.repeat(same, graph.k), same[graph.neighbors.reshape(-1)]
    other = start != end
    links = csr_matrix((np.ones(int(other.sum()), np.float32), (start[other], end[other])), (count, count))
    links.data[:] = 1  # equal images have the same neighbours, which adds up
    return links


def connect_components(links: csr_matrix, vectors: Matrix, rng: np.random.Generator) -> csr_matrix:
    """Link each smaller component: its first row, both ways, with the nearest of a sample of the largest one."""
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import connected_components

    _, part = connected_components(links, directed=False)
    names, first, sizes = np.unique(part, return_index=True, return_counts=True)
    if len(names) == 1:
        return links
    largest = int(sizes.argmax())
    lone, inside = np.delete(first, largest), np.flatnonzero(part == names[largest])
    sample = np.sort(rng.choice(inside, min(len(inside), SAMPLE), replace=False))
    nearest = sample[exact_knn(vectors[lone], vectors[sample], 1)[0][:, 0]]
    bridges = csr_matrix((np.ones(len(lone), np.float32), (lone, nearest)), links.shape)
    return links + bridges + bridges.T


def principal_plane(vectors: Matrix, rng: np.random.Generator) -> Matrix:
    """Return coordinates on the first two principal components of a sample, (m, 2) float32, by power iteration.

    Sums have a fixed order (no BLAS): the map must not depend on the number of threads.
    """
    rows = vectors
    if len(vectors) > _FIT_ROWS:
        rows = vectors[np.sort(rng.choice(len(vectors), _FIT_ROWS, replace=False))]
    mean = rows.mean(axis=0)
    centred = rows - mean
    basis = _orthonormal(rng.standard_normal((vectors.shape[1], 2), np.float32))
    for _ in range(_ROUNDS):
        basis = _orthonormal(np.einsum("nd,nk->dk", centred, np.einsum("nd,dk->nk", centred, basis)))
    plane: Matrix = np.einsum("nd,dk->nk", vectors - mean, basis)
    return plane


def _orthonormal(basis: Matrix) -> Matrix:
    """Return two orthonormal columns; 0 where a column is nothing but rounding."""
    length = float(np.sqrt((basis[:, 0] ** 2).sum()))
    first = basis[:, 0] / max(length, 1e-12)
    rest = basis[:, 1] - first * (first * basis[:, 1]).sum()
    second = rest / max(float(np.sqrt((rest**2).sum())), 1e-5 * length, 1e-12)
    return np.stack([first, second], axis=1).astype(np.float32)


def _scale_to_box(points: Matrix) -> Matrix:
    """Centre points on the middle of their bounding box and scale its longer side to [-1, 1]."""
    low, high = points.min(axis=0), points.max(axis=0)
    half = float((high - low).max()) / 2
    boxed: Matrix = ((points - (low + high) / 2) / (half if half > 0 else 1)).astype(np.float32)
    return np.clip(boxed, -1, 1)


def neighbors_kept(matrix: Matrix, points: Matrix, seed: int = 0) -> dict[str, float]:
    """Measure the share of the 10 nearest rows that are among the 10 and the 30 nearest on the map, on a sample."""
    n = len(matrix)
    if n < 2:
        return {}
    rows = np.sort(np.random.default_rng(seed).choice(n, min(n, SAMPLE), replace=False))
    true, _ = exact_knn(matrix[rows], matrix, min(NEAREST, n - 1), exclude=rows)
    near, _ = exact_knn(points[rows], points, min(max(WITHIN), n - 1), exclude=rows)
    return {
        f"neighbors_kept_in_{k}": float(np.mean((true[:, :, None] == near[:, None, :k]).any(axis=2))) for k in WITHIN
    }


def tiles(table: pd.DataFrame) -> list[tuple[int, str]]:
    """Return nothing: a map is a picture of its own (`imgsim.insights.map.picture`)."""
    return []
