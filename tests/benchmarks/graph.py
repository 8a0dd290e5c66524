"""The 10-nearest-neighbour graph of the collection's 128-d embeddings: CPU seconds and recall, exact and NN-Descent."""

from __future__ import annotations

from imgsim.evaluation import recall
from imgsim.features.embeddings import embed
from imgsim.neighbors.graph import build_graph, resolve_method
from tests.benchmarks import prepared
from tests.benchmarks.measure import repeated, timed
from tests.benchmarks.settings import Row, Settings

K = 10
FLOOR_CPU_S = 0.6
FLOOR_RECALL = 0.98
EXACT_UP_TO = 60_000


def measure(settings: Settings) -> list[Row]:
    """A row per method; ``compile_cpu_s`` (imports too) is what a process's first graph costs beyond later ones."""
    matrix = embed(prepared.features(settings, prepared.network(settings)).matrix).matrix
    auto = resolve_method("auto", len(matrix))
    rows: list[Row] = []
    for method in ("exact", "nn_descent"):
        if method == "exact" and len(matrix) > EXACT_UP_TO:
            continue
        graph, first = timed(lambda: build_graph(matrix, K, method))  # noqa: B023  called at once
        warm = repeated(lambda: build_graph(matrix, K, method))  # noqa: B023
        kept = min(K, graph.k)
        row: Row = {
            "what": f"{method} (auto)" if method == auto else method,
            "rows": len(matrix),
            "dimensions": int(matrix.shape[1]),
            "cpu_s": warm.cpu,
            "wall_s": warm.wall,
            "compile_cpu_s": max(0.0, first.cpu - warm.cpu),
            f"recall_at_{K}": recall(matrix, graph, kept)[f"recall_at_{kept}"],
        }
        floors: Row = {"floor_cpu_s": FLOOR_CPU_S, f"floor_recall_at_{K}": FLOOR_RECALL}
        rows.append(row | floors if settings.reference else row)
    return rows
