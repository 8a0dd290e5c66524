"""Distributed feature extraction: workers compute pieces into the shared store, then this process reads them."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from imgsim import arguments
from imgsim.backbones.onnx_export import ONNX_FILE
from imgsim.backbones.runtime import resolve_device
from imgsim.backbones.spec import FP32, Backbone, BackboneSpec
from imgsim.errors import BackboneError
from imgsim.features.choose_precision import CHOICES, in_precision
from imgsim.features.compute import Computation, find_missing
from imgsim.features.extract import Features, export_once, extract_features
from imgsim.features.store import FeatureStore
from imgsim.images.table import ImageTable
from imgsim.progress import track
from imgsim.workers import InProcess, Workers, usable_cores

if TYPE_CHECKING:
    from torch import nn

PIECE = 1024
"""Most images per piece, which a lost worker computes again. Few images make smaller pieces, so all cores work."""


def extract_by(
    workers: Workers | None,
    images: ImageTable,
    backbone: Backbone,
    store: FeatureStore | None = None,
    batch_size: int = 64,
    device: str = "auto",
    progress: bool = False,
    piece: int | None = None,
    *,
    precision: str = FP32,
) -> Features:
    """Extract features as `extract_features` does; workers compute the contents that the store lacks.

    Workers run the exported network on a CPU, one thread each, and write to the store, which all of them must see.
    Without workers, on a GPU, or if the network has no ONNX form, this process computes everything.
    """
    arguments.one_of(precision, CHOICES, "precision")
    store = store or FeatureStore()
    onnx = None
    if workers is not None and not isinstance(workers, InProcess) and resolve_device(device) == "cpu":
        onnx = export_once(backbone, store)
    if workers is None or onnx is None:
        return extract_features(images, backbone, store, batch_size, device, progress=progress, precision=precision)
    start = time.perf_counter()
    backbone, reason = in_precision(precision, images, backbone, store, device, onnx)
    spec = backbone.spec
    _, todo = find_missing(images, spec.fingerprint, store)
    piece = piece or min(PIECE, max(64, len(todo) // (4 * usable_cores())))
    bare = images.without_notes()
    pieces = [bare[np.concatenate(todo[i : i + piece])] for i in range(0, len(todo), piece)]
    store.share(spec.network, ONNX_FILE)
    work = partial(_fill, spec, store)
    for _ in track(workers.map(work, pieces), "features, by pieces", len(pieces), progress):
        pass
    features = extract_features(
        images, backbone, store, batch_size, device, progress=progress, onnx=onnx, precision=spec.precision
    )
    seconds = time.perf_counter() - start
    done = {"computed": len(todo), "reused": len(images) - len(todo), "seconds": seconds}
    stats = features.stats | done | {"images_per_second": len(todo) / seconds}
    return replace(features, stats=stats, precision_reason=reason)


def _fill(spec: BackboneSpec, store: FeatureStore, images: ImageTable) -> None:
    """Compute one piece in a worker, which only writes to the store.

    The caller tries unreadable files again and reports them.
    """

    def build() -> nn.Module:
        raise BackboneError(f"workers run the exported {spec.name}; it has no torch form there.")

    onnx, backbone = store.fetch(spec.network, ONNX_FILE), Backbone(spec, build)
    Computation(images, backbone, store, threads=1, batch_size=1, device="cpu", onnx=onnx, progress=False).fill()
