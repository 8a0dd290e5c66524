"""The 10-nearest-neighbour graph: CPU seconds of a fresh process and recall, of our engines and of libraries.

First the collection's own 128-d embeddings, then the file that ``IMGSIM_BENCH_VECTORS`` names, then synthetic vectors,
as many as ``IMGSIM_BENCH_ROWS`` says. The seconds are those of the process, imports included, and of the search alone;
what ``pynndescent`` compiles is compiled before.
"""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from imgsim.features.embeddings import embed
from imgsim.io.vectors import Matrix, open_vectors, write_npy
from imgsim.neighbors.exact import exact_knn, true_distances
from imgsim.neighbors.graph import resolve_method
from tests.benchmarks import prepared
from tests.benchmarks.child import clean_environment, one_thread
from tests.benchmarks.engines import OTHERS, OURS, Found, K
from tests.benchmarks.measure import run_python
from tests.benchmarks.partitioned import synthetic
from tests.benchmarks.settings import Row, Settings

CEILING_CPU_S = 1.0
FLOOR_RECALL = 0.98
SAMPLE = 2000
EXACT_UP_TO = 60_000
_ALL_ROWS = ("exact", "faiss flat", "scikit-learn")
"""Engines that compare all rows: left out above `EXACT_UP_TO`."""


def measure(settings: Settings) -> list[Row]:
    """A row per engine and set of vectors."""
    own = settings.work / "graph-own.npy"
    write_npy(embed(prepared.features(settings, prepared.network(settings)).matrix).matrix, own)
    rows = _of_file(settings, own, settings.images.name)
    if settings.reference:
        ours = next(row for row in rows if str(row["what"]).startswith("auto"))
        ours |= {"ceiling_cpu_s": CEILING_CPU_S, f"floor_recall_at_{K}": FLOOR_RECALL}
    if given := os.environ.get("IMGSIM_BENCH_VECTORS"):
        rows += _of_file(settings, Path(given), Path(given).name)
    for n in (int(text) for text in os.environ.get("IMGSIM_BENCH_ROWS", "").split()):
        path = settings.work / "graph-synthetic.npy"
        synthetic(path, n)
        rows += _of_file(settings, path, "synthetic")
    return rows


def _of_file(settings: Settings, path: Path, name: str) -> list[Row]:
    matrix = np.array(open_vectors(path))
    sampled = np.sort(np.random.default_rng(0).choice(len(matrix), min(SAMPLE, len(matrix)), replace=False))
    limit = exact_knn(matrix[sampled], matrix, K, exclude=sampled)[1][:, -1:]
    environment = one_thread(clean_environment(settings.home))
    rows: list[Row] = []
    for engine in (*OURS, *(engine for engine, (library, _) in OTHERS.items() if find_spec(library))):
        if len(matrix) > EXACT_UP_TO and engine in _ALL_ROWS:
            continue
        output = settings.work / "graph-found.npz"
        arguments = ["-m", "tests.benchmarks.engines", str(path), engine, str(output)]
        if engine == "pynndescent":
            run_python(arguments, environment)
        cost = run_python(arguments, environment).cost
        made = np.load(output)
        auto = f" ({resolve_method(engine, len(matrix))})" if engine == "auto" else ""
        rows.append(
            {
                "what": f"{engine}{auto}",
                "vectors": name,
                "rows": len(matrix),
                "dimensions": int(matrix.shape[1]),
                "cpu_s": cost.cpu,
                "search_cpu_s": float(made["search_cpu_s"]),
                "wall_s": cost.wall,
                f"recall_at_{K}": _recall(matrix, sampled, limit, made["found"]),
            }
        )
    return rows


def _recall(matrix: Matrix, rows: Found, limit: Matrix, found: Found) -> float:
    """Share of the true nearest of the sampled rows that are found; equal distances count."""
    return float((true_distances(matrix[rows], matrix, found[rows]) <= limit).mean())
