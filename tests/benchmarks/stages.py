"""Images per CPU-second on one core: each stage, files to features end to end, and the loop everybody writes."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

import numpy as np

import imgsim
from imgsim.backbones.runtime import make_runtime
from imgsim.backbones.spec import Backbone
from imgsim.decoding.decode import thumbnail
from imgsim.errors import ImageError
from imgsim.features.compute import image_pixels
from imgsim.features.embeddings import embed
from imgsim.features.extract import Features, extract_features
from imgsim.images.table import ImageTable
from tests.benchmarks import naive, prepared
from tests.benchmarks.measure import Cost, repeated, timed
from tests.benchmarks.settings import Row, Settings

SAMPLE = 1000
NAIVE_SAMPLE = 200
FLOORS = {"mini": 200, "mobilenet_v2": 100}


def measure(settings: Settings) -> list[Row]:
    """Rows: scan, the parts of extraction, projection, end to end, export (once per network), the naive loop."""
    backbone = prepared.network(settings)
    _, export = timed(lambda: prepared.onnx_file(backbone))
    scan = repeated(lambda: imgsim.load_images(settings.images, rehash=True))
    whole, cost = timed(lambda: _files_to_features(settings.images, backbone))
    n = int(whole.stats["computed"])
    if n == 0:
        raise RuntimeError("the store was not empty: nothing was computed")
    chosen = _sample(whole.images, SAMPLE)
    vectors = whole.matrix
    projection = repeated(lambda: embed(vectors))
    few = _sample(whole.images, NAIVE_SAMPLE)
    rows = [
        _row("scan: list, read, hash, header", len(whole.images) + len(whole.images.rejected), scan)
        | {"bytes_each": float(np.mean(whole.images.column("bytes")))},
        *_parts(chosen, backbone),
        _row("projection: fit and apply, 128 dimensions", len(whole.images), projection),
        _row("files to features, end to end", n, cost),
    ]
    if settings.reference and settings.backbone in FLOORS:
        rows[-1]["floor_images_per_cpu_s"] = FLOORS[settings.backbone]
    for size in naive.BATCHES:
        done, usual = naive.loop(few, backbone, size)
        rows.append(_row(f"the usual loop: PIL, preset, eager torch, batches of {size}", done, usual))
        rows[-1]["slower_than_ours"] = (usual.cpu / done) / (cost.cpu / n)
    rows.append({"what": "export of the network (once per network)", "cpu_s": export.cpu, "wall_s": export.wall})
    return rows


def _files_to_features(folder: Path, backbone: Backbone) -> Features:
    return extract_features(imgsim.load_images(folder), backbone, device="cpu")


def _sample(images: ImageTable, count: int) -> ImageTable:
    rows = np.random.default_rng(0).permutation(len(images))[:count]
    return images[np.sort(rows)]


def _parts(images: ImageTable, backbone: Backbone) -> list[Row]:
    """Each part of extraction over ``images``, one after the other on this thread."""
    runtime = make_runtime(backbone, prepared.onnx_file(backbone), "cpu")
    spec = backbone.spec
    values = runtime(np.zeros((1, spec.height, spec.width, 3), np.uint8)).shape[1]
    seconds: Counter[str] = Counter()
    small_bytes = 0
    clock = time.process_time
    for i in range(len(images)):
        start = clock()
        data = images.read_bytes(i)
        read = clock()
        try:
            picture, pixels = image_pixels(data, spec)
        except ImageError:
            continue
        decoded = clock()
        small_bytes += len(thumbnail(picture))
        small = clock()
        runtime(pixels[None])
        end = clock()
        seconds.update(
            {"read": read - start, "decode": decoded - read, "thumbnail": small - decoded, "network": end - small}
        )
    n = len(images)
    return [
        _part("read", n, seconds["read"]),
        _part(f"decode and resize to {spec.height} x {spec.width}", n, seconds["decode"]),
        _part("thumbnail", n, seconds["thumbnail"]) | {"bytes_each": small_bytes / n},
        _part(f"network: {spec.name}", n, seconds["network"]) | {"values": values},
    ]


def _part(what: str, n: int, cpu: float) -> Row:
    return {"what": what, "images": n, "cpu_s": cpu, "images_per_cpu_s": n / cpu if cpu else 0.0}


def _row(what: str, n: int, cost: Cost) -> Row:
    return _part(what, n, cost.cpu) | {"wall_s": cost.wall}
