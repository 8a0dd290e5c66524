"""`create`: images in, model out, by the same stages the pipeline runs."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from imgsim import arguments, schema
from imgsim.backbones.get import get_backbone
from imgsim.backbones.onnx_export import ONNX_FILE
from imgsim.backbones.spec import Backbone, BackboneSpec
from imgsim.errors import ArgumentError, ArgumentTypeError
from imgsim.evaluation import Evaluation, evaluate
from imgsim.features.distribute import extract_by
from imgsim.features.embeddings import Embeddings, embed
from imgsim.features.extract import Features
from imgsim.features.store import FeatureStore
from imgsim.images.load import load_images
from imgsim.images.table import ImageTable
from imgsim.model import SimilarityModel
from imgsim.neighbors.graph import NeighborGraph, build_graph, resolve_method
from imgsim.workers import Workers

if TYPE_CHECKING:
    from torch import nn


def create(
    images: ImageTable | str | Path | None = None,
    label: str | None = None,
    backbone: str | nn.Module | Backbone = "mini",
    weights: str | Path | None = None,
    projection: int | None = 128,
    k: int = 10,
    method: str = "auto",
    batch_size: int = 64,
    device: str = "auto",
    progress: bool = True,
    *,
    embeddings: Any = None,
    ids: Sequence[Any] | None = None,
    store: FeatureStore | None = None,
    seed: int = 0,
    workers: Workers | None = None,
) -> SimilarityModel:
    """Build a similarity model.

    Parameters
    ----------
    images : ImageTable, or anything `load_images` takes
        The reference images. Files that cannot be decoded end in ``model.rejected``.
    label : str, optional
        Column with unique whole numbers or strings to call the images by (``"path"``); default: their ids.
    backbone, weights
        See `imgsim.backbones.get_backbone`. ``"mini"`` works offline.
    projection : int or None
        Dimensions of the embedding; None keeps raw features.
    k : int
        Neighbours per image in the stored graph.
    method : str
        ``"auto"``, ``"exact"``, ``"nn_descent"`` or ``"partitioned"``; see `imgsim.neighbors.graph.build_graph`.
    batch_size, device
        See `imgsim.features.extract_features`.
    progress : bool
        Bars with rate and time left on stderr for what takes longer than a second.
    embeddings, ids
        Instead of images: (n, d) vectors of your own, used as they are, and their unique ids.
    store : FeatureStore, optional
        Where features are kept; default in ``$IMGSIM_HOME``.
    seed : int
        Of the projection's sample, of NN-Descent and of partitions.
    workers : Workers, optional
        What runs feature extraction and the pieces of a partitioned graph (`imgsim.workers.get_workers`); default:
        this process.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        An argument outside its domain; no usable image; NaN in vectors; ids that repeat.
    BackboneError, StoreError, SourceError
    """
    k = arguments.positive_int(k, "k")
    arguments.optional_workers(workers)
    resolve_method(method, 0)
    if (images is None) == (embeddings is None):
        raise ArgumentError("give either images or embeddings=.")
    if embeddings is not None:
        return _from_vectors(embeddings, ids, k, method, seed, progress, workers)
    if ids is not None:
        raise ArgumentError("ids= goes with embeddings=; for images use label= with the name of a column.")
    table = images if isinstance(images, ImageTable) else load_images(images, progress=progress)
    _require_images(table, "no images to build a model from")
    ids_of(table, label)
    network = get_backbone(backbone, weights)
    store = store or FeatureStore()
    features = extract_by(workers, table, network, store, batch_size, device, progress)
    _require_images(features.images, "none of the images could be decoded")
    vectors = embed(features.matrix, projection, seed)
    graph = build_graph(vectors.matrix, k, method, seed, progress, workers=workers)
    evaluation = evaluate(vectors.matrix, graph, features.images.labels, min(10, k))
    model = assemble(features.images, features, vectors, graph, evaluation, store, label)
    model.network = network
    return model


def assemble(
    images: ImageTable,
    features: Features,
    embeddings: Embeddings,
    graph: NeighborGraph,
    evaluation: Evaluation | None,
    store: FeatureStore,
    label: str | None = None,
) -> SimilarityModel:
    """Put the results of the stages together; nothing is computed."""
    onnx = store.backbone_folder(features.fingerprint) / ONNX_FILE
    ids, stats = ids_of(images, label), features.stats
    return SimilarityModel(
        images, embeddings, graph, ids, features.backbone, onnx, store.read_thumbnails, evaluation, label, stats
    )


def ids_of(images: ImageTable, label: str | None) -> NDArray[Any]:
    """Ids by a column of the table: unique whole numbers or strings.

    Raises
    ------
    ArgumentError
        No such column, missing or repeated values.
    ArgumentTypeError
        Values that are neither whole numbers nor strings.
    """
    return unique_ids(images.ids if label is None else images.column(label), "id" if label is None else label)


def unique_ids(values: Any, name: str) -> NDArray[Any]:
    """(n,) int64 or str array of unique values."""
    array = np.asarray(values)
    if array.dtype.kind in "iu":
        array = array.astype(np.int64)
    elif not all(isinstance(value, str) for value in array.tolist()):
        if any(value is None for value in array.tolist()):
            raise ArgumentError(f"the column {name!r} has missing values; every image needs a label to be called by.")
        raise ArgumentTypeError(f"labels must be whole numbers or strings; {name!r} holds {array.dtype}.")
    elif array.dtype.kind != "U":
        array = array.astype(str)
    unique, counts = np.unique(array, return_counts=True)
    if len(unique) < len(array):
        twice = unique[counts > 1][:3].tolist()
        raise ArgumentError(
            f"labels must be unique; {name!r} repeats {twice}. Use another column, or none for row ids."
        )
    return array


def _require_images(images: ImageTable, what: str) -> None:
    if not len(images):
        raise ArgumentError(f"{what} in {why_empty(images)}")


def why_empty(images: ImageTable) -> str:
    """Where no image was found, and why not."""
    rejected = images.rejected
    why = "it holds no file with the extension of an image"
    if len(rejected):
        why = f"{len(rejected)} files were rejected, the first: {rejected['path'][0]}: {rejected['reason'][0]}"
    return f"{images.root or 'the table'}: {why}."


def _from_vectors(
    values: Any, ids: Sequence[Any] | None, k: int, method: str, seed: int, progress: bool, workers: Workers | None
) -> SimilarityModel:
    matrix = np.asarray(values)
    if matrix.ndim != 2 or matrix.dtype.kind not in "fiu":
        raise ArgumentTypeError(
            f"embeddings must be a numeric array (n, d), not {matrix.dtype} of shape {matrix.shape}."
        )
    if 0 in matrix.shape:
        raise ArgumentError(f"embeddings of shape {matrix.shape} hold nothing to search.")
    matrix = np.ascontiguousarray(matrix, np.float32)
    if not np.isfinite(matrix).all():
        raise ArgumentError(f"row {int((~np.isfinite(matrix)).any(1).argmax())} of embeddings holds NaN or infinity.")
    names = unique_ids(np.arange(len(matrix)) if ids is None else ids, "ids")
    if len(names) != len(matrix):
        raise ArgumentError(f"{len(names)} ids for {len(matrix)} embeddings.")
    vectors = Embeddings(matrix, None)
    graph = build_graph(matrix, k, method, seed, progress, workers=workers)
    evaluation = evaluate(matrix, graph, None, min(10, k))
    return SimilarityModel(
        _nameless(names), vectors, graph, names, _no_backbone(matrix.shape[1]), evaluation=evaluation
    )


def _nameless(ids: NDArray[Any]) -> ImageTable:
    """A table for vectors without files: the path is the id, everything about the file is empty."""
    n = len(ids)
    columns: dict[str, list[Any]] = {
        "id": list(range(n)),
        "path": [str(value) for value in ids],
        "label": [None] * n,
        "sha256": [""] * n,
        "bytes": [0] * n,
        "width": [0] * n,
        "height": [0] * n,
        "format": [""] * n,
        "orientation": [1] * n,
        "mtime": [None] * n,
        "split": [None] * n,
    }
    return ImageTable(pa.table(columns, schema=schema.IMAGES))


def _no_backbone(dim: int) -> BackboneSpec:
    digest = hashlib.sha256(f"precomputed {dim}".encode()).hexdigest()[:16]
    return BackboneSpec(
        "precomputed", f"precomputed-{digest}", 0, 0, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0), "your vectors", "yours", dim
    )
