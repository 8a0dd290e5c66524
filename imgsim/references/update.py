"""Updates of a model: images are added and removed without a new build, one by one or as a source now has them."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from imgsim import arguments
from imgsim.backbones.onnx_export import ONNX_FILE
from imgsim.backbones.spec import FP32, Backbone
from imgsim.errors import ArgumentError, BackboneError
from imgsim.features.embeddings import Embeddings, Projection, embed
from imgsim.features.extract import Features, extract_features
from imgsim.features.store import FeatureStore
from imgsim.images.load import load_images
from imgsim.images.table import ImageTable
from imgsim.neighbors import search
from imgsim.neighbors.graph import NeighborGraph, build_graph
from imgsim.neighbors.graph_update import extended_graph, extended_graph_in_cells, shrunk_graph
from imgsim.references.ids import ids_of
from imgsim.references.refined import NEIGHBORS, refine
from imgsim.references.text_space import spooled_unit_rows
from imgsim.references.thumbnails import combined

if TYPE_CHECKING:
    from torch import nn

    from imgsim.neighbors.ivf import InvertedFile
    from imgsim.references.references import References

_LABELS = ["label", "split"]


def add_images(
    references: References, source: ImageTable | str | Path, store: FeatureStore | None, progress: bool = False
) -> None:
    """Append images to ``references``; see `SimilarityModel.add`."""
    store = FeatureStore() if store is None else arguments.instance(store, FeatureStore, "store")
    images = source if isinstance(source, ImageTable) else load_images(source, progress=progress)
    if not len(images):
        raise ArgumentError(f"no images to add in {images.root or 'the table'}; {len(images.rejected)} were rejected.")
    features = features_of(references, images, store, progress)
    if not len(features.images):
        raise ArgumentError(f"none of the {len(images)} images to add could be decoded; see their .rejected.")
    _append(references, features, store, progress)


def update_images(
    references: References, source: ImageTable | str | Path, store: FeatureStore | None, progress: bool = False
) -> Changes:
    """Make ``references`` hold the images of a source; see `SimilarityModel.update`."""
    store = FeatureStore() if store is None else arguments.instance(store, FeatureStore, "store")
    images = source if isinstance(source, ImageTable) else load_images(source, progress=progress)
    if not len(images):
        raise ArgumentError(f"no images in {images.root or 'the table'}, so the model would be empty.")
    before, column = references.images, references.ids_column
    ids_of(images, column)
    if before.decisions is not None and images.decisions is None:
        images = images.with_decided_labels(_decided(before), before.decisions)
    old, now = _keys(before, column), _keys(images, column)
    place = pc.index_in(old, value_set=now).fill_null(-1).to_numpy()
    stays = place >= 0
    stays[~stays] = _lie_in(np.array(before.paths, object)[~stays], images.rejected)
    if not stays.any():
        raise ArgumentError(
            f"none of the model's {len(before):,} images is in {images.root or 'the table'}, by path and content. Give "
            "the folder that the model was made of, or create a new model."
        )
    new = images[np.flatnonzero(pc.invert(pc.is_in(now, value_set=old)))]
    features = features_of(references, new, store, progress) if len(new) else None
    if not stays.all():
        remove_ids(references, references.ids[~stays])
    kept = _kept(images, before, place, stays)
    if not kept.table.select(_LABELS).equals(references.images.table.select(_LABELS)):
        references.drop_results()
    references.images = kept.without_notes()
    if features is not None and len(features.images):
        _append(references, features, store, progress)
    notes = images if features is None else features.images
    references.images = notes.with_table(references.images.table)
    return Changes(len(references) - len(kept), len(before) - len(kept), len(references))


@dataclass(frozen=True)
class Changes:
    """Images that an update added and removed, and how many there are now."""

    added: int
    removed: int
    images: int


def _keys(images: ImageTable, ids_column: str | None) -> pa.Array:
    """Return what an image is known by: path, content, the id that a column gives, and how many such came before."""
    names = ["path", "sha256", *([ids_column] if ids_column not in (None, "id") else [])]
    columns = [images.table[name].cast(pa.large_string()) for name in names]
    codes = pd.Series(_joined(*columns).dictionary_encode().indices.to_numpy())
    return _joined(*columns, pa.array(codes.groupby(codes).cumcount()).cast(pa.large_string()))


def _joined(*columns: pa.ChunkedArray | pa.Array) -> pa.Array:
    joined = pc.binary_join_element_wise(*columns, pa.scalar("\0", pa.large_string()))
    return joined.combine_chunks() if isinstance(joined, pa.ChunkedArray) else joined


def _lie_in(paths: Sequence[str], rejected: pd.DataFrame) -> list[bool]:
    """Tell which paths are files that could not be read, or lie in folders that could not: they may be there."""
    unread = set(rejected["path"][rejected["stage"].isin(["list", "read"])])
    return [not unread.isdisjoint(accumulate(path.split("/"), "{}/{}".format)) for path in paths]


def _kept(images: ImageTable, before: ImageTable, place: NDArray[np.int64], stays: NDArray[np.bool_]) -> ImageTable:
    """Return the images that stay, by their ids: the row of the source at ``place``, where that is -1 their own."""
    mine = before if images.decisions is None else before.with_decided_labels(_decided(before), images.decisions)
    both = pa.concat_tables([images.table, mine.table.select(images.table.column_names)])
    rows = np.where(place < 0, len(images) + np.arange(len(before)), place)[stays]
    table = both.take(pa.array(rows)).set_column(0, both.schema.field(0), before.table["id"].filter(pa.array(stays)))
    return images.with_table(table)


def _decided(images: ImageTable) -> dict[str, str]:
    rows = zip(images.sha256, images.labels, images.source_labels, strict=True)
    return {sha: label for sha, label, source in rows if label is not None and label != source}


def _append(references: References, features: Features, store: FeatureStore, progress: bool) -> None:
    table = references.images.append(features.images)
    ids = ids_of(table, references.ids_column)
    embeddings = _grown_embeddings(references, features, store, progress)
    graph, cells = _grown_graph(references, embeddings)
    thumbnails = combined(references.thumbnail_source, store.read_thumbnails)
    text = references.text
    if text is not None:
        text = text.with_rows(spooled_unit_rows(features.vectors, text.rows))
    references.replace_rows(table, embeddings, ids, graph, thumbnails, cells, text=text)


def _grown_embeddings(references: References, new: Features, store: FeatureStore, progress: bool) -> Embeddings:
    """Return the embeddings of all images: by the same projection, or by one fitted again if it is outgrown."""
    projection, n = references.projection, len(references) + len(new.images)
    if projection is None:
        return Embeddings(np.concatenate([references.embeddings, new.matrix]), None)
    if references.learning is None and projection.is_outgrown(n):
        old = features_of(references, references.images, store, progress)
        if len(old.images) == len(references):
            fitted = embed(old.vectors.followed_by(new.vectors), projection.wanted)
            return fitted if references.plain is None else _refined(references, fitted)
        gone = len(references) - len(old.images)
        warnings.warn(
            f"the projection stays as it was fitted for {projection.rows:,} images, though there are {n:,}: the store "
            f"lacks the features of {gone:,} of them. Create the model again from images.",
            stacklevel=4,
        )
    return _with_rows(references, projection, projection.transform(new.vectors))


def _with_rows(references: References, projection: Projection, new: NDArray[np.float32]) -> Embeddings:
    """Append projected rows; in a refined model they are refined as queries are, and the old rows stay."""
    plain, learning = references.plain, references.learning
    if learning is not None:
        learning = learning.of_rows(np.append(np.arange(len(references)), np.full(len(new), -1)))
    if plain is None:
        return Embeddings(np.concatenate([references.embeddings, new]), projection, learning=learning)
    grown = np.concatenate([references.embeddings, plain.refine(new)])
    return Embeddings(grown, projection, np.concatenate([plain.matrix, new]), learning)


def _refined(references: References, embeddings: Embeddings) -> Embeddings:
    graph = references.graph
    return refine(embeddings, build_graph(embeddings.matrix, NEIGHBORS, _method(len(embeddings.matrix), graph)))


def _method(n: int, graph: NeighborGraph) -> str:
    """Return the method for a new graph of ``n`` rows in place of ``graph``."""
    return "auto" if n > search.EXACT_UP_TO else graph.method


def _grown_graph(references: References, embeddings: Embeddings) -> tuple[NeighborGraph, InvertedFile | None]:
    """Return the graph of all images, extended if the old embeddings are kept; and the index where there was one."""
    graph, matrix = references.graph, embeddings.matrix
    if embeddings.projection is not references.projection:
        return build_graph(matrix, graph.wanted or max(graph.k, 1), _method(len(matrix), graph)), None
    if references.search.is_approximate:
        return extended_graph_in_cells(graph, matrix, references.search.cells)
    return extended_graph(graph, matrix), None


def remove_ids(references: References, ids: Any) -> None:
    """Remove rows from ``references``; see `SimilarityModel.remove`."""
    given = ids.tolist() if hasattr(ids, "tolist") else ids
    several = isinstance(given, Iterable) and not isinstance(given, (str, bytes))
    gone = references.rows_of_ids(list(given) if several else [given])
    keep = np.setdiff1d(np.arange(len(references)), gone)
    if not len(keep):
        raise ArgumentError("all images would be removed; a model needs at least one.")
    matrix, plain, text = np.ascontiguousarray(references.embeddings[keep]), references.plain, references.text
    graph, cells = shrunk_graph(references.graph, keep, matrix), references.search.built_cells
    references.replace_rows(
        references.images[keep],
        Embeddings(
            matrix,
            references.projection,
            None if plain is None else plain.matrix[keep],
            None if references.learning is None else references.learning.of_rows(keep),
        ),
        references.ids[keep],
        graph,
        references.thumbnail_source,
        None if cells is None else cells.keeping(keep),
        text=None if text is None else text.with_rows(np.ascontiguousarray(text.rows[keep])),
    )


def features_of(references: References, images: ImageTable, store: FeatureStore, progress: bool) -> Features:
    """Return the features of images, from the store or extracted by the model's network, in its precision.

    In bf16 only a network that this machine has exported is run: OpenVINO sets no limits to one from elsewhere.
    """
    if references.onnx is None:
        raise BackboneError("this model holds no network, so images cannot be added; create it again from images.")

    def build() -> nn.Module:
        raise BackboneError(f"{references.backbone.name} was loaded as ONNX; it has no torch form here.")

    spec = references.backbone
    onnx = references.onnx if spec.precision == FP32 else store.backbone_folder(spec.network) / ONNX_FILE
    network = Backbone(spec, build)
    return extract_features(
        images, network, store, device="cpu", progress=progress, onnx=onnx, precision=spec.precision
    )
