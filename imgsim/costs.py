"""Cost estimate of a collection: storage, work, traffic, memory and time of building a model, with their formulas.

Nothing is run. The unit costs in the formulas are measured: on this machine by ``make bench`` (`Costs.read`), or
on the reference machine (`Costs.reference`). The graph is that of `imgsim.neighbors.partitioned`: scan, decode and
network run image by image; vectors go to overlapping partitions, each is searched exactly, neighbour lists are merged.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path

from imgsim import arguments
from imgsim.arguments import DEFAULT_DIMENSIONS, DEFAULT_K
from imgsim.errors import ArgumentError
from imgsim.neighbors.exact import BLOCK_BYTES
from imgsim.neighbors.partitioned.plan import Partitioning, Plan

EFFICIENCY = 0.8
"""Share of the time that cores are busy; assumed, not measured. Stragglers, start-up and transfers take the rest."""
COPIES_TO_JOIN = 4
"""Peak memory of merging a shard's neighbour lists, in multiples of their size: 294 MB measured for 73 MB."""
BENCH = 'make bench ARGS="--images FOLDER --backbone {} --only stages graph partitioned"'
_EDGE = 8  # bytes: int32 position and float32 distance
_GRAPH = ("assign to partitions", "search in partitions", "join and refine")


@dataclass(frozen=True)
class Costs:
    """Measured unit costs: of one image on one core, and of distance computations.

    Parameters
    ----------
    source : str
        Machine and data of the measurement, in words.
    backbone : str
    feature_dims : int
        Length of the backbone's feature.
    file_bytes, thumbnail_bytes : float
        Means.
    scan_s, decode_s, network_s : float
        CPU seconds per image: list, read, hash and header; read, decode, resize and thumbnail; the network.
    flops : float
        Floating-point operations per second of exact search, two per dimension and pair.
    join_s : float
        CPU seconds per row: merging the lists of the partitions, and one round of refinement.
    """

    source: str
    backbone: str
    feature_dims: int
    file_bytes: float
    thumbnail_bytes: float
    scan_s: float
    decode_s: float
    network_s: float
    flops: float
    join_s: float

    @classmethod
    def reference(cls, backbone: str) -> Costs:
        """Return the costs of the reference machine.

        Raises
        ------
        ArgumentError
            This backbone was not measured there.
        """
        if backbone not in _REFERENCE:
            raise ArgumentError(
                f"nothing is measured for the backbone {backbone!r}; known without measuring: {', '.join(_REFERENCE)}. "
                f"Measure it here: {BENCH.format(backbone)}, then give --measured tests/benchmarks/results.json."
            )
        return cls(_MACHINE, backbone, *_REFERENCE[backbone])

    @classmethod
    def read(cls, path: str | Path, backbone: str | None = None) -> Costs:
        """Read the costs that ``make bench`` measured and wrote to ``path``.

        Raises
        ------
        ArgumentError
            The file is no such file, lacks a stage, or measured another backbone.
        """
        try:
            document = json.loads(Path(path).read_text("utf-8"))
            measured = document["costs"]
            costs = cls(**{field.name: measured[field.name] for field in fields(cls)})
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ArgumentError(
                f"{path} holds no measured costs ({type(error).__name__}: {error}). "
                f"Write it with {BENCH.format(backbone or 'NAME')}."
            ) from error
        if backbone is not None and costs.backbone != backbone:
            raise ArgumentError(
                f"{path} measured the backbone {costs.backbone!r}, not {backbone!r}. Run {BENCH.format(backbone)}."
            )
        return costs


_MACHINE = "reference machine: AMD EPYC with AVX2, one of 2 shared cores, Caltech-101"
_FILE, _THUMBNAIL, _SCAN, _FLOPS, _JOIN = 15_158, 5_954, 9.5e-5, 3.5e10, 1.3e-4
_REFERENCE: dict[str, tuple[int, float, float, float, float, float, float, float]] = {
    "mini": (2304, _FILE, _THUMBNAIL, _SCAN, 1.7e-3, 4.5e-3, _FLOPS, _JOIN),
    "mobilenet_v2": (1280, _FILE, _THUMBNAIL, _SCAN, 2.1e-3, 9.7e-3, _FLOPS, _JOIN),
    "resnet50": (2048, _FILE, _THUMBNAIL, _SCAN, 2.1e-3, 9.6e-2, _FLOPS, _JOIN),
}
"""By backbone: `Costs` from ``feature_dims`` on, rounded; the join is that of 120,000 real vectors."""


@dataclass(frozen=True)
class Figure:
    """One line of a plan: a number with its unit, and the formula that it was computed by."""

    group: str
    what: str
    value: float
    unit: str
    formula: str


@dataclass(frozen=True)
class Machines:
    """Hardware that the work runs on: machines, cores and GPUs of each, and images per second of one GPU."""

    machines: int = 1
    cores: int = 1
    gpus: int = 0
    gpu_rate: float = 0.0

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises
        ------
        ArgumentError, ArgumentTypeError
            Numbers below 1, or GPUs without their rate.
        """
        arguments.positive_int(self.machines, "machines")
        arguments.positive_int(self.cores, "cores")
        if self.gpus < 0 or (self.gpus > 0) != (self.gpu_rate > 0):
            raise ArgumentError(
                "GPUs need their rate in images a second: the two go together, both above 0 or neither."
            )


def plan(
    images: float,
    costs: Costs,
    where: Machines,
    *,
    dims: int = DEFAULT_DIMENSIONS,
    k: int = DEFAULT_K,
    file_bytes: float | None = None,
    partitioning: Partitioning | None = None,
) -> list[Figure]:
    """Compute every figure of building a model of ``images`` images.

    Parameters
    ----------
    images : float
        At least 1; ``1e8`` is fine.
    costs : Costs
        Measured on files like those of the collection: larger ones take longer to read and decode.
    where : Machines
    dims : int
        Length of an embedding.
    k : int
        Neighbours per image.
    file_bytes : float, optional
        Mean size of a file in bytes; default: that of the measured files.
    partitioning : imgsim.neighbors.partitioned.plan.Partitioning, optional

    Raises
    ------
    ArgumentError, ArgumentTypeError
        A number outside its domain.
    """
    if not (math.isfinite(images) and images >= 1):
        raise ArgumentError(f"images must be at least 1, not {images}.")
    if file_bytes is None:
        file_bytes = costs.file_bytes
    if not file_bytes > 0:
        raise ArgumentError(f"the mean size of a file must be above 0 bytes, not {file_bytes}.")
    n, dims, k = int(images), arguments.positive_int(dims, "dims"), arguments.positive_int(k, "k")
    cut = (partitioning or Partitioning()).plan(n, dims, k, 0)
    work = [*_features_work(n, costs, where), *_graph_work(cut, costs)]
    return [
        *_storage(n, costs, dims, k, file_bytes),
        *work,
        *_traffic(cut),
        *_time(work, where),
        *_drivers(work),
    ]


def _storage(n: int, costs: Costs, dims: int, k: int, file_bytes: float) -> Iterator[Figure]:
    for what, each, how in (
        ("the images themselves", file_bytes, f"{file_bytes:,.0f} B a file"),
        ("features", 4 * costs.feature_dims, f"{costs.feature_dims:,} values x 4 B"),
        ("thumbnails", costs.thumbnail_bytes, f"{costs.thumbnail_bytes:,.0f} B each"),
        ("embeddings", 4 * dims, f"{dims:,} values x 4 B"),
        ("neighbour graph", _EDGE * k, f"{k:,} neighbours x {_EDGE} B"),
    ):
        yield Figure("storage", what, n * each, "bytes", f"images x {how}")


def _features_work(n: int, costs: Costs, where: Machines) -> Iterator[Figure]:
    for what, each in (("scan", costs.scan_s), ("decode", costs.decode_s)):
        yield Figure("work", what, n * each, "core-seconds", f"images x {_ms(each)}")
    if where.gpus:
        how = f"images / {where.gpu_rate:,.0f} a second and GPU"
        yield Figure("work", "network", n / where.gpu_rate, "GPU-seconds", how)
    else:
        how = f"images x {_ms(costs.network_s)} ({costs.backbone})"
        yield Figure("work", "network", n * costs.network_s, "core-seconds", how)


def _graph_work(cut: Plan, costs: Costs) -> Iterator[Figure]:
    n, dims, rate = cut.rows, cut.dims, f"{costs.flops / 1e9:.3g} GFLOP/s"
    if cut.partitions > 1:
        seconds = n * cut.partitions * 2 * dims / costs.flops
        how = f"images x {cut.partitions:,} partitions x 2 x {dims} / {rate}"
        yield Figure("work", "assign to partitions", seconds, "core-seconds", how)
    rows = cut.size if cut.partitions > 1 else n
    seconds = n * cut.copies * rows * 2 * dims / costs.flops
    how = f"images x {cut.copies} copies x {rows:,} rows x 2 x {dims} / {rate}"
    yield Figure("work", "search in partitions", seconds, "core-seconds", how)
    if cut.partitions > 1:
        yield Figure("work", "join and refine", n * costs.join_s, "core-seconds", f"images x {_ms(costs.join_s)}")


def _traffic(cut: Plan) -> Iterator[Figure]:
    n, copies = cut.rows, cut.copies
    if cut.partitions > 1:
        how = f"images x {copies} copies x ({cut.dims} x 4 + 8) B"
        yield Figure("traffic", "vectors to partitions", n * copies * (4 * cut.dims + 8), "bytes", how)
        how = f"images x {copies} copies x {cut.width} edges x {_EDGE} B"
        yield Figure("traffic", "partial edges", n * copies * cut.width * _EDGE, "bytes", how)
    rows = min(cut.cap, n)
    how = f"2 x {rows:,} rows at most x {cut.dims} x 4 B + {BLOCK_BYTES >> 20} MiB of distances"
    yield Figure("memory", "arrays of a worker that searches", 2 * rows * cut.dims * 4 + BLOCK_BYTES, "bytes", how)
    if cut.partitions > 1:
        rows = min(cut.shard_rows, n)
        how = f"{COPIES_TO_JOIN} x {rows:,} rows of a shard x {copies} copies x {cut.width} edges x {_EDGE} B"
        joined = COPIES_TO_JOIN * rows * copies * cut.width * _EDGE
        yield Figure("memory", "arrays of a worker that joins", joined, "bytes", how)


def _time(work: list[Figure], where: Machines) -> Iterator[Figure]:
    cores, cards = where.machines * where.cores, where.machines * where.gpus
    spent = {figure.what: figure.value for figure in work}
    busy = f"({cores:,} cores x {EFFICIENCY:.0%} busy)"
    before = spent["scan"] + spent["decode"]
    if cards:
        by_cores, by_cards = before / (cores * EFFICIENCY), spent["network"] / (cards * EFFICIENCY)
        features = max(by_cores, by_cards)
        slower = "decoding" if by_cores > by_cards else "the network"
        how = f"the slower of scan + decode / {busy} and network / ({cards:,} GPUs x {EFFICIENCY:.0%} busy): {slower}"
    else:
        features, how = (before + spent["network"]) / (cores * EFFICIENCY), f"(scan + decode + network) / {busy}"
    graph = sum(spent.get(name, 0.0) for name in _GRAPH) / (cores * EFFICIENCY)
    yield Figure("time", "features", features, "seconds", how)
    yield Figure("time", "neighbour graph", graph, "seconds", f"(assign + search + join) / {busy}")
    yield Figure("time", "in all", features + graph, "seconds", "features + neighbour graph")


def _drivers(work: list[Figure]) -> Iterator[Figure]:
    """Compute the share of each kind of work in all core-seconds, largest first; GPU time is not included."""
    shares = [figure for figure in work if figure.unit == "core-seconds"]
    total = sum(figure.value for figure in shares)
    for figure in sorted(shares, key=lambda figure: -figure.value):
        yield Figure("cost drivers", figure.what, figure.value / total, "share", "of all core-seconds")


def _ms(seconds: float) -> str:
    return f"{1000 * seconds:.3g} ms"
