"""The 2-D map from the stored graph of 10 neighbours: CPU seconds, and how many neighbours it keeps.

The comparison behind `imgsim.insights.map.layout` (AMD EPYC, Zen 4, Linux, Python 3.11, one thread, seed 0, the graph
handed over: ``precomputed_knn`` to umap-learn, uniform affinities of it to openTSNE, ``pair_neighbors`` to PaCMAP
and LocalMAP, all started from the principal plane). CPU seconds of a whole process that has never compiled, of one that
finds numba's cache, and of a second map in it; most memory the process held, MB, with the vectors loaded; of 2,000
images the share of their 10 nearest that are among the 10 and the 30 nearest on the map; trustworthiness among those
2,000; correlation of distances between the centres of classes; share of the 10 nearest on the map with the same label.

    Caltech-101, MobileNetV2, 9,144 x 128   first  fresh  again    MB  in 10  in 30  trust  classes  label
    principal plane                           0.2    0.2    0.1    60   .019   .049   .688     .008   .262
    umap-learn 0.5.12                        27.1   13.2    6.8   522   .326   .644   .976     .442   .861
    PaCMAP 0.9.1                             19.4    3.2    1.4   498   .270   .590   .975     .446   .830
    LocalMAP (PaCMAP 0.9.1)                  20.8    4.8    2.9   497   .310   .640   .981     .466   .852
    openTSNE 1.0.4                           38.9   31.8   32.1   293   .488   .744   .980     .433   .870
    imgsim.insights.map.tsne                      3.4    3.4    3.2   179   .484   .747   .981     .434   .879

    Caltech-101, mini, 9,144 x 128                  fresh          MB  in 10  in 30  trust  classes  label
    principal plane                                   0.2          60   .020   .054   .697     .371   .231
    umap-learn                                       13.5         420   .271   .511   .912     .533   .593
    PaCMAP                                            3.8         358   .193   .421   .892     .500   .540
    LocalMAP                                          5.0         358   .278   .536   .938     .551   .608
    openTSNE                                         29.1         276   .430   .607   .937     .528   .637
    imgsim.insights.map.tsne                              3.2         179   .438   .620   .937     .569   .654

    resampled (`resampled`), 120,000 x 128          fresh          MB  in 10  in 30  trust  classes  label
    principal plane                                   0.3         297   .003   .008   .672     .005   .245
    umap-learn                                       51.9         645   .622   .852   .915     .204   .945
    PaCMAP                                           29.6         640   .533   .793   .962     .403   .934
    LocalMAP                                         67.3         639   .627   .875   .944     .411   .951
    openTSNE                                        106.4         499   .736   .915   .901     .337   .956
    imgsim.insights.map.tsne                             24.2         300   .733   .920   .900     .344   .958

Umap-learn with its spectral start, and openTSNE with Gaussian weights of perplexity 10 / 3, were no better (in 30: .639
and .640). All give equal coordinates in two processes with equal seeds. Wheels: umap-learn and PaCMAP are pure Python;
PaCMAP needs faiss-cpu (66 MB, an OpenMP of its own beside torch's); openTSNE has none for Linux on ARM. Warnings where
they are errors: umap-learn two (TensorFlow missing, no index given); PaCMAP none, but writes to stderr. Licences:
BSD-3, Apache-2.0, BSD-3.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from imgsim.features.embeddings import embed
from imgsim.insights.map.layout import neighbors_kept, place
from imgsim.neighbors.graph import NeighborGraph, build_graph
from tests.benchmarks import prepared
from tests.benchmarks.measure import timed
from tests.benchmarks.settings import Row, Settings

K = 10
MANY = 120_000
FLOORS = {"neighbors_kept_in_10": 0.40, "neighbors_kept_in_30": 0.58}


def measure(settings: Settings) -> list[Row]:
    """A row of the collection itself, and one of 120,000 rows made from it."""
    features = prepared.features(settings, prepared.network(settings)).matrix
    matrix = embed(features).matrix
    graph = build_graph(matrix, K)
    own = _row("the collection", matrix, graph)
    if settings.reference:
        own |= {f"floor_{name}": value for name, value in FLOORS.items()}
    many = resampled(matrix, graph, MANY)
    return [own, _row("resampled", many, build_graph(many, K))]


def resampled(matrix: NDArray[np.float32], graph: NeighborGraph, count: int, seed: int = 0) -> NDArray[np.float32]:
    """(count, d) float32 unit rows: random rows, moved 0 to 60 % towards one of their neighbours, with noise.

    The noise is normal, as long as .4 of the distance to the furthest neighbour. The first of the 10 nearest then lie
    at .51, the last at .62 on average (Caltech-101 by MobileNetV2), and .965 of them bear the row's label.
    """
    rng = np.random.default_rng(seed)
    rows = rng.integers(0, len(matrix), count)
    towards = graph.neighbors[rows, rng.integers(0, graph.k, count)]
    share = rng.uniform(0, 0.6, (count, 1)).astype(np.float32)
    made = matrix[rows] + share * (matrix[towards] - matrix[rows])
    noise = 0.4 * graph.distances[rows, -1:] / np.sqrt(np.float32(matrix.shape[1]))
    made += (noise * rng.standard_normal(made.shape)).astype(np.float32)
    unit: NDArray[np.float32] = made / np.linalg.norm(made, axis=1, keepdims=True)
    return unit


def _row(what: str, matrix: NDArray[np.float32], graph: NeighborGraph) -> Row:
    points, cost = timed(lambda: place(matrix, graph))
    kept = neighbors_kept(matrix, points)
    return {"what": what, "rows": len(matrix), "cpu_s": cost.cpu, "wall_s": cost.wall, **kept}
