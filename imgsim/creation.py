"""Creation of a model from vectors, or from images by the same stages as in the pipeline."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from imgsim import arguments, schema
from imgsim.arguments import DEFAULT_BACKBONE, DEFAULT_DIMENSIONS, DEFAULT_K
from imgsim.backbones.get import get_backbone
from imgsim.backbones.onnx_export import ONNX_FILE
from imgsim.backbones.spec import FP32, Backbone, BackboneSpec
from imgsim.backbones.text.export import is_exported
from imgsim.backbones.text.files import TEXT_FOLDER, TextFiles
from imgsim.errors import ArgumentError, ArgumentTypeError
from imgsim.evaluation import Evaluation, evaluate
from imgsim.features.choose_precision import CHOICES
from imgsim.features.distribute import extract_by
from imgsim.features.embeddings import Embeddings, embed
from imgsim.features.extract import Features
from imgsim.features.store import FeatureStore
from imgsim.images.load import load_images
from imgsim.images.table import ImageTable
from imgsim.insights.evaluate import evaluate_references
from imgsim.io.vectors import as_vectors
from imgsim.learning.learn import LEARNT_FROM, learn_from_labels, require_learnable
from imgsim.model import SimilarityModel
from imgsim.neighbors.graph import NeighborGraph, build_graph, resolve_method
from imgsim.references import refined
from imgsim.references.ids import ids_of, unique_ids
from imgsim.references.references import References
from imgsim.references.text_space import TextSpace, spooled_unit_rows
from imgsim.workers import Workers

if TYPE_CHECKING:
    from torch import nn

    from imgsim.decisions import Decisions


def create(
    images: ImageTable | str | Path | None = None,
    ids: str | Sequence[Any] | None = None,
    backbone: str | nn.Module | Backbone = DEFAULT_BACKBONE,
    weights: str | Path | None = None,
    projection: int | None = DEFAULT_DIMENSIONS,
    k: int = DEFAULT_K,
    method: str = "auto",
    batch_size: int = 64,
    device: str = "auto",
    progress: bool = True,
    *,
    embeddings: Any = None,
    store: FeatureStore | None = None,
    seed: int = 0,
    workers: Workers | None = None,
    label: str | None = None,
    precision: str = FP32,
    refine: bool = False,
    image_size: int | None = None,
    pooling: str = "model",
    resize: str = "stretch",
    revision: str | None = None,
    cache_dir: str | Path | None = None,
    learn: str | None = None,
    decisions: Decisions | str | Path | bool | None = None,
) -> SimilarityModel:
    """Create a similarity model.

    Parameters
    ----------
    images : ImageTable, or anything `load_images` takes
        The reference images. Files that cannot be decoded are listed in ``model.rejected``.
    ids : str, optional
        Column of the table with unique whole numbers or strings, by which results name the images (``"path"``);
        default: their row numbers, ``"id"``. With ``embeddings``: the ids themselves, one per row.
    backbone, weights
        See `imgsim.backbones.get.get_backbone`. The default is EfficientNet-Lite0, which is installed with imgsim;
        ``"mini"`` is three times as fast.
    projection : int or None
        Dimensions of the embedding; None keeps raw features.
    k : int
        Neighbours per image in the stored graph.
    method : str
        ``"auto"``, ``"exact"``, ``"nn_descent"``, ``"partitioned"`` or ``"pynndescent"``; see
        `imgsim.neighbors.graph.build_graph`.
    batch_size, device
        See `imgsim.features.extract.extract_features`.
    progress : bool
        Show bars with rate and time left on stderr for work that takes longer than a second.
    embeddings : (n, d) array, optional
        Vectors to use as they are, instead of images.
    store : FeatureStore, optional
        Store of features; default: in ``$IMGSIM_HOME``.
    seed : int
        Seed of NN-Descent and of partitions.
    workers : Workers, optional
        Run feature extraction and the pieces of a partitioned graph (`imgsim.workers.get_workers`); default: this
        process.
    label : str, optional
        Turi Create's name of ``ids``.
    precision : str
        ``"fp32"``, ``"bf16"`` or ``"auto"``, of the features; see `imgsim.features.extract.extract_features`. Pictures
        that are asked about later are always computed in fp32.
    refine : bool
        Average each embedding with those of its 10 nearest neighbours, and a new query with its 5 nearest references
        (`imgsim.references.refined`). Precision is mostly higher (held-out queries of Caltech-101, ``"mini"``:
        precision@10 .796 instead of .767). Distances are then between averages. Duplicates and leaks go on by
        the plain embeddings. Needs a projection.
    image_size, pooling, resize, revision, cache_dir
        Of a network by name; see `imgsim.backbones.options.NetworkOptions`.
    learn : str, optional
        ``"labels"``: learn the projection from the labels of the images, as `SimilarityModel.learn` does.
    decisions : Decisions, str, Path or bool, optional
        A store of decisions or its address; True: the one of `imgsim.decisions.open_decisions`. The labels that people
        decided take the place of those of ``images``. Default: none.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        An argument outside its domain; no usable image; NaN in vectors; ids that repeat.
    BackboneError, StoreError, SourceError, DecisionsError
    """
    k = arguments.positive_int(k, "k")
    seed = arguments.seed(seed)
    arguments.optional_workers(workers)
    resolve_method(method, 0)
    arguments.one_of(precision, CHOICES, "precision")
    if (images is None) == (embeddings is None):
        raise ArgumentError("give either images or embeddings=.")
    if arguments.boolean(refine, "refine"):
        refined.require_projection(embeddings is None and projection is not None)
    if learn is not None:
        arguments.one_of(learn, LEARNT_FROM, "learn")
        require_learnable(embeddings is None and projection is not None)
    if embeddings is not None:
        if decisions:
            raise ArgumentError("decisions= are about the files of images; vectors have none.")
        return SimilarityModel(_from_vectors(embeddings, ids, k, method, seed, progress, workers))
    column = arguments.alias(ids, label, "ids", "label")
    if column is not None and not isinstance(column, str):
        raise ArgumentTypeError(f"ids= is the name of a column when there are images, not {type(column).__name__}.")
    table = images if isinstance(images, ImageTable) else load_images(images, progress=progress)
    _require_images(table, "no images to build a model from")
    if decisions:
        table = _with_decided_labels(table, decisions)
    ids_of(table, column)
    network = get_backbone(
        backbone,
        weights,
        image_size=image_size,
        pooling=pooling,
        resize=resize,
        revision=revision,
        cache_dir=cache_dir,
    )
    store = FeatureStore() if store is None else arguments.instance(store, FeatureStore, "store")
    features = extract_by(workers, table, network, store, batch_size, device, progress, precision=precision)
    _require_images(features.images, "none of the images could be decoded")
    vectors = embed(features.vectors, projection)
    if learn is not None:
        first = build_graph(vectors.matrix, k, method, seed, progress, workers=workers)
        unlearnt = assemble(features.images, features, vectors, first, None, store, column)
        vectors = learn_from_labels(unlearnt, features.vectors, store=store, progress=progress)
    plain_graph = None
    if refine:
        plain_graph = build_graph(vectors.matrix, max(k, refined.NEIGHBORS), method, seed, progress, workers=workers)
        vectors = refined.refine(vectors, plain_graph)
    graph = build_graph(vectors.matrix, k, method, seed, progress, workers=workers)
    references = assemble(features.images, features, vectors, graph, None, store, column, plain_graph)
    references.evaluation = evaluate_references(references, min(DEFAULT_K, k), store=store, progress=progress)
    references.network = network
    return SimilarityModel(references)


def assemble(
    images: ImageTable,
    features: Features,
    embeddings: Embeddings,
    graph: NeighborGraph,
    evaluation: Evaluation | None,
    store: FeatureStore,
    ids_column: str | None = None,
    plain_graph: NeighborGraph | None = None,
) -> References:
    """Combine the results of the stages to references; features of a network with a text tower are kept too."""
    folder = store.backbone_folder(features.backbone.network)
    text = None
    if features.backbone.has_text and is_exported(folder / TEXT_FOLDER):
        text = TextSpace(spooled_unit_rows(features.vectors), TextFiles.load(folder / TEXT_FOLDER))
    return References(
        images,
        embeddings,
        graph,
        ids_of(images, ids_column),
        features.backbone,
        onnx=folder / ONNX_FILE,
        thumbnails=store.read_thumbnails,
        evaluation=evaluation,
        ids_column=ids_column,
        stats=features.stats,
        plain_graph=None if plain_graph is None else plain_graph.cut(graph.k),
        text=text,
        precision_reason=features.precision_reason,
    )


def _with_decided_labels(images: ImageTable, decisions: Decisions | str | Path | bool) -> ImageTable:
    from imgsim.decisions import as_decisions, with_decided_labels

    store = as_decisions(decisions)
    return images if store is None else with_decided_labels(images, store)


def _require_images(images: ImageTable, what: str) -> None:
    if not len(images):
        raise ArgumentError(f"{what} in {why_empty(images)}")


def why_empty(images: ImageTable) -> str:
    """Explain why no image was found, with the folder searched."""
    rejected = images.rejected
    why = "it holds no file with the extension of an image"
    if len(rejected):
        why = f"{len(rejected)} files were rejected, the first: {rejected['path'][0]}: {rejected['reason'][0]}"
    return f"{images.root or 'the table'}: {why}."


def _from_vectors(
    values: Any, ids: Any, k: int, method: str, seed: int, progress: bool, workers: Workers | None
) -> References:
    matrix = as_vectors(values, "embeddings")
    names = unique_ids(np.arange(len(matrix)) if ids is None else ids, "ids")
    if len(names) != len(matrix):
        raise ArgumentError(f"{len(names)} ids for {len(matrix)} embeddings.")
    vectors = Embeddings(matrix, None)
    graph = build_graph(matrix, k, method, seed, progress, workers=workers)
    evaluation = evaluate(matrix, graph, None, min(DEFAULT_K, k))
    return References(
        _images_without_files(names), vectors, graph, names, _no_backbone(matrix.shape[1]), evaluation=evaluation
    )


def _images_without_files(ids: NDArray[Any]) -> ImageTable:
    """Make the image table of vectors without files: the path is the id, columns about the file are empty."""
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
