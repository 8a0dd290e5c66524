"""All stages in their order, by any workers; what is there already is not computed again."""

from __future__ import annotations

import hashlib
import logging
import shutil
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

import numpy as np

from imgsim.errors import ArgumentError, ShardError
from imgsim.io.vectors import BLOCK_ROWS, Matrix, open_vectors, write_npy
from imgsim.neighbors.exact import Ids
from imgsim.neighbors.partitioned.assign import assign
from imgsim.neighbors.partitioned.build import build
from imgsim.neighbors.partitioned.centroids import centroids
from imgsim.neighbors.partitioned.manifest import manifest
from imgsim.neighbors.partitioned.merge import merge
from imgsim.neighbors.partitioned.place import leaf_sizes, place
from imgsim.neighbors.partitioned.plan import Partitioning
from imgsim.neighbors.partitioned.recall import measured_recall, predicted_recall, truth
from imgsim.neighbors.partitioned.refine import refine, walk
from imgsim.neighbors.partitioned.reverse import reverse
from imgsim.neighbors.partitioned.shards import Note, Work
from imgsim.neighbors.partitioned.split import crowded, split
from imgsim.progress import tell, track
from imgsim.workers import Workers

ATTEMPTS = 3
"""Times that damaged shards are built anew before it is an error: then something damages them all the time."""
Facts = dict[str, float]
logger = logging.getLogger(__name__)


def prepare(vectors: Matrix | Path, k: int, seed: int, partitioning: Partitioning, folder: Path) -> Work:
    """The work on vectors, in a folder below ``folder`` that is named after the vectors' content and the plan.

    An array is written there once; a file is used as it is.
    """
    matrix = open_vectors(vectors) if isinstance(vectors, Path) else vectors
    sha256 = hashlib.sha256(f"{matrix.shape}".encode())
    for start in range(0, len(matrix), BLOCK_ROWS):
        block = np.ascontiguousarray(matrix[start : start + BLOCK_ROWS])
        if not np.isfinite(block).all():
            raise ArgumentError("vectors must be finite: NaN or infinity has no neighbours.")
        sha256.update(block.data)
    plan = partitioning.plan(len(matrix), matrix.shape[1], k, seed)
    made = folder.absolute() / plan.key(sha256.hexdigest())
    if isinstance(vectors, Path):
        return Work(vectors.absolute(), made, plan)
    if not (made / "vectors.npy").exists():
        write_npy(matrix, made / "vectors.npy")
    return Work(made / "vectors.npy", made, plan)


def build_shards(work: Work, workers: Workers, progress: bool = False) -> Facts:
    """Run what is missing; return the facts: partitions, the largest, share of pairs compared, recall.

    Raises
    ------
    ShardError
        A shard was damaged again and again, or cannot be written.
    WorkersError
        The workers were lost.
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return _stages(work, workers, progress)
        except ShardError as error:
            if attempt == ATTEMPTS:
                raise
            logger.warning("%s", error)
    raise AssertionError("unreachable")


def _stages(work: Work, workers: Workers, progress: bool) -> Facts:
    shards, notes = range(work.plan.shards), list[Note]()

    def run(function: Callable[[Work, int], Note], keys: Iterable[int]) -> None:
        keys = list(keys)
        done = workers.map(partial(function, work), keys)
        notes.extend(track(done, f"neighbour graph: {function.__name__}", len(keys), progress))

    run(centroids, [0])
    run(assign, shards)
    run(split, crowded(work))
    run(place, shards)
    run(truth, shards)
    sizes = leaf_sizes(work)
    predicted = predicted_recall(work)
    _tell(f"{len(sizes)} partitions of up to {sizes.max():,} rows: recall {predicted:.3f} before refinement", progress)
    run(build, np.argsort(-sizes, kind="stable").tolist())  # the largest first, so that none is left for the end
    run(merge, shards)
    for turn in range(work.plan.rounds):
        keys = [turn * work.plan.shards + shard for shard in shards]
        run(reverse, keys)
        run(walk, keys)
    run(refine, shards)
    manifest(work, notes)
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
    """The finished graph: ids and distances (n, k)."""
    parts = [work.read("refine", shard) for shard in range(work.plan.shards)]
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
    """The k nearest others of every row, and the facts of `build_shards`; shards go when done unless ``keep``."""
    work = prepare(vectors, k, seed, partitioning, folder)
    facts = build_shards(work, workers, progress)
    ids, distances = collect(work)
    if not keep:
        shutil.rmtree(work.folder, ignore_errors=True)
    return ids, distances, facts
