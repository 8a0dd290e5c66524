"""The k-NN graph: a class with its invariants and files, and `build_graph`, which picks the method."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from imgsim import arguments, schema
from imgsim.arguments import DEFAULT_K
from imgsim.errors import ModelFormatError
from imgsim.io import arrow
from imgsim.io.home import home
from imgsim.io.paths import absolute
from imgsim.io.vectors import as_vectors, open_vectors, refuse_values
from imgsim.neighbors.exact import exact_knn
from imgsim.neighbors.partitioned.plan import Partitioning
from imgsim.workers import InProcess, Workers

METHODS = ("auto", "exact", "nn_descent", "partitioned", "pynndescent")
EXACT_BELOW = 20_000
"""Rows from which ``auto`` is NN-Descent: it is faster than exact search at recall .99."""
_EXACT_SOME = 100_000
"""Rows up to which exact search for some rows costs less than NN-Descent for all, however many all are."""


@dataclass(frozen=True)
class NeighborGraph:
    """Directed k-NN graph: the k nearest other rows of each of n rows.

    ``neighbors`` is (n, k) int32 row positions, ``distances`` (n, k) float32 euclidean, nearest first,
    ties by position. ``method`` is one of `METHODS` other than ``"auto"``, ``seconds`` the
    wall time of the build (not saved: 0 when loaded). ``facts`` tells of a partitioned build:
    ``partitions``, ``largest_partition``, ``pairs_share``, ``predicted_recall``, ``measured_recall``.
    ``wanted`` is the k that was asked for, which few rows cannot have; 0 if it is not known.
    """

    neighbors: NDArray[np.int32]
    distances: NDArray[np.float32]
    method: str
    seconds: float = 0.0
    facts: dict[str, float] = field(default_factory=dict)
    wanted: int = 0

    @property
    def k(self) -> int:
        """Neighbours per row."""
        return int(self.neighbors.shape[1])

    def __len__(self) -> int:
        return len(self.neighbors)

    def k_of(self, n: int) -> int:
        """Return the neighbours per row that this graph gets when it has ``n`` rows."""
        return min(self.wanted or max(self.k, 1), n - 1)

    @property
    def digest(self) -> str:
        """Hexadecimal sha256 of ids and distances."""
        content = hashlib.sha256(self.method.encode())
        content.update(np.ascontiguousarray(self.neighbors).data)
        content.update(np.ascontiguousarray(self.distances).data)
        return content.hexdigest()

    def check(self) -> None:
        """Raise ModelFormatError unless every invariant holds.

        No row is its own neighbour or repeats one, ids lie in range, distances are finite, not
        negative and never decrease along a row.
        """
        n = len(self)
        ids, distances = self.neighbors, self.distances
        problems = {
            "shapes differ": ids.shape != distances.shape,
            "ids out of range": ids.size > 0 and not (ids.min() >= 0 and ids.max() < n),
            "a row is its own neighbour": bool((ids == np.arange(n)[:, None]).any()),
            "a neighbour is listed twice": bool((np.diff(np.sort(ids, axis=1), axis=1) == 0).any()),
            "distances not finite or negative": not (np.isfinite(distances).all() and (distances >= 0).all()),
            "distances not ascending": bool((np.diff(distances, axis=1) < 0).any()),
        }
        wrong = [name for name, found in problems.items() if found]
        if wrong:
            raise ModelFormatError(f"the neighbour graph is not valid: {'; '.join(wrong)}. Build it again.")

    def cut(self, k: int) -> NeighborGraph:
        """Return the graph with only the first ``k`` neighbours of each row."""
        return NeighborGraph(self.neighbors[:, :k], self.distances[:, :k], self.method, self.seconds, self.facts)

    def save(self, folder: Path) -> None:
        """Write ``neighbors.parquet`` into ``folder``."""
        folder.mkdir(parents=True, exist_ok=True)
        metadata = {"imgsim.method": self.method, "imgsim.wanted": str(self.wanted)}
        if self.facts:
            metadata["imgsim.facts"] = json.dumps(self.facts)
        if self.k == 0:  # a single image: Parquet has no lists of length 0
            arrow.write_parquet(schema.neighbors(1).with_metadata(metadata).empty_table(), folder / "neighbors.parquet")
            return
        columns = [arrow.fixed_size_list(self.neighbors), arrow.fixed_size_list(self.distances)]
        table = pa.table(columns, schema=schema.neighbors(self.k).with_metadata(metadata))
        arrow.write_parquet(table, folder / "neighbors.parquet")

    @classmethod
    def load(cls, folder: Path) -> NeighborGraph:
        """Read what `save` wrote.

        Raises
        ------
        ModelFormatError
            The file is missing, damaged, or breaks an invariant (`check`).
        """
        folder = arguments.path(folder, "folder")
        table = arrow.read_parquet(folder / "neighbors.parquet")
        metadata: dict[bytes, Any] = table.schema.metadata or {}
        try:
            method = metadata[b"imgsim.method"].decode()
            facts = {
                str(name): float(value) for name, value in json.loads(metadata.get(b"imgsim.facts", b"{}")).items()
            }
            wanted = int(metadata.get(b"imgsim.wanted", b"0"))
            neighbors, distances = table.column("neighbors"), table.column("distances")
        except (KeyError, ValueError, TypeError, AttributeError, RecursionError, OverflowError) as error:
            raise ModelFormatError(f"{folder / 'neighbors.parquet'} is not a neighbour graph: {error}") from error
        if not (arrow.is_matrix(neighbors, pa.int32()) and arrow.is_matrix(distances, pa.float32())):
            raise ModelFormatError(f"{folder / 'neighbors.parquet'} is not a neighbour graph: wrong types.")
        n, k = (1, 0) if len(table) == 0 else (len(table), neighbors.type.list_size)
        wanted = wanted if wanted > 0 else k if k < n - 1 else max(k, DEFAULT_K)  # 0: saved by version 0.1
        if len(table) == 0:
            return cls(np.empty((1, 0), np.int32), np.empty((1, 0), np.float32), method, wanted=wanted)
        graph = cls(arrow.matrix(neighbors), arrow.matrix(distances), method, facts=facts, wanted=wanted)
        graph.check()
        return graph


def build_graph(
    matrix: NDArray[np.float32] | str | Path,
    k: int = DEFAULT_K,
    method: str = "auto",
    seed: int = 0,
    progress: bool = False,
    *,
    partitioning: Partitioning | None = None,
    workers: Workers | None = None,
    folder: str | Path | None = None,
    keep: bool = False,
) -> NeighborGraph:
    """Find each row's ``k`` nearest other rows by euclidean distance.

    Parameters
    ----------
    matrix : (n, d) float32, or the path of an ``.arrow`` or ``.npy`` file with it
        A file is memory-mapped, and ``"partitioned"`` never holds all of it.
    k : int
        Neighbours per row; cut to n - 1.
    method : str
        ``"exact"``, ``"nn_descent"``, ``"partitioned"`` (overlapping partitions, for more rows than one process or
        machine can handle; resumable), ``"pynndescent"`` (that library, which compiles for most of a minute before its
        first graph, for comparison), or ``"auto"``: exact below 20,000 rows, NN-Descent from there on.
    seed : int
        Of NN-Descent and of the partitions; equal seeds give equal graphs.
    progress : bool
        Show progress on stderr when the build takes long.
    partitioning : Partitioning, optional
        Size and overlap of partitions.
    workers : Workers, optional
        Run the pieces of a partitioned graph (`imgsim.workers`); default: this process. The graph is the same
        whichever run it.
    folder : path, optional
        Holds the shards of a partitioned graph, from which a killed build goes on; all workers must see it.
        Default: ``$IMGSIM_HOME/graphs``.
    keep : bool
        Leave the shards and their manifest there when the graph is done.

    Returns
    -------
    NeighborGraph

    Raises
    ------
    ArgumentError, ArgumentTypeError
        ``k`` or ``method`` outside their domain, or values that are not finite.
    WorkersError, ShardError
        A partitioned build could not be finished; the next call goes on from its shards.
    """
    k = arguments.positive_int(k, "k")
    arguments.optional_workers(workers)
    seed = arguments.seed(seed)
    given = absolute(matrix) if isinstance(matrix, (str, Path)) else as_vectors(matrix, "vectors")
    vectors = open_vectors(given) if isinstance(given, Path) else given
    chosen = resolve_method(method, len(vectors))
    if chosen != "partitioned" and isinstance(given, Path):
        refuse_values(vectors, "vectors")
    wanted, k = k, min(k, len(vectors) - 1)
    start = time.perf_counter()
    if k < 1:
        none = np.empty((len(vectors), 0), np.int32), np.empty((len(vectors), 0), np.float32)
        return NeighborGraph(*none, chosen, wanted=wanted)
    if chosen == "partitioned":
        from imgsim.neighbors.partitioned.pipeline import partitioned_knn

        pieces = home() / "graphs" if folder is None else absolute(folder, "folder")
        plan, by = partitioning or Partitioning(), workers or InProcess()
        ids, distances, facts = partitioned_knn(given, k, seed, plan, by, pieces, keep, progress)
        return NeighborGraph(ids, distances, chosen, time.perf_counter() - start, facts, wanted)
    ids, distances = _search_all(vectors, k, chosen, seed, progress)
    return NeighborGraph(ids, distances, chosen, time.perf_counter() - start, wanted=wanted)


def knn_of_rows(
    matrix: NDArray[np.float32], rows: NDArray[np.int64], k: int, method: str
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Find the k nearest other rows of some rows: exactly up to 100,000 of them, else by a graph of all rows.

    Parameters
    ----------
    matrix : (n, d) float32
    rows : (m,) int64
        Positions in ``matrix``.
    k : int
        1 <= k <= n - 1.
    method : str
        Of the graph; ``"exact"`` is exact for any number of rows.

    Returns
    -------
    ids : (m, k) int32 row positions
    distances : (m, k) float32
    """
    if len(rows) <= _EXACT_SOME or method == "exact":
        return exact_knn(np.ascontiguousarray(matrix[rows]), matrix, k, exclude=rows)
    graph = build_graph(matrix, k, method)
    return graph.neighbors[rows], graph.distances[rows]


def _search_all(
    vectors: NDArray[np.float32], k: int, method: str, seed: int, progress: bool
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Search the neighbours of all rows in this process; return ids and distances, (n, k)."""
    if method == "exact":
        return exact_knn(vectors, vectors, k, exclude=np.arange(len(vectors)))
    if method == "nn_descent":
        from imgsim.neighbors.nndescent import nn_descent_knn

        return nn_descent_knn(vectors, k, seed)
    from imgsim.neighbors.pynndescent_knn import pynndescent_knn
    from imgsim.progress import status

    with status("neighbour graph: compiling pynndescent (once per process), then searching", progress):
        return pynndescent_knn(vectors, k, seed)


def resolve_method(method: str, n: int) -> str:
    """Return the method for ``n`` rows: the one that is given, or what ``"auto"`` stands for.

    Raises
    ------
    ArgumentError
        An unknown method.
    """
    if arguments.one_of(method, METHODS, "method") != "auto":
        return method
    return "exact" if n < EXACT_BELOW else "nn_descent"
