"""Engines that find the 10 nearest others of every row: ours, and libraries beside them.

``python -m tests.benchmarks.engines VECTORS ENGINE OUTPUT`` runs one, so that each is measured in a process of its own.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from imgsim.io.vectors import Matrix, open_vectors

K = 10
OURS = ("exact", "auto", "nn_descent", "partitioned", "pynndescent")
Found = NDArray[np.integer]


def _faiss_flat(matrix: Matrix) -> Found:
    import faiss

    return np.asarray(faiss.knn(matrix, matrix, K + 1)[1])


def _faiss_ivf(matrix: Matrix) -> Found:
    import faiss

    cells = round(2 * len(matrix) ** 0.5)
    index = faiss.IndexIVFFlat(faiss.IndexFlatL2(matrix.shape[1]), matrix.shape[1], cells)
    index.train(matrix)
    index.add(matrix)
    index.nprobe = 32
    return np.asarray(index.search(matrix, K + 1)[1])


def _faiss_hnsw(matrix: Matrix) -> Found:
    import faiss

    index = faiss.IndexHNSWFlat(matrix.shape[1], 16)
    index.add(matrix)
    index.hnsw.efSearch = 64
    return np.asarray(index.search(matrix, K + 1)[1])


def _hnswlib(matrix: Matrix) -> Found:
    import hnswlib

    index = hnswlib.Index("l2", matrix.shape[1])
    index.init_index(len(matrix), ef_construction=100, M=16)
    index.add_items(matrix, num_threads=1)
    index.set_ef(64)
    return np.asarray(index.knn_query(matrix, K + 1, num_threads=1)[0]).astype(np.int64)


def _sklearn(matrix: Matrix) -> Found:
    from sklearn.neighbors import NearestNeighbors

    return np.asarray(NearestNeighbors(n_neighbors=K).fit(matrix).kneighbors(return_distance=False))


OTHERS: dict[str, tuple[str, Callable[[Matrix], Found]]] = {
    "faiss flat": ("faiss", _faiss_flat),
    "faiss IVF, nprobe 32": ("faiss", _faiss_ivf),
    "faiss HNSW, M 16": ("faiss", _faiss_hnsw),
    "hnswlib, M 16": ("hnswlib", _hnswlib),
    "scikit-learn": ("sklearn", _sklearn),
}
"""The library that each needs, and what it does."""


def others(found: Found) -> Found:
    """Lists without the row itself, (n, K); -1 where there are fewer."""
    itself = np.arange(len(found))[:, None]
    order = np.argsort(found == itself, axis=1, kind="stable")[:, :K]
    kept = np.take_along_axis(found, order, axis=1)
    return np.where(kept == itself, -1, kept)


def main(vectors: str, engine: str, output: str) -> None:
    """Run one engine and write the ids that it found, and its CPU seconds without imports of ours."""
    matrix = np.array(open_vectors(Path(vectors)))
    start = time.process_time()
    if engine in OURS:
        from imgsim.neighbors.graph import build_graph

        found: Found = build_graph(matrix, K, engine).neighbors
    else:
        found = others(OTHERS[engine][1](matrix))
    np.savez(output, found=found, search_cpu_s=time.process_time() - start)


if __name__ == "__main__":
    main(*sys.argv[1:])
