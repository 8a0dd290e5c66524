"""Choice of the precision that features are computed in, by a comparison on pictures of the collection.

bf16 is taken where it is faster and finds the same neighbours. That is measured on up to `MOST_PICTURES` pictures of
the collection, so no figure of another collection or processor is relied on.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from imgsim import arguments
from imgsim.backbones.openvino_runtime import bf16_obstacle
from imgsim.backbones.runtime import make_runtime, resolve_device
from imgsim.backbones.spec import BF16, FP32, PRECISIONS, Backbone
from imgsim.decoding.crash_journal import journal
from imgsim.errors import BackboneError, ImageError
from imgsim.features.compute import TASK_IMAGES, find_missing, image_pixels
from imgsim.features.store import FeatureStore
from imgsim.images.table import ImageTable
from imgsim.io.held_file import HeldFile

AUTO = "auto"
CHOICES = (*PRECISIONS, AUTO)
WORTH_IT = 1000
"""Images to compute below which comparing takes longer than the faster precision saves."""
PICTURES_SHARE, FEWEST_PICTURES, MOST_PICTURES = 1 / 16, 64, 256
NEIGHBOURS = 10
IN_A_ROW = TASK_IMAGES
"""As in an extraction."""
MIN_COSINE = 0.99
MIN_OVERLAP = 0.9
MAX_LOSS = 0.002
"""Largest loss of precision@10, beyond its standard error."""
MIN_SPEEDUP = 1.1

Features = NDArray[np.float32]
Measured = tuple[Features, float]


@dataclass(frozen=True)
class Comparison:
    """Two precisions of one network on the same pictures.

    Parameters
    ----------
    pictures : int
    cosine : float
        Mean cosine between the two features of a picture.
    overlap : float
        Mean share of a picture's 10 nearest among the others that both find.
    loss : float or None
        Precision@10 in fp32 less that in bf16; None where no two pictures share a label.
    loss_error : float
        Standard error of ``loss``: on few pictures one neighbour more or less proves nothing.
    speedup : float
        CPU time of the network in fp32 divided by that in bf16.
    """

    pictures: int
    cosine: float
    overlap: float
    loss: float | None
    loss_error: float
    speedup: float

    @property
    def precision(self) -> str:
        """The faster precision that keeps the neighbours."""
        return FP32 if self._objection() else BF16

    @property
    def reason(self) -> str:
        """The figures, and the one that speaks against bf16 if there is one."""
        lost = "" if self.loss is None else f", precision@10 {-self.loss:+.3f} ± {self.loss_error:.3f}"
        found = f"bf16 on {self.pictures} pictures: {self.speedup:.1f} x as fast, cosine {self.cosine:.4f}, "
        return f"{found}{self.overlap:.0%} of neighbours the same{lost}{self._objection()}"

    def _objection(self) -> str:
        if not self.cosine >= MIN_COSINE:  # not a number is an objection too
            return f"; its cosine is below {MIN_COSINE}"
        if self.loss is not None and self.loss - self.loss_error > MAX_LOSS:
            return f"; it loses more than {MAX_LOSS} of precision@10"
        if self.overlap < MIN_OVERLAP:
            return f"; less than {MIN_OVERLAP:.0%} of its neighbours are the same"
        return "" if self.speedup >= MIN_SPEEDUP else "; it is not faster"


def in_precision(
    precision: str,
    images: ImageTable,
    backbone: Backbone,
    store: FeatureStore,
    device: str,
    onnx: Path | HeldFile | None,
) -> tuple[Backbone, str]:
    """Return the backbone with its precision in the spec, and why ``"auto"`` chose it ("" if it was given).

    Raises
    ------
    ArgumentError
        An unknown precision.
    """
    chosen, reason = arguments.one_of(precision, CHOICES, "precision"), ""
    if chosen == AUTO:
        chosen, reason = choose_precision(images, backbone, store, device, onnx)
    return replace(backbone, spec=backbone.spec.in_precision(chosen)), reason


def choose_precision(
    images: ImageTable, backbone: Backbone, store: FeatureStore, device: str, onnx: Path | HeldFile | None
) -> tuple[str, str]:
    """Choose fp32 or bf16 for the features of ``images``, and tell why in one line.

    Features that are stored decide: the precision of more of them is kept (fp32 if equal), so that none is computed
    a second time in another. Else bf16 needs a processor and OpenVINO for it, and `WORTH_IT` images to compute; then
    both are compared on pictures of ``images`` (`Comparison`).
    """
    where = resolve_device(device)
    if where != "cpu":
        return FP32, f"{where} computes the features"
    if onnx is None:
        return FP32, f"{backbone.spec.name} has no ONNX form"
    stored = {precision: _count_stored(images, backbone, store, precision) for precision in PRECISIONS}
    most = max(PRECISIONS, key=lambda precision: stored[precision])
    obstacle = bf16_obstacle()
    if stored[most] and (most == FP32 or not obstacle or stored[most] == len(images)):
        return most, f"{stored[most]:,} of {len(images):,} features are stored in it"
    if obstacle:
        return FP32, obstacle
    _, todo = find_missing(images, backbone.spec.in_precision(FP32).fingerprint, store)
    if len(todo) < WORTH_IT:
        return FP32, f"with {len(todo):,} images to compute, comparing would take longer than bf16 saves"
    return _compare_on_pictures(images, backbone, onnx, todo)


def _count_stored(images: ImageTable, backbone: Backbone, store: FeatureStore, precision: str) -> int:
    return int(store.features(backbone.spec.in_precision(precision).fingerprint).contains(images.sha256).sum())


def _compare_on_pictures(
    images: ImageTable, backbone: Backbone, onnx: Path | HeldFile, todo: Sequence[list[int]]
) -> tuple[str, str]:
    rows, pixels = _decode_some(images, backbone, todo)
    if len(rows) < FEWEST_PICTURES // 2:
        return FP32, f"only {len(rows)} of the pictures to compare on can be decoded"
    try:
        runtimes = [
            make_runtime(replace(backbone, spec=backbone.spec.in_precision(precision)), onnx, "cpu")
            for precision in PRECISIONS
        ]
        reference, candidate = run_in_turn(runtimes, pixels)
    except BackboneError as error:
        return FP32, str(error)
    found = compare(reference, candidate, [images.labels[row] for row in rows])
    return found.precision, found.reason


def _decode_some(
    images: ImageTable, backbone: Backbone, todo: Sequence[list[int]]
) -> tuple[list[int], list[NDArray[np.uint8]]]:
    """Decode pictures that are spread over the contents in order of sha256, which is no order of the pictures."""
    wanted = int(np.clip(len(todo) * PICTURES_SHARE, FEWEST_PICTURES, MOST_PICTURES))
    by_content = sorted((images.sha256[rows[0]], rows[0]) for rows in todo)
    rows, pixels = [], []
    with journal() as notes:
        for at in np.linspace(0, len(by_content) - 1, min(wanted, len(by_content))).astype(int):
            key, row = by_content[at]
            if key in notes.suspects:  # one that may have stopped an earlier run; the extraction checks it
                continue
            try:
                data = images.read_bytes(row)
                with notes.decoding(key):
                    made = image_pixels(data, backbone.spec)[1]
            except ImageError:  # the extraction reports it
                continue
            rows.append(row)
            pixels.append(made)
    return rows, pixels


def run_in_turn(
    runtimes: Sequence[Callable[[NDArray[np.uint8]], Features]], pixels: Sequence[NDArray[np.uint8]]
) -> list[Measured]:
    """Run networks on `IN_A_ROW` pictures each in turn; return features, (n, dim), and CPU seconds of each network."""
    features: list[list[Features]] = [[] for _ in runtimes]
    seconds = np.zeros(len(runtimes))
    for start in range(0, len(pixels), IN_A_ROW):
        for i, runtime in enumerate(runtimes):
            runtime(pixels[start][None])  # its weights are not in the processor's caches
            before = time.process_time()
            features[i] += [runtime(picture[None])[0] for picture in pixels[start : start + IN_A_ROW]]
            seconds[i] += time.process_time() - before
    return [(np.stack(rows), float(spent)) for rows, spent in zip(features, seconds, strict=True)]


def compare(reference: Measured, candidate: Measured, labels: Sequence[str | None]) -> Comparison:
    """Compare the features of the same pictures in two precisions.

    Parameters
    ----------
    reference, candidate : (features (n, dim) float32, CPU seconds)
    labels : sequence of str or None, one per picture
    """
    (a, seconds), (b, faster) = reference, candidate
    first, second = _nearest(a), _nearest(b)
    names = np.array([f"{i} has none" if label is None else f"label {label}" for i, label in enumerate(labels)])
    known = np.array([np.count_nonzero(names == name) > 1 for name in names])
    hits = [(names[rows] == names[:, None])[known].mean(1) for rows in (first, second)]
    lost = hits[0] - hits[1]
    return Comparison(
        pictures=len(a),
        cosine=float((_unit(a) * _unit(b)).sum(1).mean()),
        overlap=float(np.mean([len({*x} & {*y}) / len(x) for x, y in zip(first, second, strict=True)])),
        loss=float(lost.mean()) if known.any() else None,
        loss_error=float(lost.std() / np.sqrt(len(lost))) if known.any() else 0.0,
        speedup=seconds / max(faster, 1e-9),
    )


def _nearest(features: Features) -> NDArray[np.int64]:
    """Return the rows of the nearest others by cosine after a signed square root, which the projection begins with."""
    rows = _unit(np.sign(features) * np.sqrt(np.abs(features)))
    closeness = rows @ rows.T
    np.fill_diagonal(closeness, -np.inf)
    return np.argsort(-closeness, axis=1, kind="stable")[:, : min(NEIGHBOURS, len(rows) - 1)]


def _unit(features: Features) -> Features:
    lengths = np.linalg.norm(features, axis=1, keepdims=True)
    unit: Features = (features / np.where(lengths > 0, lengths, 1)).astype(np.float32, copy=False)
    return unit
