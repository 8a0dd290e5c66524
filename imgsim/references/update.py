"""Updates of a model: images are added and removed without a new build."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from imgsim import schema
from imgsim.backbones.spec import Backbone
from imgsim.errors import ArgumentError, BackboneError
from imgsim.features.embeddings import Embeddings
from imgsim.features.extract import Features, extract_features
from imgsim.features.store import FeatureStore
from imgsim.images.load import load_images
from imgsim.images.table import ImageTable
from imgsim.neighbors.graph_update import extended_graph, extended_graph_by_ivf, shrunk_graph
from imgsim.neighbors.search import EXACT_UP_TO
from imgsim.references.ids import ids_of

if TYPE_CHECKING:
    from torch import nn

    from imgsim.references.references import References, Thumbnails


def add_images(
    references: References, source: ImageTable | str | Path, store: FeatureStore | None, progress: bool = False
) -> None:
    """Append images to ``references``; see `SimilarityModel.add`."""
    images = source if isinstance(source, ImageTable) else load_images(source, progress=progress)
    if not len(images):
        raise ArgumentError(f"no images to add in {images.root or 'the table'}; {len(images.rejected)} were rejected.")
    features = _features(references, images, store, progress)
    if not len(features.images):
        raise ArgumentError(f"none of the {len(images)} images to add could be decoded; see their .rejected.")
    vectors = features.matrix if references.projection is None else references.projection.transform(features.matrix)
    table = _appended(references, features.images)
    ids = ids_of(table, references.ids_column)
    matrix = np.concatenate([references.embeddings, vectors])
    cells = None
    if len(references) > EXACT_UP_TO:
        graph, cells = extended_graph_by_ivf(references.graph, matrix, references.search.cells)
    else:
        graph = extended_graph(references.graph, matrix)
    thumbnails = _combine_thumbnails(references.thumbnail_source, (store or FeatureStore()).read_thumbnails)
    references.replace_rows(table, Embeddings(matrix, references.projection), ids, graph, thumbnails, cells)


def remove_ids(references: References, ids: Any) -> None:
    """Remove rows from ``references``; see `SimilarityModel.remove`."""
    values = np.atleast_1d(np.asarray(ids)).tolist()
    gone = references.rows_of_ids(values)
    keep = np.setdiff1d(np.arange(len(references)), gone)
    if not len(keep):
        raise ArgumentError("all images would be removed; a model needs at least one.")
    matrix = np.ascontiguousarray(references.embeddings[keep])
    graph = shrunk_graph(references.graph, keep, matrix)
    references.replace_rows(
        references.images[keep],
        Embeddings(matrix, references.projection),
        references.ids[keep],
        graph,
        references.thumbnail_source,
    )


def _features(references: References, images: ImageTable, store: FeatureStore | None, progress: bool) -> Features:
    """Extract features by the ONNX network of the model, which a loaded model has too."""
    if references.onnx is None:
        raise BackboneError("this model holds no network, so images cannot be added; create it again from images.")

    def build() -> nn.Module:
        raise BackboneError(f"{references.backbone.name} was loaded as ONNX; it has no torch form here.")

    return extract_features(
        images, Backbone(references.backbone, build), store, device="cpu", progress=progress, onnx=references.onnx
    )


def _combine_thumbnails(first: Thumbnails | None, second: Thumbnails) -> Thumbnails:
    """Combine two sources of thumbnails; ``second`` is used for those that ``first`` lacks."""
    if first is None:
        return second

    def read(keys: Sequence[str]) -> list[bytes | None]:
        return [a if a is not None else b for a, b in zip(first(keys), second(keys), strict=True)]

    return read


def _appended(references: References, new: ImageTable) -> ImageTable:
    old = references.images
    start = int(old.ids.max()) + 1
    fresh = new.table.set_column(0, schema.IMAGES.field("id"), pa.array(np.arange(start, start + len(new)), pa.int64()))
    rejected = [*old.rejected.to_dict("records"), *new.rejected.to_dict("records")]
    return ImageTable(pa.concat_tables([old.table, fresh]), rejected, old.root if old.root == new.root else "")
