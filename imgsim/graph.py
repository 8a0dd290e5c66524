"""The k-nearest-neighbour graph and its invariants."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from imgsim import arrow, checks, schema
from imgsim.errors import ArgumentError, ModelFormatError
from imgsim.exact import exact_knn

METHODS = ("auto", "exact", "nn_descent")
EXACT_BELOW = 8192
"""Rows from which ``auto`` means NN-Descent: where at recall .99 it overtakes exact search once compiled."""


@dataclass(frozen=True)
class NeighborGraph:
    """Directed k-NN graph: each row's nearest other rows.

    ``neighbors`` is (n, k) int32 row positions, ``distances`` (n, k) float32 euclidean, nearest first,
    ties by position. ``method`` is ``"exact"`` or ``"nn_descent"``, ``seconds`` the wall time of the
    build (not saved: 0 when loaded).
    """

    neighbors: NDArray[np.int32]
    distances: NDArray[np.float32]
    method: str
    seconds: float = 0.0

    @property
    def k(self) -> int:
        """Neighbours per row."""
        return int(self.neighbors.shape[1])

    def __len__(self) -> int:
        return len(self.neighbors)

    @property
    def digest(self) -> str:
        """Hexadecimal sha256 of ids and distances."""
        content = hashlib.sha256(self.method.encode())
        content.update(self.neighbors.tobytes())
        content.update(self.distances.tobytes())
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
        """The same graph with only the first ``k`` neighbours."""
        return NeighborGraph(self.neighbors[:, :k], self.distances[:, :k], self.method, self.seconds)

    def save(self, folder: Path) -> None:
        """Write ``neighbors.parquet`` into ``folder``."""
        folder.mkdir(parents=True, exist_ok=True)
        metadata = {"imgsim.method": self.method}
        if self.k == 0:  # a single image: Parquet has no lists of length 0
            arrow.write_parquet(schema.neighbors(1).with_metadata(metadata).empty_table(), folder / "neighbors.parquet")
            return
        columns = [arrow.fixed_size_list(self.neighbors), arrow.fixed_size_list(self.distances)]
        table = pa.table(columns, schema=schema.neighbors(self.k).with_metadata(metadata))
        arrow.write_parquet(table, folder / "neighbors.parquet")

    @classmethod
    def load(cls, folder: Path) -> NeighborGraph:
        """Read what `save` wrote."""
        table = arrow.read_parquet(folder / "neighbors.parquet")
        metadata: dict[bytes, Any] = table.schema.metadata or {}
        try:
            method = metadata[b"imgsim.method"].decode()
            neighbors, distances = table.column("neighbors"), table.column("distances")
        except (KeyError, ValueError) as error:
            raise ModelFormatError(f"{folder / 'neighbors.parquet'} is not a neighbour graph: {error}") from error
        if not (arrow.is_matrix(neighbors, pa.int32()) and arrow.is_matrix(distances, pa.float32())):
            raise ModelFormatError(f"{folder / 'neighbors.parquet'} is not a neighbour graph: wrong types.")
        if len(table) == 0:
            return cls(np.empty((1, 0), np.int32), np.empty((1, 0), np.float32), method)
        graph = cls(arrow.matrix(neighbors), arrow.matrix(distances), method)
        graph.check()
        return graph


def build_graph(
    matrix: NDArray[np.float32], k: int = 10, method: str = "auto", seed: int = 0, progress: bool = False
) -> NeighborGraph:
    """Find each row's ``k`` nearest other rows by euclidean distance.

    Parameters
    ----------
    matrix : (n, d) float32
    k : int
        Neighbours per row; cut to n - 1.
    method : str
        ``"exact"``, ``"nn_descent"``, or ``"auto"``: exact below 8,192 rows, NN-Descent from there on.
    seed : int
        For NN-Descent; equal seeds give equal graphs.
    progress : bool
        Say on stderr what is being done when it takes long.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        ``k`` or ``method`` outside their domain, or values that are not finite.
    """
    k = checks.positive_int(k, "k")
    chosen = resolve_method(method, len(matrix))
    if not np.isfinite(matrix).all():
        raise ArgumentError("vectors must be finite: NaN or infinity has no neighbours.")
    k = min(k, len(matrix) - 1)
    start = time.perf_counter()
    if k < 1:
        ids, distances = np.empty((len(matrix), 0), np.int32), np.empty((len(matrix), 0), np.float32)
    elif chosen == "exact":
        ids, distances = exact_knn(matrix, matrix, k, exclude=np.arange(len(matrix)))
    else:
        from imgsim.nndescent import nn_descent_knn
        from imgsim.progress import status

        with status("neighbour graph: compiling NN-Descent (once per process), then searching", progress):
            ids, distances = nn_descent_knn(matrix, k, seed)
    return NeighborGraph(ids, distances, chosen, time.perf_counter() - start)


def resolve_method(method: str, n: int) -> str:
    """``"exact"`` or ``"nn_descent"`` for ``n`` rows."""
    if method not in METHODS:
        raise ArgumentError(f"method must be one of {', '.join(METHODS)}, not {method!r}.")
    if method != "auto":
        return method
    return "exact" if n < EXACT_BELOW else "nn_descent"
