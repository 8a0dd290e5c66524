"""Distributed feature extraction: workers compute pieces into the shared store, then this process reads them."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from imgsim.backbones.onnx_export import ONNX_FILE
from imgsim.backbones.runtime import resolve_device
from imgsim.backbones.spec import Backbone, BackboneSpec
from imgsim.errors import BackboneError
from imgsim.features.extract import Features, export_once, extract_features, find_missing
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
) -> Features:
    """Extract features as `extract_features` does; workers compute the contents that the store lacks.

    Workers run the exported network on a CPU, one thread each, and write to the store, which all of them must see.
    Without workers, on a GPU, or if the network has no ONNX form, this process computes everything.
    """
    store = store or FeatureStore()
    onnx = None
    if workers is not None and not isinstance(workers, InProcess) and resolve_device(device) == "cpu":
        onnx = export_once(backbone, store)
    if workers is None or onnx is None:
        return extract_features(images, backbone, store, batch_size, device, progress=progress)
    start = time.perf_counter()
    _, todo = find_missing(images, backbone.spec.fingerprint, store)
    piece = piece or min(PIECE, max(64, len(todo) // (4 * usable_cores())))
    pieces = [images[np.concatenate(todo[i : i + piece])] for i in range(0, len(todo), piece)]
    store.share(backbone.spec.fingerprint, ONNX_FILE)
    work = partial(_fill, backbone.spec, store)
    for _ in track(workers.map(work, pieces), "features, by pieces", len(pieces), progress):
        pass
    features = extract_features(images, backbone, store, batch_size, device, progress=progress, onnx=onnx)
    seconds = time.perf_counter() - start
    done = {"computed": len(todo), "reused": len(images) - len(todo), "seconds": seconds}
    stats = features.stats | done | {"images_per_second": len(todo) / seconds}
    return replace(features, stats=stats)


def _fill(spec: BackboneSpec, store: FeatureStore, images: ImageTable) -> None:
    """Compute one piece in a worker; the caller tries unreadable files again and reports them."""

    def build() -> nn.Module:
        raise BackboneError(f"workers run the exported {spec.name}; it has no torch form there.")

    onnx = store.fetch(spec.fingerprint, ONNX_FILE)
    extract_features(images, Backbone(spec, build), store, device="cpu", threads=1, onnx=onnx)
