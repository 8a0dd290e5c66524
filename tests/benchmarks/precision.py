"""fp32 by ONNX Runtime against bf16 by OpenVINO: the network alone, files to features, and the neighbours found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np

import imgsim
from imgsim.backbones.openvino_runtime import bf16_obstacle
from imgsim.backbones.runtime import make_runtime
from imgsim.backbones.spec import BF16, PRECISIONS, Backbone
from imgsim.errors import ImageError
from imgsim.evaluation import evaluate
from imgsim.features.choose_precision import Comparison, compare, run_in_turn
from imgsim.features.compute import image_pixels
from imgsim.features.embeddings import embed
from imgsim.features.extract import Features, extract_features
from imgsim.neighbors.graph import build_graph
from tests.benchmarks import prepared
from tests.benchmarks.measure import timed
from tests.benchmarks.settings import Row, Settings

FILES = 1000
PICTURES = 256
TURNS = 3
K = 10
FLOOR_RATIO = 1.3
"""Files to features, of bf16 to fp32, on a processor with AVX512-BF16. Decoding costs the same in both."""


def measure(settings: Settings) -> list[Row]:
    """Rows: the network alone, files to features (the least of some turns each), quality on all pictures."""
    if why := bf16_obstacle():
        return [{"what": f"not measured: {why}"}]
    backbone = prepared.network(settings)
    rows = [_network(settings, backbone), _files(settings, backbone)]
    return rows + _quality(settings, backbone)


def _network(settings: Settings, backbone: Backbone) -> Row:
    images = imgsim.load_images(settings.images)
    pixels = []
    for row in _spread(len(images), PICTURES):
        try:
            pixels.append(image_pixels(images.read_bytes(int(row)), backbone.spec)[1])
        except ImageError:
            continue
    onnx = prepared.onnx_file(backbone)
    runtimes = [make_runtime(_in(backbone, name), onnx, "cpu") for name in PRECISIONS]
    seconds = np.min([[spent for _, spent in run_in_turn(runtimes, pixels)] for _ in range(TURNS)], axis=0)
    return _row("network alone", len(pixels), seconds)


def _files(settings: Settings, backbone: Backbone) -> Row:
    """Extract the same files into an empty store in turns, so that other work on the machine meets both alike."""
    images = imgsim.load_images(settings.images)
    chosen, onnx = images[_spread(len(images), FILES)], prepared.onnx_file(backbone)
    seconds = np.full(len(PRECISIONS), np.inf)
    for turn in range(TURNS):
        for i, name in enumerate(PRECISIONS):
            store = imgsim.FeatureStore(settings.work / f"precision-{turn}-{name}")
            call = partial(extract_features, chosen, backbone, store, device="cpu", onnx=onnx, precision=name)
            seconds[i] = min(seconds[i], timed(call)[1].cpu)
    row = _row("files to features", len(chosen), seconds)
    if settings.reference:
        row["floor_bf16_to_fp32"] = FLOOR_RATIO
    return row


def _quality(settings: Settings, backbone: Backbone) -> list[Row]:
    whole = [
        extract_features(imgsim.load_images(settings.images), backbone, device="cpu", precision=name)
        for name in PRECISIONS
    ]
    exact, rounded = whole
    found: Comparison = compare((exact.matrix, 1.0), (rounded.matrix, 1.0), exact.images.labels)
    rows: list[Row] = [
        {"what": "bf16 against fp32: mean cosine of the features", "share": found.cosine},
        {"what": "bf16 against fp32: neighbours the same", "share": found.overlap},
    ]
    for name, features in zip(PRECISIONS, whole, strict=True):
        metrics = _evaluated(features)
        if f"precision_at_{K}" in metrics:
            rows.append({"what": f"precision@{K}, {name}", "share": metrics[f"precision_at_{K}"]})
    return rows


def _evaluated(features: Features) -> dict[str, float]:
    vectors = embed(features.matrix, sha256=features.images.sha256).matrix
    return evaluate(vectors, build_graph(vectors, K, "exact"), features.images.labels, K).metrics


def _in(backbone: Backbone, name: str) -> Backbone:
    return replace(backbone, spec=backbone.spec.in_precision(name))


def _spread(count: int, wanted: int) -> np.ndarray:
    return np.sort(np.random.default_rng(0).permutation(count)[:wanted])


def _row(what: str, n: int, seconds: Sequence[float] | np.ndarray) -> Row:
    rates = {f"{name}_images_per_cpu_s": n / float(cpu) for name, cpu in zip(PRECISIONS, seconds, strict=True)}
    ratio = rates[f"{BF16}_images_per_cpu_s"] / rates["fp32_images_per_cpu_s"]
    return {"what": what, "images": n} | rates | {"bf16_to_fp32": ratio}
