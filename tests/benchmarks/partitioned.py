"""The partitioned graph: recall and CPU beside one NN-Descent, growth with the number of rows, peak memory.

The collection's own vectors, then synthetic ones in a memory-mapped file; each in a process of its own, so that its
peak of memory is its own. ``IMGSIM_BENCH_VECTORS`` may name an ``.npy`` or ``.arrow`` file to measure too, and
``IMGSIM_BENCH_ROWS`` the synthetic sizes.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import numpy as np

from imgsim.evaluation import recall
from imgsim.features.embeddings import embed
from imgsim.io.vectors import open_vectors, write_npy
from imgsim.neighbors.graph import build_graph
from imgsim.neighbors.partitioned.pipeline import build_shards, prepare
from imgsim.neighbors.partitioned.plan import Partitioning
from imgsim.workers import InProcess
from tests.benchmarks import prepared
from tests.benchmarks.child import clean_environment, one_thread
from tests.benchmarks.measure import peak_memory_mb, run_python, timed
from tests.benchmarks.settings import Row, Settings

K = 10
ROWS = (125_000, 1_000_000)
DIMENSIONS, SUBSPACES, INNER, PER_CLUSTER = 128, 32, 16, 500
CELLS, OVERLAP = 16, 3
FLOOR_RECALL = 0.99
CEILING_EXPONENT, CEILING_MB = 1.15, 4000
GLOBAL_UP_TO = 250_000


def measure(settings: Settings) -> list[Row]:
    """Rows: the collection in 16 cells, a file of the user's, synthetic sets that grow, the exponent of their time."""
    own = settings.work / "own.npy"
    write_npy(embed(prepared.features(settings, prepared.network(settings)).matrix).matrix, own)
    count = len(open_vectors(own))
    cells = Partitioning(size=-(-OVERLAP * count // CELLS), overlap=OVERLAP)
    rows = _both(settings, own, settings.images.name, cells)
    if settings.reference:
        rows[-1]["floor_recall_at_10"] = FLOOR_RECALL
    if given := os.environ.get("IMGSIM_BENCH_VECTORS"):
        rows += _both(settings, Path(given), Path(given).name, Partitioning())
    sizes = [int(text) for text in os.environ.get("IMGSIM_BENCH_ROWS", "").split()] or list(ROWS)
    made = []
    for n in sizes:
        synthetic(settings.work / "synthetic.npy", n)
        made += _child(settings, settings.work / "synthetic.npy", "synthetic", "partitioned", Partitioning())
        made[-1]["ceiling_peak_mb"] = CEILING_MB
    if len(made) > 1:
        spent = [float(row["cpu_s"]) for row in made]
        exponent = float(np.polyfit(np.log(sizes), np.log(spent), 1)[0])
        made.append({"what": "exponent of time", "exponent": exponent, "ceiling_exponent": CEILING_EXPONENT})
    return rows + made


def _both(settings: Settings, path: Path, name: str, how: Partitioning) -> list[Row]:
    rows = []
    if len(open_vectors(path)) <= GLOBAL_UP_TO:
        rows += _child(settings, path, name, "nn_descent", how)
    rows += _child(settings, path, name, "partitioned", how)
    if len(rows) == 2:
        rows[1]["cpu_of_nn_descent"] = float(rows[1]["cpu_s"]) / float(rows[0]["cpu_s"])
    return rows


def _child(settings: Settings, path: Path, name: str, method: str, how: Partitioning) -> list[Row]:
    output = settings.work / "partitioned-row.json"
    environment = one_thread(clean_environment(settings.home))
    arguments = [str(path), name, method, str(how.size), str(how.overlap), str(output)]
    run_python(["-m", "tests.benchmarks.partitioned", *arguments], environment)
    rows: list[Row] = json.loads(output.read_text())
    return rows


def synthetic(path: Path, n: int) -> None:
    """Write (n, 128) unit vectors: clusters of 500 or so, each in one of 32 16-dimensional subspaces."""
    rng = np.random.default_rng(0)
    clusters = max(1, n // PER_CLUSTER)
    centres = rng.standard_normal((clusters, DIMENSIONS), np.float32)
    bases = rng.standard_normal((SUBSPACES, INNER, DIMENSIONS), np.float32) / 4
    out = np.lib.format.open_memmap(path, "w+", np.float32, (n, DIMENSIONS))
    for start in range(0, n, 50_000):
        cluster = rng.integers(clusters, size=min(50_000, n - start))
        block = centres[cluster]
        for subspace in range(SUBSPACES):
            inside = cluster % SUBSPACES == subspace
            block[inside] += rng.standard_normal((int(inside.sum()), INNER), np.float32) @ bases[subspace]
        out[start : start + len(block)] = block / np.linalg.norm(block, axis=1, keepdims=True)
    out.flush()


def _warm(path: Path, method: str, work: Path) -> None:
    """Compile what the method compiles."""
    few = np.array(open_vectors(path)[:3000])
    build_graph(few, K, method, partitioning=Partitioning(size=500), folder=work)


def one(path: Path, name: str, method: str, how: Partitioning, work: Path) -> Row:
    """Build once, compiled before, and tell cost, recall and peak."""
    _, compiling = timed(lambda: _warm(path, method, work))
    before = peak_memory_mb()
    row: Row = {"what": f"{name}: {method}", "rows": len(open_vectors(path))}
    if method == "partitioned":
        made = prepare(path, K, 0, how, work)
        facts, cost = timed(lambda: build_shards(made, InProcess()))
        row |= {"partitions": int(facts["partitions"]), "largest": int(facts["largest_partition"])}
        row["pairs_share"] = facts["pairs_share"]
        row |= {"predicted_recall": facts["predicted_recall"], "recall_at_10": facts["measured_recall"]}
    else:
        matrix = np.array(open_vectors(path))
        graph, cost = timed(lambda: build_graph(matrix, K, method))
        row["recall_at_10"] = recall(matrix, graph, K, 2000)["recall_at_10"]
    row |= {"cpu_s": cost.cpu, "wall_s": cost.wall, "compile_cpu_s": compiling.cpu}
    return row | {"peak_mb": peak_memory_mb() - before}


def main(path: str, name: str, method: str, size: str, overlap: str, output: str) -> None:
    """Measure one method on one file."""
    folder = Path(output).with_name("partitioned-work")
    row = one(Path(path), name, method, Partitioning(int(size), int(overlap)), folder)
    Path(output).write_text(json.dumps([row]))


if __name__ == "__main__":
    main(*sys.argv[1:])
