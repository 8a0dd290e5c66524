"""Reference images with their embeddings, graph, backbone and results."""

from __future__ import annotations

import hashlib
import numbers
import operator
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from imgsim.backbones.spec import Backbone, BackboneSpec
from imgsim.columns.row_lookup import RowLookup
from imgsim.errors import ArgumentError, ArgumentTypeError, BackboneError
from imgsim.evaluation import Evaluation
from imgsim.features.embeddings import Embeddings, Projection
from imgsim.features.learnt import Learning
from imgsim.images.table import ImageTable
from imgsim.io.hashing import folder_sha256
from imgsim.io.held_file import HeldFile
from imgsim.neighbors.graph import NeighborGraph
from imgsim.neighbors.search import Searcher
from imgsim.references.refined import PlainVectors
from imgsim.references.thumbnails import Thumbnails

if TYPE_CHECKING:
    from imgsim.backbones.runtime import OnnxRuntime
    from imgsim.neighbors.ivf import InvertedFile
    from imgsim.references.insight import Insight
    from imgsim.references.text_space import TextSpace


class References:
    """Reference images with their embeddings, graph, backbone and results.

    Parameters
    ----------
    images : ImageTable
        The reference images, one per row, with the files that were rejected.
    embeddings : Embeddings
        Their vectors, row by row, and the projection that made them; with the plain ones where they are refined.
    graph : NeighborGraph
        Over the same rows.
    ids : (n,) int64 or str
        Unique; results name the images by them.
    backbone : BackboneSpec
        The network of the features.
    onnx : Path or HeldFile, optional
        File of that network, to embed new images; a path without a file is none.
    thumbnails : callable, optional
        sha256 of files to JPEG bytes or None.
    evaluation : Evaluation, optional
        Of this graph.
    ids_column : str, optional
        The column of ``images`` that ``ids`` come from; None for its ``id``, or for ids given with vectors.
    stats : dict, optional
        Counts and times of the feature extraction (`imgsim.features.extract.Features.stats`); not saved.
    precision_reason : str, optional
        Why the precision of the features was chosen, where it was not given; not saved.
    insights : mapping of str to Insight, optional
        Insights about these images, by name.
    coreml : Path, optional
        Folder with the model as a Core ML package.
    coreml_digest : str, optional
        `imgsim.io.hashing.folder_sha256` of that folder; computed when it is needed.
    cells : InvertedFile, optional
        Index of the embeddings for approximate search; made when it is needed.
    plain_graph : NeighborGraph, optional
        Over the plain vectors of refined embeddings; built when it is needed.
    text : TextSpace, optional
        The images in the space of the network's text tower, row by row, and that tower.

    Attributes
    ----------
    onnx : HeldFile or None
        The network's file; None means that only stored images and vectors can be queries.
    search : Searcher
        Nearest-neighbour search over the embeddings.
    plain : PlainVectors or None
        The vectors before they were refined (`imgsim.references.refined`); None where they are not.
    network : Backbone or None
        The torch network, where the model was created in this process.
    """

    evaluation: Evaluation | None
    insights: dict[str, Insight]

    def __init__(
        self,
        images: ImageTable,
        embeddings: Embeddings,
        graph: NeighborGraph,
        ids: NDArray[Any],
        backbone: BackboneSpec,
        *,
        onnx: Path | HeldFile | None = None,
        thumbnails: Thumbnails | None = None,
        evaluation: Evaluation | None = None,
        ids_column: str | None = None,
        stats: dict[str, float] | None = None,
        precision_reason: str = "",
        insights: Mapping[str, Insight] | None = None,
        coreml: Path | None = None,
        coreml_digest: str | None = None,
        cells: InvertedFile | None = None,
        plain_graph: NeighborGraph | None = None,
        text: TextSpace | None = None,
    ) -> None:
        self.backbone, self.ids_column, self.stats = backbone, ids_column, stats or {}
        self.precision_reason = precision_reason
        self.network: Backbone | None = None
        self.onnx = _held(onnx)
        self._runtime: OnnxRuntime | None = None
        self._loading = Lock()
        self.replace_rows(images, embeddings, ids, graph, thumbnails, cells, plain_graph, text=text)
        self.evaluation, self._coreml, self._coreml_digest = evaluation, coreml, coreml_digest
        self.insights.update(insights or {})

    def __getstate__(self) -> dict[str, Any]:
        """Return the arguments of `__init__`, for copies and pickles: no lock, open network or torch module."""
        return {
            "images": self.images,
            "embeddings": self._embeddings,
            "graph": self.graph,
            "ids": self.ids,
            "backbone": self.backbone,
            "onnx": self.onnx,
            "thumbnails": self.thumbnail_source,
            "evaluation": self.evaluation,
            "ids_column": self.ids_column,
            "stats": self.stats,
            "precision_reason": self.precision_reason,
            "insights": self.insights,
            "coreml": self._coreml,
            "coreml_digest": self._coreml_digest,
            "cells": self.search.built_cells,
            "plain_graph": None if self.plain is None else self.plain.built_graph,
            "text": self.text,
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(**state)  # type: ignore[misc]

    def replace_rows(
        self,
        images: ImageTable,
        embeddings: Embeddings,
        ids: NDArray[Any],
        graph: NeighborGraph,
        thumbnails: Thumbnails | None,
        cells: InvertedFile | None = None,
        plain_graph: NeighborGraph | None = None,
        *,
        text: TextSpace | None = None,
    ) -> None:
        """Replace the reference images, in place.

        Results about the old ones (evaluation, insights, Core ML package) are dropped.
        """
        matrix, plain = embeddings.matrix.view(), embeddings.plain
        matrix.setflags(write=False)
        self.images, self.ids, self.graph, self.thumbnail_source = images, ids, graph, thumbnails
        self.text = text
        self._embeddings = Embeddings(matrix, embeddings.projection, plain, embeddings.learning)
        self.search = Searcher(matrix, cells)
        self.plain = None if plain is None else PlainVectors(plain, matrix, self.search, graph, plain_graph)
        self.drop_results()
        self._row_of_id = RowLookup(lambda: ids)
        self._row_of_sha = RowLookup(lambda: np.array(images.sha256, "S"))

    def drop_results(self) -> None:
        """Drop what was made of the images as they were: evaluation, insights, Core ML package."""
        self.evaluation, self.coreml, self.insights = None, None, {}

    def __len__(self) -> int:
        return len(self.images)

    @property
    def embeddings(self) -> NDArray[np.float32]:
        """(n, d) float32, read-only; unit rows unless ``projection=None``."""
        return self._embeddings.matrix

    @property
    def plain_embeddings(self) -> NDArray[np.float32]:
        """(n, d) float32: the vectors by which pictures are told apart, which are the embeddings unless refined."""
        return self.embeddings if self.plain is None else self.plain.matrix

    @property
    def plain_graph(self) -> NeighborGraph:
        """The k-NN graph over the plain embeddings."""
        return self.graph if self.plain is None else self.plain.graph

    @property
    def projection(self) -> Projection | None:
        """The fitted projection, or None for raw features."""
        return self._embeddings.projection

    @property
    def learning(self) -> Learning | None:
        """The record of learning the projection from labels, or None."""
        return self._embeddings.learning

    @property
    def coreml(self) -> Path | None:
        """Folder with the model as a Core ML package, or None."""
        return self._coreml

    @coreml.setter
    def coreml(self, folder: Path | None) -> None:
        self._coreml, self._coreml_digest = folder, None

    @property
    def coreml_digest(self) -> str | None:
        """Hexadecimal sha256 of the Core ML package as it was loaded, else as it is."""
        if self._coreml is None or self._coreml_digest is not None:
            return self._coreml_digest
        return folder_sha256(self._coreml)

    @property
    def digest(self) -> str:
        """Hexadecimal sha256 of everything that decides an answer."""
        parts = [self.images.digest, self.backbone.fingerprint, self._embeddings.digest, self.graph.digest]
        parts += [] if self.text is None else [self.text.digest]
        return hashlib.sha256(" ".join([*parts, str(self.ids.tolist())]).encode()).hexdigest()

    @property
    def revision(self) -> str:
        """Hexadecimal sha256 of the digest, rejected files, record of learning, insights and Core ML package."""
        rejected = self.images.rejected
        parts = ["rejected " + rejected.to_json(orient="values")] if len(rejected) else []
        parts += [] if self.learning is None else [f"learning {self.learning.digest}"]
        parts += [f"{name} {self.insights[name].digest}" for name in sorted(self.insights)]
        parts += [] if self.coreml is None else [f"coreml {self.coreml_digest}"]
        return hashlib.sha256("\n".join([self.digest, *parts]).encode()).hexdigest() if parts else self.digest

    def thumbnails(self, rows: Sequence[int]) -> list[bytes | None]:
        """Return the thumbnails of rows: JPEG bytes (longest side 160 pixels), or None where there is none."""
        try:
            keys = [self.images.sha256[operator.index(row)] for row in rows]
        except (TypeError, IndexError, OverflowError) as error:
            raise ArgumentTypeError(f"rows must be whole numbers below {len(self)}: {error}.") from error
        return [None] * len(keys) if self.thumbnail_source is None else self.thumbnail_source(keys)

    def runtime(self) -> OnnxRuntime:
        """Return the network, loaded on first use.

        Raises
        ------
        BackboneError
            There is no network.
        """
        with self._loading:  # queries run on several threads
            if self._runtime is None:
                from imgsim.backbones.runtime import OnnxRuntime

                if self.onnx is None:
                    raise BackboneError(
                        f"this model holds no network ({self.backbone.name}): ask by id or by vectors of "
                        f"{self.embeddings.shape[1]} values, or create it again from images."
                    )
                self._runtime = OnnxRuntime(self.onnx)
            return self._runtime

    def rows_of_ids(self, values: Sequence[Any]) -> NDArray[np.int64]:
        """Return the rows of ids, (m,) int64.

        Raises
        ------
        ArgumentError
            An id that no reference image has.
        """
        unknown = next((value for value in values if not self.has_id(value)), None)
        if unknown is not None or None in values:
            raise ArgumentError(f"no reference image has the id {unknown!r:.80}; see model.ids.")
        return np.array([self._row_of(value) for value in values], np.int64)

    def has_id(self, value: Any) -> bool:
        """Return whether a reference image has this id: a whole number or text, so that True is not 1."""
        return self._row_of(value) is not None

    def _row_of(self, value: Any) -> int | None:
        if isinstance(value, bool) or not isinstance(value, (str, numbers.Integral)):
            return None
        return self._row_of_id.row(str(value) if isinstance(value, str) else int(value))

    def row_of_content(self, sha256: str) -> int | None:
        """Return the first row whose file has this content, or None."""
        return self._row_of_sha.row(sha256.encode()) if sha256 else None

    def has_labels(self, labels: Collection[str]) -> NDArray[np.bool_]:
        """Return for each row whether its label is one of these, (n,) bool."""
        return self.images.labels.among(labels)


def _held(file: Path | HeldFile | None) -> HeldFile | None:
    return (HeldFile(file) if file.is_file() else None) if isinstance(file, Path) else file
