"""Size and overlap of the partitions of a graph, and the pieces of work that follow from the number of rows."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass

from imgsim import arguments
from imgsim.errors import ArgumentError

CODE_VERSION = 3
"""Part of the name of a build's folder; raised whenever the same plan gives other shards or stages."""


@dataclass(frozen=True)
class Partitioning:
    """Size and overlap of the partitions that rows are spread over.

    For the same work, many small partitions with much overlap find far more than few large ones. 120,000 x 128 real
    features (``mini``), k = 10: pairs compared, recall@10 before refinement, and after it with the CPU seconds of all;
    one NN-Descent needs 23.4 for .981.

        size, overlap   pairs   before   after   CPU-s
        4096, 3         .107    .917
        4096, 5         .181    .975
        2048, 6         .114    .963     .975    27.8
        2048, 7         .132    .973     .983    29.6   the default
        2048, 8         .152    .981     .987    35.0
        1024, 12        .110    .986                    three times as many centroids to compare with

    Each row is compared with all centroids, whose number grows with the rows. A hierarchy of centroids was tried for a
    million rows and 3,418 centroids: comparing with 14 % of them costs as much as with all, and finds .87 of the 7
    nearest on real features. Below ``overlap * size`` rows exact search is cheaper.

    Parameters
    ----------
    size : int
        Rows a partition should have: cost grows with it, recall too.
    overlap : int
        Partitions each row lies in. With 1 no edge joins two partitions, and refinement finds none.
    cap : int, optional
        Most rows of any partition, which bounds the memory of a worker. Default: twice ``size``; real k-means
        cells hold up to 4-7 times the mean, and dividing them costs little recall.
    shard_rows : int
        Rows per shard, the piece of work of all stages that go by rows.
    rounds : int
        Rounds of refinement: Caltech-101 in 18 partitions, overlap 2: from .952 to .986, a second one .990.
    """

    size: int = 2048
    overlap: int = 7
    cap: int | None = None
    shard_rows: int = 65_536
    rounds: int = 1

    def plan(self, rows: int, dims: int, k: int, seed: int) -> Plan:
        """Return the plan for (rows, dims) vectors and ``k`` neighbours each.

        Raises
        ------
        ArgumentError, ArgumentTypeError
            A number below 1, or a cap below the size.
        """
        size = arguments.positive_int(self.size, "size")
        overlap = arguments.positive_int(self.overlap, "overlap")
        cap = 2 * size if self.cap is None else arguments.positive_int(self.cap, "cap")
        if cap < size:
            raise ArgumentError(f"cap={cap} is below size={size}: no partition could have its size.")
        shard_rows, rounds = (
            arguments.positive_int(self.shard_rows, "shard_rows"),
            arguments.positive_int(self.rounds, "rounds"),
        )
        return Plan(rows, dims, k, seed, size, overlap, cap, shard_rows, rounds)


@dataclass(frozen=True)
class Plan:
    """A `Partitioning` applied to (rows, dims) vectors with ``k`` neighbours wanted; fixes every piece of work."""

    rows: int
    dims: int
    k: int
    seed: int
    size: int
    overlap: int
    cap: int
    shard_rows: int
    rounds: int

    @property
    def partitions(self) -> int:
        """Number of centroids to fit; 1 where all rows fit into one partition, which makes the graph exact."""
        if self.rows <= self.cap:
            return 1
        return max(self.overlap + 1, -(-self.overlap * self.rows // self.size))

    @property
    def copies(self) -> int:
        """Partitions each row lies in."""
        return min(self.overlap, self.partitions)

    @property
    def width(self) -> int:
        """Length of the neighbour lists that refinement works on, forward and reverse; at least k.

        Recall@10 of Caltech-101 in 18 partitions, k = 10, one round: from .952 to .977 with 10, .986 with 20, .991
        with 30.
        """
        return min(2 * self.k, self.rows - 1)

    @property
    def shards(self) -> int:
        """Number of shards of ``shard_rows`` rows each, the last one shorter."""
        return -(-self.rows // self.shard_rows)

    def range(self, shard: int) -> tuple[int, int]:
        """Return the first row of a shard, and the row after its last."""
        return shard * self.shard_rows, min(self.rows, (shard + 1) * self.shard_rows)

    def digest(self, vectors_sha256: str) -> str:
        """Return a hexadecimal digest of this plan and the vectors; it names the folder of their shards."""
        content = json.dumps([CODE_VERSION, vectors_sha256, asdict(self)], sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()[:32]
