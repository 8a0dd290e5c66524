"""The similarity model: reference images, their embeddings and graph, and the questions it answers."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from imgsim import arguments
from imgsim.backbones.spec import Backbone, BackboneSpec
from imgsim.errors import ArgumentError, BackboneError
from imgsim.evaluation import BACKGROUND, Evaluation
from imgsim.evaluation import evaluate as evaluate_graph
from imgsim.features.embeddings import Embeddings, Projection
from imgsim.images.table import ImageTable
from imgsim.io.hashing import folder_sha256
from imgsim.neighbors.graph import NeighborGraph, build_graph, resolve_method
from imgsim.neighbors.ivf import Cells
from imgsim.neighbors.search import Searcher
from imgsim.references.query import query_labels, resolve
from imgsim.references.results import edges_within, graph_output, query_frame

if TYPE_CHECKING:
    from collections.abc import Mapping

    from imgsim.backbones.runtime import OnnxRuntime
    from imgsim.coreml.export.export import CoreMLExport
    from imgsim.features.store import FeatureStore
    from imgsim.references.insight import Insight

Thumbnails = Callable[[Sequence[str]], list[bytes | None]]


class SimilarityModel:
    """Reference images that can be asked for their likes. `create` and `load_model` make one.

    Distances are euclidean between embeddings, everywhere; an image is at exactly 0 from itself.

    Parameters
    ----------
    images : ImageTable
        The reference images, one per row, with the files that were rejected.
    embeddings : Embeddings
        Their vectors, row by row, and the projection that made them.
    graph : NeighborGraph
        Over the same rows.
    ids : array of n int64 or str
        What results call the images (``reference_label``).
    backbone : BackboneSpec
        The network of the features.
    onnx : Path, optional
        The network itself, for queries by new images.
    thumbnails : callable, optional
        sha256 of files to their thumbnails, JPEG bytes or None.
    evaluation : Evaluation, optional
        Of this graph.
    label_column : str, optional
        The column that ``ids`` are.
    stats : dict, optional
        What extracting the features took (`imgsim.features.Features.stats`); not saved.
    insights : mapping of str to Insight, optional
        What was found out about these images (`imgsim.insights`), by name.
    coreml : Path, optional
        Folder with the model as a Core ML package and the files that go with it.
    cells : Cells, optional
        Of the embeddings; what very large models are searched by. Made when needed.
    """

    def __init__(
        self,
        images: ImageTable,
        embeddings: Embeddings,
        graph: NeighborGraph,
        ids: NDArray[Any],
        backbone: BackboneSpec,
        onnx: Path | None = None,
        thumbnails: Thumbnails | None = None,
        evaluation: Evaluation | None = None,
        label_column: str | None = None,
        stats: dict[str, float] | None = None,
        insights: Mapping[str, Insight] | None = None,
        coreml: Path | None = None,
        cells: Cells | None = None,
    ) -> None:
        self.graph = graph
        self.backbone = backbone
        self.evaluation = evaluation
        self.label_column = label_column
        self.stats = stats or {}
        self.insights: dict[str, Insight] = dict(insights or {})
        self.coreml = coreml
        self.network: Backbone | None = None
        self._onnx = onnx
        self._thumbnails = thumbnails
        self._runtime: OnnxRuntime | None = None
        self._loading = Lock()
        self._set_rows(images, embeddings, ids, cells)

    def _set_rows(
        self, images: ImageTable, embeddings: Embeddings, ids: NDArray[Any], cells: Cells | None = None
    ) -> None:
        matrix = embeddings.matrix.view()
        matrix.setflags(write=False)
        self._images, self._vectors, self._ids = images, Embeddings(matrix, embeddings.projection), ids
        self.searcher = Searcher(matrix, cells)
        self._row_of_id = {value: row for row, value in enumerate(ids.tolist())}
        self._row_of_sha = {sha: row for row, sha in reversed(list(enumerate(images.sha256))) if sha}

    def replace_rows(
        self,
        images: ImageTable,
        embeddings: Embeddings,
        ids: NDArray[Any],
        graph: NeighborGraph,
        thumbnails: Thumbnails | None,
        cells: Cells | None = None,
    ) -> None:
        """Take other reference images, in place; for `imgsim.references.update`.

        What was derived from the ones before is dropped: evaluation, insights, Core ML package.
        """
        self.graph, self.evaluation, self._thumbnails = graph, None, thumbnails
        self.insights, self.coreml = {}, None
        self._set_rows(images, embeddings, ids, cells)

    @property
    def images(self) -> ImageTable:
        """The reference images, row by row."""
        return self._images

    @property
    def rejected(self) -> pd.DataFrame:
        """Files that are not in the model: path, stage, reason."""
        return self._images.rejected

    @property
    def ids(self) -> NDArray[Any]:
        """What results call the images: (n,) int64 or str, unique."""
        return self._ids

    @property
    def embeddings(self) -> NDArray[np.float32]:
        """(n, d) float32, read-only; unit rows unless ``projection=None``."""
        return self._vectors.matrix

    @property
    def projection(self) -> Projection | None:
        """The fitted projection, or None for raw features."""
        return self._vectors.projection

    @property
    def onnx(self) -> Path | None:
        """The network's file, or None: then only stored images and vectors can be asked for."""
        return self._onnx if self._onnx is not None and self._onnx.exists() else None

    @property
    def digest(self) -> str:
        """Hexadecimal sha256 of everything that decides an answer."""
        parts = [self._images.digest, self.backbone.fingerprint, self._vectors.digest, self.graph.digest]
        return hashlib.sha256(" ".join([*parts, str(self._ids.tolist())]).encode()).hexdigest()

    @property
    def revision(self) -> str:
        """Hexadecimal sha256 of the digest and of what else is carried: rejected files, insights, Core ML package."""
        rejected = self._images.rejected
        parts = ["rejected " + rejected.to_json(orient="values")] if len(rejected) else []
        parts += [f"{name} {self.insights[name].digest}" for name in sorted(self.insights)]
        parts += [] if self.coreml is None else ["coreml " + folder_sha256(self.coreml)]
        return hashlib.sha256("\n".join([self.digest, *parts]).encode()).hexdigest() if parts else self.digest

    def __len__(self) -> int:
        return len(self._images)

    def query(
        self,
        x: Any,
        k: int | None = 5,
        radius: float | None = None,
        label: str | Sequence[Any] | None = None,
        exact: bool = False,
    ) -> pd.DataFrame:
        """Nearest reference images, a stored image itself first.

        Parameters
        ----------
        x : ImageTable, path, PIL image, array, bytes, id, or a list of those
            Pictures as files, bytes or uint8 arrays (H, W), (H, W, 3), (H, W, 4); ids of reference
            images (whole numbers, or the model's own strings); or float vectors (m, d): embeddings, or
            raw features of the backbone.
        k : int or None
            At most this many per query; None for all (within ``radius``).
        radius : float or None
            Only distances <= radius.
        label : str or sequence, optional
            Column of an ImageTable, or one value per query, to be shown as ``query_label`` instead of
            the position 0..m-1.
        exact : bool
            Look at every image, however many there are. Otherwise models of more than 200,000 images are searched
            along their graph (`imgsim.neighbors.ivf`), which finds about 99 of 100 neighbours.

        Returns
        -------
        pandas.DataFrame
            ``query_label``, ``reference_label``, ``distance``, ``rank`` (from 1), by query, then rank.
            Equal distances rank in row order.

        Raises
        ------
        ArgumentError, ArgumentTypeError
            ``k``, ``radius`` or ``label`` outside their domain, or an ``x`` of no known type.
        QueryError
            A query that cannot be answered: an unreadable picture, an unknown id, a vector with NaN or
            of the wrong length, no query at all. Nothing is answered in part.
        """
        k, radius = arguments.optional_k(k), arguments.optional_radius(radius)
        vectors = resolve(self, x)
        labels = query_labels(x, label, len(vectors))
        if k is None and radius is not None:
            rows, found, distances = self.searcher.within(vectors, radius)
        else:
            wanted = len(self) if k is None else min(k, len(self))
            nearest = self.searcher.nearest(vectors, wanted, self.graph.neighbors, exact)
            rows, found, distances = edges_within(*nearest, radius=radius)
        return query_frame(labels[rows], self._ids[found], distances, rows)

    def similarity_graph(
        self,
        k: int | None = 5,
        radius: float | None = None,
        include_self_edges: bool = False,
        output: str = "edges",
        method: str | None = None,
    ) -> Any:
        """The neighbours of every reference image.

        Parameters
        ----------
        k, radius
            As in `query`. Up to the ``k`` of `create` edges come from the stored graph, beyond it they
            are searched for.
        include_self_edges : bool
            Each image is then its own first neighbour, one of the ``k``.
        output : str
            ``"edges"``: DataFrame src_id, dst_id, distance, rank. ``"table"``: the columns of `query`.
            ``"networkx"``: DiGraph with ``path`` and ``label`` on nodes, ``distance`` and ``rank`` on
            edges. ``"sparse"``: scipy CSR matrix (n, n) of distances in row order (stored zeros are
            edges too).
        method : str, optional
            Search anew by another method than the stored graph's (`imgsim.neighbors.graph.build_graph`).

        Raises
        ------
        ArgumentError, ArgumentTypeError
            An argument outside its domain.
        """
        k, radius = arguments.optional_k(k), arguments.optional_radius(radius)
        if k is None and radius is not None:
            rows, found, distances = self.searcher.within(self.embeddings, radius, np.arange(len(self)))
        else:
            others = len(self) - 1 if k is None else min(k, len(self)) - include_self_edges
            graph = self._graph_of(others, method)
            rows, found, distances = edges_within(graph.neighbors, graph.distances, radius=radius)
        return graph_output(self, rows, found, distances, include_self_edges, output)

    def _graph_of(self, k: int, method: str | None = None) -> NeighborGraph:
        k, stored = min(k, len(self) - 1), self.graph.method
        wanted = stored if method is None else resolve_method(method, len(self))
        if k <= self.graph.k and wanted == stored:
            return self.graph.cut(k)
        return build_graph(self.embeddings, k, wanted)

    def evaluate(self, k: int = 10, background: Sequence[str] = BACKGROUND) -> Evaluation:
        """Recall of the graph; precision, mAP and 1-NN accuracy on labels (`imgsim.evaluation.evaluate`).

        The result is kept as ``.evaluation`` and saved with the model.
        """
        k = arguments.positive_int(k, "k")
        graph = self._graph_of(k) if len(self) > 1 else self.graph
        self.evaluation = evaluate_graph(self.embeddings, graph, self._images.labels, k, background)
        return self.evaluation

    def insight(self, name: str, **params: Any) -> Insight:
        """What is known about the images: ``"duplicates"``, ``"outliers"``, ... (`imgsim.insights.NAMES`).

        The carried one, unless ``params`` are given; else it is computed, kept in ``.insights`` and saved
        with the model.

        Raises
        ------
        ArgumentError
            An unknown name or parameter.
        """
        from imgsim.insights.compute import compute

        if params or name not in self.insights:
            compute(self, [name], params=params)
        return self.insights[name]

    @property
    def thumbnail_source(self) -> Thumbnails | None:
        """Where thumbnails come from: sha256 of files to JPEG bytes or None."""
        return self._thumbnails

    def thumbnails(self, positions: Sequence[int]) -> list[bytes | None]:
        """JPEG bytes of rows' thumbnails (longest side 160 pixels), None where there is none."""
        if self._thumbnails is None:
            return [None] * len(positions)
        return self._thumbnails([self._images.sha256[i] for i in positions])

    def add(
        self, images: ImageTable | str | Path, store: FeatureStore | None = None, progress: bool = False
    ) -> SimilarityModel:
        """Append images, in place; the projection is kept, the graph is extended. Returns the model.

        The extension is exact up to 200,000 images; above, new images meet those of the cells nearest to them
        (`imgsim.neighbors.graph_update`). New images are called by the next free whole numbers, or by the ``label``
        column of `create`.
        """
        from imgsim.references.update import add_images

        add_images(self, images, store, progress)
        return self

    def remove(self, ids: Any) -> SimilarityModel:
        """Remove images by id, in place; rows that lose neighbours are searched again. Returns the model."""
        from imgsim.references.update import remove_ids

        remove_ids(self, ids)
        return self

    def summary(self, output: str = "print") -> Any:
        """``"print"`` to stdout, ``"str"``, or ``"dict"``: what the model is and how good it is."""
        from imgsim.references.summary import summarize

        return summarize(self, output)

    def save(self, path: str | Path, overwrite: bool = False) -> None:
        """Write a folder that `load_model` reads; see `imgsim.references.folder`."""
        from imgsim.references.folder import save_model

        save_model(self, Path(path), overwrite)

    def export_coreml(self, path: str | Path, **options: Any) -> CoreMLExport:
        """Write a Core ML model that gives the distances of `query` on a phone, verified before it appears.

        ``options`` are those of `imgsim.coreml.export_coreml`: ``outputs``, ``k``, ``precision``,
        ``compress``, ``minimum_target``, ``verify``, ``overwrite`` and more.
        """
        from imgsim.coreml.export.export import export_coreml

        return export_coreml(self, path, **options)

    def __repr__(self) -> str:
        return (
            f"<SimilarityModel: {len(self):,} images, {self.backbone.name}, {self.embeddings.shape[1]} dimensions, "
            f"{self.graph.k} neighbours by {self.graph.method}>"
        )

    def __str__(self) -> str:
        return str(self.summary("str"))

    def runtime(self) -> OnnxRuntime:
        """The network, ready to run; loaded on first use.

        Raises
        ------
        BackboneError
            The model holds no network.
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
        """Row positions of ids.

        Raises
        ------
        ArgumentError
            An id the model does not have.
        """
        try:
            return np.array([self._row_of_id[value] for value in values], np.int64)
        except (KeyError, TypeError) as error:
            raise ArgumentError(f"no reference image has the id {error}; see model.ids.") from None

    def has_id(self, value: Any) -> bool:
        """Whether a reference image is called that."""
        return value in self._row_of_id

    def row_of_content(self, sha256: str) -> int | None:
        """First row whose file has this content, if any."""
        return self._row_of_sha.get(sha256)
