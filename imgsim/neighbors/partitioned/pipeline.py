"""The stages of a partitioned k-NN graph in order, run by any workers; stored shards are not computed again."""

from __future__ import annotations

import hashlib
import logging
import shutil
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

import numpy as np

from imgsim.errors import ShardError
from imgsim.io.atomic import exists
from imgsim.io.vectors import BLOCK_ROWS, Matrix, open_vectors, refuse_values, write_npy
from imgsim.neighbors.exact import Ids
from imgsim.neighbors.partitioned.assign import assign
from imgsim.neighbors.partitioned.centroids import centroids
from imgsim.neighbors.partitioned.leaf_graph import leaf_graph
from imgsim.neighbors.partitioned.leaves import leaf_sizes, leaves
from imgsim.neighbors.partitioned.manifest import manifest
from imgsim.neighbors.partitioned.merge import merge
from imgsim.neighbors.partitioned.plan import Partitioning
from imgsim.neighbors.partitioned.recall import ground_truth, measured_recall, predicted_recall
from imgsim.neighbors.partitioned.refine import finish, refine
from imgsim.neighbors.partitioned.reverse import reverse
from imgsim.neighbors.partitioned.shards import ShardRecord, Work, close_all
from imgsim.neighbors.partitioned.split import oversized_cells, split
from imgsim.progress import tell, track
from imgsim.workers import Workers

ATTEMPTS = 3
"""Attempts to rebuild damaged shards; if they are damaged again each time, it is an error."""
Facts = dict[str, float]
logger = logging.getLogger(__name__)


def prepare(vectors: Matrix | Path, k: int, seed: int, partitioning: Partitioning, folder: Path) -> Work:
    """Set up the work on (n, d) vectors, in a folder below ``folder`` named after the vectors' content and the plan.

    An array is written there once; a file is read where it lies.

    Raises
    ------
    ArgumentError
        Vectors that are not finite, or a partitioning outside its domain.
    """
    matrix = open_vectors(vectors) if isinstance(vectors, Path) else vectors
    sha256 = hashlib.sha256(f"{matrix.shape}".encode())
    for start in range(0, len(matrix), BLOCK_ROWS):
        block = np.ascontiguousarray(matrix[start : start + BLOCK_ROWS])
        refuse_values(block, "vectors")
        sha256.update(block.data)
    plan = partitioning.plan(len(matrix), matrix.shape[1], k, seed)
    made = folder.absolute() / plan.digest(sha256.hexdigest())
    if isinstance(vectors, Path):
        return Work(vectors.absolute(), made, plan)
    if not exists(made / "vectors.npy"):
        write_npy(matrix, made / "vectors.npy")
    return Work(made / "vectors.npy", made, plan)


def build_shards(work: Work, workers: Workers, progress: bool = False) -> Facts:
    """Run all stages whose shards are missing, and report on the graph.

    Returns
    -------
    dict
        ``partitions``, ``largest_partition`` (rows), ``pairs_share`` (share of all pairs of rows that were compared),
        ``predicted_recall`` (before refinement), ``measured_recall``.

    Raises
    ------
    ShardError
        A shard was damaged in every attempt, or cannot be written.
    WorkersError
        The workers were lost.
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return _run_stages(work, workers, progress)
        except ShardError as error:
            if attempt == ATTEMPTS:
                raise
            logger.warning("%s", error)
    raise AssertionError("unreachable")


def _run_stages(work: Work, workers: Workers, progress: bool) -> Facts:
    shards, records = range(work.plan.shards), list[ShardRecord]()

    def run(function: Callable[[Work, int], ShardRecord], indices: Iterable[int]) -> None:
        indices = list(indices)
        done = workers.map(partial(function, work), indices)
        records.extend(track(done, f"neighbour graph: {function.__name__}", len(indices), progress))

    run(centroids, [0])
    run(assign, shards)
    run(split, oversized_cells(work))
    run(leaves, shards)
    run(ground_truth, shards)
    sizes = leaf_sizes(work)
    predicted = predicted_recall(work)
    _tell(f"{len(sizes)} partitions of up to {sizes.max():,} rows: recall {predicted:.3f} before refinement", progress)
    run(leaf_graph, np.argsort(-sizes, kind="stable").tolist())  # largest first: no worker waits for it at the end
    run(merge, shards)
    for iteration in range(work.plan.rounds):
        indices = [iteration * work.plan.shards + shard for shard in shards]
        run(reverse, indices)
        run(refine, indices)
    run(finish, shards)
    manifest(work, records)
    measured = measured_recall(work)
    _tell(f"recall@{work.plan.k} {measured:.3f} measured on a sample", progress)
    return {
        "partitions": float(len(sizes)),
        "largest_partition": float(sizes.max()),
        "pairs_share": float((sizes.astype(np.float64) ** 2).sum() / work.plan.rows**2),
        "predicted_recall": predicted,
        "measured_recall": measured,
    }


def _tell(message: str, progress: bool) -> None:
    logger.info("neighbour graph: %s", message)
    tell(f"neighbour graph: {message}", progress)


def collect(work: Work) -> tuple[Ids, Matrix]:
    """Read the finished graph: ids int32 and distances float32, (n, k)."""
    parts = [work.read("finish", shard) for shard in range(work.plan.shards)]
    return np.concatenate([part["ids"] for part in parts]), np.concatenate([part["distances"] for part in parts])


def partitioned_knn(
    vectors: Matrix | Path,
    k: int,
    seed: int,
    partitioning: Partitioning,
    workers: Workers,
    folder: Path,
    keep: bool = False,
    progress: bool = False,
) -> tuple[Ids, Matrix, Facts]:
    """Find the k nearest other rows of every row of (n, d) vectors.

    Parameters
    ----------
    vectors : (n, d) float32, or the path of an ``.arrow`` or ``.npy`` file with it
    k : int
        1 <= k <= n - 1.
    seed : int
        Equal seeds give equal graphs.
    partitioning : Partitioning
    workers : Workers
    folder : path
        Holds the shards, in a folder of their own; a build that was killed goes on from them.
    keep : bool
        Leave the shards there when the graph is done.
    progress : bool
        Show progress on stderr.

    Returns
    -------
    ids : (n, k) int32
    distances : (n, k) float32
    facts : dict
        See `build_shards`.

    Raises
    ------
    ArgumentError, ShardError, WorkersError
        See `prepare` and `build_shards`.
    """
    work = prepare(vectors, k, seed, partitioning, folder)
    try:
        facts = build_shards(work, workers, progress)
        ids, distances = collect(work)
    finally:
        close_all()
    if not keep:
        shutil.rmtree(work.folder, ignore_errors=True)
    return ids, distances, facts
