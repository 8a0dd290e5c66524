"""What all insights but the map cost; outliers against planted truth, hubness, and clusters against labels.

The comparison behind `imgsim.insights.clusters` (Caltech-101, 9,144 images, k = 10; AMD EPYC, Zen 4, Linux, one
thread, seed 0, resolution 2 where there is one). Communities are of the same graph, k-means (told the number of
classes) and HDBSCAN of the vectors. Without BACKGROUND_Google: adjusted Rand index, adjusted mutual information and
purity against the folders; an image left out as noise counts as a cluster of its own. CPU seconds with imports.

    MobileNetV2                            clusters  noise   ARI   AMI  purity  CPU s  licence
    graspologic-native 1.3.1 Leiden              64      0  .634  .832    .683    0.1  MIT
    the same, resolution 1                       49      0  .672  .828    .617    0.1
    the same, resolution 4                       87      0  .522  .834    .773    0.1
    igraph 1.0.0 Leiden                          64      0  .630  .833    .680    0.2  GPL-2
    leidenalg 0.12.0 Leiden                      62      0  .624  .828    .670    0.9  GPL-3
    networkx 3.6.1 Louvain                       65      0  .628  .828    .684    2.6  BSD-3
    igraph label propagation                    205      0  .462  .805    .895    0.5  GPL-2
    infomap 2.16.0, two levels                  175      0  .465  .827    .872    0.6  GPL-3
    hdbscan 0.8.44, from 10 images               65    .40  .686  .672    .883   14.9  BSD-3
    scikit-learn 1.9.1 k-means                  101      0  .394  .788    .773    0.9  BSD-3

    mini
    graspologic-native Leiden                    49      0  .481  .634    .550    0.2
    the same, resolution 1                       26      0  .428  .603    .469    0.2
    the same, resolution 4                       73      0  .420  .637    .605    0.1
    igraph Leiden                                47      0  .490  .638    .548    0.2
    leidenalg Leiden                             47      0  .450  .630    .546    1.2
    networkx Louvain                             48      0  .485  .631    .549    2.6
    igraph label propagation                    222      0  .287  .591    .684    0.5
    infomap, two levels                         235      0  .370  .634    .711    0.6
    hdbscan, from 10 images                      34    .69  .419  .379    .928   15.5
    scikit-learn k-means                        101      0  .243  .562    .588    0.6
"""

from __future__ import annotations

from functools import partial

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

import imgsim
from imgsim.evaluation import BACKGROUND
from imgsim.features.embeddings import Embeddings
from imgsim.images.table import ImageTable
from imgsim.insights.measures import measure_traits
from imgsim.model import SimilarityModel
from imgsim.neighbors.graph import build_graph
from imgsim.references.references import References
from tests.benchmarks import prepared
from tests.benchmarks.agreement import adjusted_rand, auroc, average_precision
from tests.benchmarks.measure import timed
from tests.benchmarks.settings import Row, Settings

CEILING_CPU_S = 15.0
"""Of all but the map on Caltech-101, once features and graph are there; imports and traits included."""
K = 10
SEEDS = 5


def measure(settings: Settings) -> list[Row]:
    """A row per figure."""
    model = imgsim.load_model(prepared.model_folder(settings))
    rows = _rows("cost", _cost(model))
    if settings.reference:
        rows[-1]["ceiling"] = CEILING_CPU_S
    labelled = sum(label is not None and label not in BACKGROUND for label in model.images.labels)
    rows += _rows("outliers: one image each of half of the classes", _outliers(model)) if labelled else []
    return rows + _rows("hubness", _hubness(model)) + _rows("clusters", _clusters(model))


def _rows(what: str, values: dict[str, float]) -> list[Row]:
    return [{"what": what, "measure": name, "value": value} for name, value in values.items()]


def _cost(model: SimilarityModel) -> dict[str, float]:
    """CPU seconds of each insight, the first call in this process: what it imports is counted.

    The model was loaded from its folder: there is no image to decode, and no trait that was measured before.
    """
    from imgsim.insights.compute import Computation
    from imgsim.insights.registry import INSIGHTS

    computation = Computation(model.references)
    seconds = {"traits, CPU s": timed(lambda: computation.traits)[1].cpu}
    for name in INSIGHTS:
        if name != "map":
            seconds[f"{name}, CPU s"] = timed(partial(computation.find, name))[1].cpu
    return seconds | {"all but the map, CPU s": sum(seconds.values())}


def _outliers(model: SimilarityModel) -> dict[str, float]:
    """One image of each of half of the classes among all images of the other half, means over seeds."""
    from imgsim.insights.outliers import find_outliers

    labels = np.array(model.images.labels, object)
    names = sorted({label for label in labels if label is not None and label not in BACKGROUND})
    half = -(-len(names) // 2)
    found = []
    for seed in range(SEEDS):
        rng = np.random.default_rng(seed)
        shuffled = rng.permutation(np.array(names, object))
        strange = [int(rng.choice(np.flatnonzero(labels == name))) for name in shuffled[half:]]
        rows = np.concatenate([np.flatnonzero(np.isin(labels, shuffled[:half])), strange]).astype(np.int64)
        part = _subset(model, rows).references
        table = find_outliers(part, measure_traits(part)).tables["images"]
        hits = np.isin(rows[table["row"]], strange)
        by_density = np.argsort(-table["lof"].to_numpy(), kind="stable")
        found.append((auroc(hits), average_precision(hits), auroc(hits[by_density])))
    measures = ("AUROC", "average precision", "AUROC of the local outlier factor")
    return dict(zip(measures, np.mean(found, axis=0).tolist(), strict=True))


def _hubness(model: SimilarityModel) -> dict[str, float]:
    from imgsim.insights.hubness import measure_hubness

    metrics = measure_hubness(model.references, measure_traits(model.references)).metrics
    return {key: metrics[key] for key in ("skewness", "robin_hood", "hubs", "antihubs", "max_in_degree")}


def _clusters(model: SimilarityModel) -> dict[str, float]:
    from imgsim.insights.clusters import find_clusters

    insight = find_clusters(model.references, measure_traits(model.references))
    members = insight.tables["members"]
    known = members["label"].notna() & ~members["label"].isin(BACKGROUND)
    classes = np.unique(members["label"][known].astype(str), return_inverse=True)[1]
    agreement = adjusted_rand(classes, members["cluster"][known].to_numpy(np.int64)) if known.any() else 0.0
    return {"classes": len(np.unique(classes)), "adjusted Rand index": agreement} | dict(insight.metrics)


def _subset(model: SimilarityModel, rows: NDArray[np.int64]) -> SimilarityModel:
    """A model of some of the images, with an exact graph of its own."""
    matrix = np.ascontiguousarray(model.embeddings[rows])
    images = ImageTable(model.images.table.take(pa.array(rows)))
    vectors = Embeddings(matrix, model.projection)
    return SimilarityModel(
        References(images, vectors, build_graph(matrix, K, "exact"), model.ids[rows], model.backbone)
    )
