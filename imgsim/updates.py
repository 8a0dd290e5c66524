"""Adding and removing images without building everything again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from imgsim import schema
from imgsim.backbones import Backbone
from imgsim.creation import ids_of
from imgsim.errors import ArgumentError, BackboneError
from imgsim.exact import exact_knn, rank
from imgsim.features import Features, extract_features
from imgsim.graph import NeighborGraph
from imgsim.images import ImageTable, load_images
from imgsim.projection import Embeddings
from imgsim.store import FeatureStore

if TYPE_CHECKING:
    from torch import nn

    from imgsim.model import SimilarityModel, Thumbnails

Matrix = NDArray[np.float32]


def add_images(
    model: SimilarityModel, source: ImageTable | str | Path, store: FeatureStore | None, progress: bool = False
) -> None:
    """Append images to ``model``; see `SimilarityModel.add`."""
    images = source if isinstance(source, ImageTable) else load_images(source, progress=progress)
    if not len(images):
        raise ArgumentError(f"no images to add in {images.root or 'the table'}; {len(images.rejected)} were rejected.")
    features = _features(model, images, store, progress)
    if not len(features.images):
        raise ArgumentError(f"none of the {len(images)} images to add could be decoded; see their .rejected.")
    vectors = features.matrix if model.projection is None else model.projection.transform(features.matrix)
    table = _appended(model, features.images)
    ids = ids_of(table, model.label_column)
    matrix = np.concatenate([model.embeddings, vectors])
    graph = extended_graph(model.graph, matrix)
    thumbnails = _either(model.thumbnail_source, (store or FeatureStore()).read_thumbnails)
    model.replace_rows(table, Embeddings(matrix, model.projection), ids, graph, thumbnails)


def remove_ids(model: SimilarityModel, ids: Any) -> None:
    """Remove rows from ``model``; see `SimilarityModel.remove`."""
    values = np.atleast_1d(np.asarray(ids)).tolist()
    gone = model.rows_of_ids(values)
    keep = np.setdiff1d(np.arange(len(model)), gone)
    if not len(keep):
        raise ArgumentError("all images would be removed; a model needs at least one.")
    matrix = np.ascontiguousarray(model.embeddings[keep])
    graph = shrunk_graph(model.graph, keep, matrix)
    model.replace_rows(
        model.images[keep], Embeddings(matrix, model.projection), model.ids[keep], graph, model.thumbnail_source
    )


def extended_graph(graph: NeighborGraph, matrix: Matrix) -> NeighborGraph:
    """The graph over all rows of ``matrix`` (n + m, d), given it over the first n.

    New rows are searched exactly among all; old rows keep their neighbours unless a new row is nearer,
    so an exact graph stays exact.
    """
    n, k = len(graph), min(max(graph.k, 1), len(matrix) - 1)
    new = np.arange(n, len(matrix))
    new_ids, new_distances = exact_knn(matrix[new], matrix, k, exclude=new)
    nearest, _ = exact_knn(matrix[:n], matrix[n:], min(k, len(new)))
    candidates = np.concatenate([graph.neighbors, nearest + n], axis=1).astype(np.int64)
    if candidates.shape[1] < k:  # a graph of very few rows grows wider
        old_ids, old_distances = exact_knn(matrix[:n], matrix, k, exclude=np.arange(n))
    else:
        old_ids, old_distances = rank(matrix[:n], matrix, candidates, k)
    return NeighborGraph(
        np.concatenate([old_ids, new_ids]), np.concatenate([old_distances, new_distances]), graph.method
    )


def shrunk_graph(graph: NeighborGraph, keep: NDArray[np.int64], matrix: Matrix) -> NeighborGraph:
    """The graph over the kept rows, ``matrix`` (len(keep), d); rows that lost a neighbour are searched again."""
    k = min(graph.k, len(keep) - 1)
    position = np.full(len(graph), -1, np.int32)
    position[keep] = np.arange(len(keep), dtype=np.int32)
    ids, distances = position[graph.neighbors[keep]][:, :k], graph.distances[keep][:, :k].copy()
    hurt = np.flatnonzero((ids < 0).any(axis=1))
    if len(hurt) and k:
        ids[hurt], distances[hurt] = exact_knn(matrix[hurt], matrix, k, exclude=hurt)
    return NeighborGraph(ids, distances, graph.method)


def _features(model: SimilarityModel, images: ImageTable, store: FeatureStore | None, progress: bool) -> Features:
    """Features by the network the model carries, so that a loaded model can grow too."""
    if model.onnx is None:
        raise BackboneError("this model holds no network, so images cannot be added; create it again from images.")

    def build() -> nn.Module:
        raise BackboneError(f"{model.backbone.name} was loaded as ONNX; it has no torch form here.")

    return extract_features(
        images, Backbone(model.backbone, build), store, device="cpu", progress=progress, onnx=model.onnx
    )


def _either(first: Thumbnails | None, second: Thumbnails) -> Thumbnails:
    """Thumbnails from ``first``, and from ``second`` what it lacks."""
    if first is None:
        return second

    def read(keys: Sequence[str]) -> list[bytes | None]:
        return [a if a is not None else b for a, b in zip(first(keys), second(keys), strict=True)]

    return read


def _appended(model: SimilarityModel, new: ImageTable) -> ImageTable:
    old = model.images
    start = int(old.ids.max()) + 1
    fresh = new.table.set_column(0, schema.IMAGES.field("id"), pa.array(np.arange(start, start + len(new)), pa.int64()))
    rejected = [*old.rejected.to_dict("records"), *new.rejected.to_dict("records")]
    return ImageTable(pa.concat_tables([old.table, fresh]), rejected, old.root if old.root == new.root else "")
