"""A large model: queries in its cells beside exact ones, and growing by one per cent beside building anew.

Synthetic vectors of `tests.benchmarks.partitioned`; ``IMGSIM_BENCH_ROWS`` names other numbers of them, of which the
last counts.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from imgsim.evaluation import recall
from imgsim.io.vectors import Matrix, open_vectors
from imgsim.neighbors.exact import Ids, exact_knn, longest_squared
from imgsim.neighbors.graph import NeighborGraph, build_graph
from imgsim.neighbors.graph_update import extended_graph_in_cells
from imgsim.neighbors.ivf import InvertedFile
from tests.benchmarks.measure import percentiles_ms, timed
from tests.benchmarks.partitioned import synthetic
from tests.benchmarks.settings import Row, Settings

K, SAMPLE = 10, 2000
ROWS, QUERIES, EXACT_QUERIES = 1_000_000, 500, 50
MORE = 0.01
FLOOR_RECALL = 0.99
CEILING_P50_MS = 1.0


def measure(settings: Settings) -> list[Row]:
    """Rows: the build, exact and approximate queries by new vectors, growth by 1 % and the same rows built anew."""
    n = int(os.environ.get("IMGSIM_BENCH_ROWS", str(ROWS)).split()[-1])
    path, more = settings.work / "large.npy", int(n * MORE)
    synthetic(path, n + more + QUERIES)
    everything = np.array(open_vectors(path))
    path.unlink()
    rng = np.random.default_rng(0)
    rng.shuffle(everything)
    queries, matrix = everything[:QUERIES], everything[QUERIES:]

    def built(rows: Matrix) -> tuple[NeighborGraph, Row]:
        graph, cost = timed(lambda: build_graph(rows, K, "partitioned", folder=settings.work / "large"))
        found = recall(rows, graph, K, SAMPLE)["recall_at_10"]
        return graph, {"rows": len(rows), "cpu_s": cost.cpu, "wall_s": cost.wall, "recall_at_10": found}

    built(matrix[:3000])  # compiles
    graph, first = built(matrix[:n])
    cells, spreading = timed(lambda: InvertedFile.build(matrix[:n]))
    grown, growing = timed(lambda: extended_graph_in_cells(graph, matrix, cells)[0])
    anew, second = built(matrix)
    growth: Row = {"rows": len(matrix), "cpu_s": growing.cpu, "wall_s": growing.wall}
    growth["recall_at_10"] = recall(matrix, grown, K, SAMPLE)["recall_at_10"]
    growth["recall_of_new"] = _recall(matrix, grown.neighbors[n:], np.arange(n, n + more))
    second["recall_of_new"] = _recall(matrix, anew.neighbors[n:], np.arange(n, n + more))
    return [
        {"what": "built, partitioned", **first},
        {"what": "cells, once", "rows": n, "cpu_s": spreading.cpu, "wall_s": spreading.wall},
        *_asked(matrix[:n], cells, queries),
        {"what": f"grown by {MORE:.0%}", **growth},
        {"what": "the same rows built anew", **second},
    ]


def _asked(matrix: Matrix, cells: InvertedFile, queries: Matrix) -> list[Row]:
    longest = longest_squared(matrix)
    true, _ = exact_knn(queries, matrix, K, longest=longest)
    exact, _ = _one_by_one(lambda one: exact_knn(one, matrix, K, longest=longest)[0], queries[:EXACT_QUERIES])
    probed, found = _one_by_one(lambda one: cells.search(one, matrix, K)[0], queries)
    return [
        {"what": "one new vector, exact", "rows": len(matrix), **exact, "recall_at_10": 1.0},
        {
            "what": f"one new vector, {cells.probes} of {len(cells.centroids):,} cells",
            "rows": len(matrix),
            **probed,
            "recall_at_10": _shared(found, true),
            "floor_recall_at_10": FLOOR_RECALL,
            "ceiling_p50_ms": CEILING_P50_MS,
        },
    ]


def _one_by_one(ask: Callable[[Matrix], Ids], queries: Matrix) -> tuple[Row, Ids]:
    ask(queries[:1])
    found, seconds, cpu = [], [], time.process_time()
    for i in range(len(queries)):
        start = time.perf_counter()
        found.append(ask(queries[i : i + 1])[0])
        seconds.append(time.perf_counter() - start)
    cpu = time.process_time() - cpu
    return {**percentiles_ms(seconds), "cpu_ms": 1000 * cpu / len(queries)}, np.stack(found)


def _recall(matrix: Matrix, listed: Ids, rows: NDArray[np.int64]) -> float:
    """Share of the true neighbours of up to `SAMPLE` of these rows that are listed for them."""
    chosen = np.random.default_rng(0).permutation(len(rows))[:SAMPLE]
    true, _ = exact_knn(matrix[rows[chosen]], matrix, K, exclude=rows[chosen])
    return _shared(listed[chosen], true)


def _shared(found: Ids, true: Ids) -> float:
    return float((found[:, :, None] == true[:, None, :]).any(axis=1).mean())
