"""Cost estimate of a collection: disk, CPU time and memory of creating its model, measured on a few of its pictures.

`measure` runs scan, extraction and projection on a few pictures, on this machine, with the network that will be used,
and looks at what they leave in a store. `plan` multiplies. What grows otherwise than with the number of images, or is
too small to measure on a few, are the constants below.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from imgsim import arguments
from imgsim.arguments import DEFAULT_DIMENSIONS, DEFAULT_K
from imgsim.backbones.onnx_export import ONNX_FILE
from imgsim.backbones.spec import Backbone
from imgsim.errors import ArgumentError
from imgsim.features.embeddings import embed
from imgsim.features.extract import export_once, extract_features
from imgsim.features.store import FeatureStore
from imgsim.images.list_source import list_source
from imgsim.images.load import load_images
from imgsim.io.urls import join

PICTURES = 64
"""Pictures that are measured."""
GRAPH_S = 5e-7
"""CPU seconds of the graph, by images times their square root: 20 at 120,000."""
REST_S = 4e-4
"""CPU seconds per image of reading features, evaluation and saving: 3.7 at 9,144."""
EDGE_BYTES = 7
"""Bytes of a model per neighbour: 0.62 MB at 9,144 images with 10."""
ROW_BYTES = 60
"""Bytes of a model per image in its tables, such as the path: 0.52 MB at 9,144."""
BASE_BYTES, IMAGE_BYTES = 420_000_000, 5_000
"""Peak memory: of the libraries, the network, a block of features and pictures being decoded; and of each image.

0.45 GB measured at 10,000, 0.91 at 100,000.
"""
EXPORT_BYTES = 800_000_000
"""Memory besides, in the one run that exports the network: PyTorch."""
BUSY = 0.8
"""Share of the time that cores are busy; assumed, not measured."""
_WARM = 8  # pictures that are computed before the clock starts


@dataclass(frozen=True)
class Measured:
    """Costs of an image with one network, measured on a few pictures.

    Parameters
    ----------
    source, backbone : str
        What was measured.
    pictures : int
        How many.
    feature_dims : int
        Length of the network's feature.
    file_bytes, feature_bytes, thumbnail_bytes : float
        Means of the files, and of what the store holds of each.
    network_bytes : int
        The exported network, which every model holds.
    scan_s, feature_s, embedding_s : float
        CPU seconds per image: list, read, hash and header; read, decode and network; projection.
    projection_s : float
        CPU seconds of the projection that do not depend on the number of images.
    """

    source: str
    backbone: str
    pictures: int
    feature_dims: int
    file_bytes: float
    feature_bytes: float
    thumbnail_bytes: float
    network_bytes: int
    scan_s: float
    feature_s: float
    embedding_s: float
    projection_s: float


@dataclass(frozen=True)
class Figure:
    """One line of a plan: a number with its unit, and the formula that it was computed by."""

    group: str
    what: str
    value: float
    unit: str
    formula: str


def measure(source: str | Path, backbone: Backbone, pictures: int = PICTURES) -> Measured:
    """Measure the costs of an image on ``pictures`` of a source, spread over it; the features are not kept.

    Raises
    ------
    ArgumentError
        Fewer than 16 of these pictures can be used.
    BackboneError, SourceError
    """
    listing = list_source(source)
    last = len(listing.entries) - 1
    chosen = sorted({round(place) for place in np.linspace(0, last, pictures + _WARM)}) if last >= 0 else []
    paths = [join(listing.root, listing.entries[i].path) for i in chosen]
    load_images(paths[:_WARM], rehash=True)
    scan_s, images = _timed(partial(load_images, paths, rehash=True))
    if len(images) < 2 * _WARM:
        raise ArgumentError(f"{source} holds too few usable pictures to measure ({len(images)}); give a folder of 16.")
    warm = np.arange(len(images)) % (len(images) // _WARM) == 0
    onnx = export_once(backbone, FeatureStore())
    options: dict[str, Any] = {"device": "cpu", "onnx": onnx}
    with TemporaryDirectory(prefix="imgsim-") as folder:
        extract_features(images[warm], backbone, FeatureStore(Path(folder) / "warm"), **options)
        store = FeatureStore(Path(folder) / "store")
        feature_s, features = _timed(partial(extract_features, images[~warm], backbone, store, **options))
        stored = {name: _bytes_below(Path(folder) / "store" / name) for name in ("features", "thumbnails")}
    count, dims = len(features.images), features.backbone.dim
    embedding_s, projection_s = _projection_costs(dims)
    return Measured(
        str(source),
        backbone.spec.name,
        count,
        dims,
        float(np.mean(images.column("bytes"))),
        stored["features"] / count,
        stored["thumbnails"] / count,
        0 if onnx is None else (onnx.parent / ONNX_FILE).stat().st_size,
        scan_s / len(images),
        feature_s / count,
        embedding_s,
        projection_s,
    )


def _projection_costs(dims: int) -> tuple[float, float]:
    """Measure the projection on two numbers of random rows; return its CPU seconds per row, and those before."""
    rows = np.abs(np.random.default_rng(0).standard_normal((4096, dims), np.float32))
    names = [str(i) for i in range(len(rows))]
    few, many = (_timed(partial(embed, rows[:n], DEFAULT_DIMENSIONS, names[:n]))[0] for n in (2048, 4096))
    each = max(0.0, (many - few) / 2048)
    return each, max(0.0, many - 4096 * each)


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    start = time.process_time()
    result = work()
    return time.process_time() - start, result


def _bytes_below(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def plan(
    images: float, measured: Measured, *, cores: int = 1, dims: int = DEFAULT_DIMENSIONS, k: int = DEFAULT_K
) -> list[Figure]:
    """Compute disk, CPU time, memory and time of creating a model of ``images`` images.

    Parameters
    ----------
    images : float
        At least 1; ``1e8`` is fine.
    measured : Measured
    cores : int
        Of all machines together.
    dims : int
        Length of an embedding.
    k : int
        Neighbours per image.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        A number outside its domain.
    """
    if not (math.isfinite(images) and images >= 1):
        raise ArgumentError(f"images must be at least 1, not {images}.")
    n, cores = int(images), arguments.positive_int(cores, "cores")
    dims, k = arguments.positive_int(dims, "dims"), arguments.positive_int(k, "k")
    work = list(_cpu(n, measured))
    total = sum(figure.value for figure in work)
    return [
        *_disk(n, measured, dims, k),
        *work,
        Figure("CPU", "in all", total, "core-seconds", "the sum"),
        *_memory(n),
        Figure("time", "in all", total / (cores * BUSY), "seconds", f"CPU / ({cores:,} x {BUSY:.0%} of a core)"),
    ]


def _disk(n: int, measured: Measured, dims: int, k: int) -> Iterator[Figure]:
    stored = measured.feature_bytes + measured.thumbnail_bytes
    how = f"{measured.feature_bytes:,.0f} B of features + {measured.thumbnail_bytes:,.0f} B of thumbnails"
    yield Figure(
        "disk", "the images themselves", n * measured.file_bytes, "bytes", _times(f"{measured.file_bytes:,.0f} B")
    )
    yield Figure("disk", "feature store", n * stored, "bytes", _times(f"({how})"))
    each = 4 * dims + EDGE_BYTES * k + ROW_BYTES + measured.thumbnail_bytes
    fixed = measured.network_bytes + 4 * dims * measured.feature_dims
    parts = f"{dims} x 4 B + {k} neighbours x {EDGE_BYTES} B + {ROW_BYTES} B + thumbnail"
    yield Figure("disk", "model", n * each + fixed, "bytes", f"{_times(f'({parts})')} + network and projection")


def _cpu(n: int, measured: Measured) -> Iterator[Figure]:
    for what, each in (("scan", measured.scan_s), ("features", measured.feature_s)):
        yield Figure("CPU", what, n * each, "core-seconds", _times(_ms(each)))
    embedding = n * measured.embedding_s + measured.projection_s
    how = f"{_times(_ms(measured.embedding_s))} + {measured.projection_s:.2g} s"
    yield Figure("CPU", "embedding", embedding, "core-seconds", how)
    how = f"images x √images x {1e6 * GRAPH_S:.2g} µs"
    yield Figure("CPU", "neighbour graph", n**1.5 * GRAPH_S, "core-seconds", how)
    yield Figure("CPU", "evaluation, saving", n * REST_S, "core-seconds", _times(_ms(REST_S)))


def _memory(n: int) -> Iterator[Figure]:
    each = _times(f"{IMAGE_BYTES:,} B")
    how = f"{BASE_BYTES / 1e9:.2g} GB + {each}; {EXPORT_BYTES / 1e9:.2g} GB more to export the network"
    yield Figure("memory", "peak", BASE_BYTES + n * IMAGE_BYTES, "bytes", how)


def _times(each: str) -> str:
    return f"images x {each}"


def _ms(seconds: float) -> str:
    return f"{1000 * seconds:.3g} ms"
