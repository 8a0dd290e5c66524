"""Reference images with their embeddings, graph, backbone and results."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from imgsim.backbones.spec import Backbone, BackboneSpec
from imgsim.errors import ArgumentError, BackboneError
from imgsim.evaluation import Evaluation
from imgsim.features.embeddings import Embeddings, Projection
from imgsim.images.table import ImageTable
from imgsim.io.hashing import folder_sha256
from imgsim.neighbors.graph import NeighborGraph
from imgsim.neighbors.search import Searcher

if TYPE_CHECKING:
    from imgsim.backbones.runtime import OnnxRuntime
    from imgsim.neighbors.ivf import InvertedFile
    from imgsim.references.insight import Insight

Thumbnails = Callable[[Sequence[str]], list[bytes | None]]
"""sha256 of files to their thumbnails: JPEG bytes, or None where there is none."""


class References:
    """Reference images with their embeddings, graph, backbone and results.

    Parameters
    ----------
    images : ImageTable
        The reference images, one per row, with the files that were rejected.
    embeddings : Embeddings
        Their vectors, row by row, and the projection that made them.
    graph : NeighborGraph
        Over the same rows.
    ids : (n,) int64 or str
        Unique; results name the images by them.
    backbone : BackboneSpec
        The network of the features.
    onnx : Path, optional
        File of that network, to embed new images.
    thumbnails : callable, optional
        sha256 of files to JPEG bytes or None.
    evaluation : Evaluation, optional
        Of this graph.
    ids_column : str, optional
        The column of ``images`` that ``ids`` come from; None for its ``id``, or for ids given with vectors.
    stats : dict, optional
        Counts and times of the feature extraction (`imgsim.features.extract.Features.stats`); not saved.
    insights : mapping of str to Insight, optional
        Insights about these images, by name.
    coreml : Path, optional
        Folder with the model as a Core ML package.
    cells : InvertedFile, optional
        Index of the embeddings for approximate search; made when it is needed.

    Attributes
    ----------
    search : Searcher
        Nearest-neighbour search over the embeddings.
    network : Backbone or None
        The torch network, where the model was created in this process.
    """

    evaluation: Evaluation | None
    coreml: Path | None
    insights: dict[str, Insight]

    def __init__(
        self,
        images: ImageTable,
        embeddings: Embeddings,
        graph: NeighborGraph,
        ids: NDArray[Any],
        backbone: BackboneSpec,
        *,
        onnx: Path | None = None,
        thumbnails: Thumbnails | None = None,
        evaluation: Evaluation | None = None,
        ids_column: str | None = None,
        stats: dict[str, float] | None = None,
        insights: Mapping[str, Insight] | None = None,
        coreml: Path | None = None,
        cells: InvertedFile | None = None,
    ) -> None:
        self.backbone, self.ids_column, self.stats = backbone, ids_column, stats or {}
        self.network: Backbone | None = None
        self._onnx = onnx
        self._runtime: OnnxRuntime | None = None
        self._loading = Lock()
        self.replace_rows(images, embeddings, ids, graph, thumbnails, cells)
        self.evaluation, self.coreml = evaluation, coreml
        self.insights.update(insights or {})

    def replace_rows(
        self,
        images: ImageTable,
        embeddings: Embeddings,
        ids: NDArray[Any],
        graph: NeighborGraph,
        thumbnails: Thumbnails | None,
        cells: InvertedFile | None = None,
    ) -> None:
        """Replace the reference images, in place.

        Results about the old ones (evaluation, insights, Core ML package) are dropped.
        """
        matrix = embeddings.matrix.view()
        matrix.setflags(write=False)
        self.images, self.ids, self.graph, self.thumbnail_source = images, ids, graph, thumbnails
        self._embeddings = Embeddings(matrix, embeddings.projection)
        self.search = Searcher(matrix, graph.neighbors, cells)
        self.evaluation, self.coreml, self.insights = None, None, {}
        self._row_of_id = {value: row for row, value in enumerate(ids.tolist())}
        self._row_of_sha = {sha: row for row, sha in reversed(list(enumerate(images.sha256))) if sha}

    def __len__(self) -> int:
        return len(self.images)

    @property
    def embeddings(self) -> NDArray[np.float32]:
        """(n, d) float32, read-only; unit rows unless ``projection=None``."""
        return self._embeddings.matrix

    @property
    def projection(self) -> Projection | None:
        """The fitted projection, or None for raw features."""
        return self._embeddings.projection

    @property
    def onnx(self) -> Path | None:
        """File of the network; None means that only stored images and vectors can be queries."""
        return self._onnx if self._onnx is not None and self._onnx.exists() else None

    @property
    def digest(self) -> str:
        """Hexadecimal sha256 of everything that decides an answer."""
        parts = [self.images.digest, self.backbone.fingerprint, self._embeddings.digest, self.graph.digest]
        return hashlib.sha256(" ".join([*parts, str(self.ids.tolist())]).encode()).hexdigest()

    @property
    def revision(self) -> str:
        """Hexadecimal sha256 of the digest, the rejected files, the insights and the Core ML package."""
        rejected = self.images.rejected
        parts = ["rejected " + rejected.to_json(orient="values")] if len(rejected) else []
        parts += [f"{name} {self.insights[name].digest}" for name in sorted(self.insights)]
        parts += [] if self.coreml is None else ["coreml " + folder_sha256(self.coreml)]
        return hashlib.sha256("\n".join([self.digest, *parts]).encode()).hexdigest() if parts else self.digest

    def thumbnails(self, rows: Sequence[int]) -> list[bytes | None]:
        """Return the thumbnails of rows: JPEG bytes (longest side 160 pixels), or None where there is none."""
        if self.thumbnail_source is None:
            return [None] * len(rows)
        return self.thumbnail_source([self.images.sha256[row] for row in rows])

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
        try:
            return np.array([self._row_of_id[value] for value in values], np.int64)
        except (KeyError, TypeError) as error:
            raise ArgumentError(f"no reference image has the id {error}; see model.ids.") from None

    def has_id(self, value: Any) -> bool:
        """Return whether a reference image has this id."""
        return value in self._row_of_id

    def row_of_content(self, sha256: str) -> int | None:
        """Return the first row whose file has this content, or None."""
        return self._row_of_sha.get(sha256)

    def has_labels(self, labels: Collection[str]) -> NDArray[np.bool_]:
        """Return for each row whether its label is one of these, (n,) bool."""
        wanted = set(labels)
        return np.fromiter((label in wanted for label in self.images.labels), bool, len(self))
