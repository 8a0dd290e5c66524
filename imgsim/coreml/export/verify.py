"""Verification of a saved package: it is run by imgsim's interpreter and its answers are compared with Python's."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from imgsim.coreml.export.convert import NAMES, SCORES
from imgsim.coreml.export.metadata import COMPRESSION, IDS, OUTPUTS, PRECISION
from imgsim.coreml.export.network import centered_rows
from imgsim.coreml.export.probes import Probe, given_probes, reference_probes
from imgsim.coreml.export.stored_rows import stored_rows_error
from imgsim.coreml.runtime.interpreter import Interpreter
from imgsim.errors import ArgumentError, CoreMLError, UnsupportedOperationError
from imgsim.neighbors.exact import true_distances

if TYPE_CHECKING:
    from imgsim.references.references import References

PASSED, FAILED, NOT_VERIFIED = "passed", "failed", "not verified"
NEIGHBORS = 10
_CLOSE = 0.05
_TIE = 1e-6

# The largest error that rounding explains; figures that must not be below are negated. Measured on Caltech-101 with
# MobileNetV2: float32 8e-6, mixed 0.039 and 0.0007 on average, int8 0.06 and 0.003; swapped channels 0.5 and 0.05.
_ROUNDED = {
    "relative_error_max": 0.1,
    "relative_error_mean": 0.01,
    "self_distance": 0.2,
    "reference_error": 1.0,
    "top1": 0.85,
    "topk": 0.85,
}
LIMITS: Mapping[str, Mapping[str, float]] = {
    "float32": {
        "relative_error_max": 1e-3,
        "relative_error_mean": 1e-4,
        "self_distance": 0.01,
        "reference_error": 1.0,
        "top1": 1.0,
        "topk": 0.99,
    },
    "mixed": _ROUNDED,
    "float16": _ROUNDED,
}
_AT_LEAST = ("top1", "topk")


@dataclass(frozen=True)
class VerificationReport:
    """Result of the comparison of a package with Python.

    ``status`` is ``"passed"``, ``"failed"`` or ``"not verified"``, ``reason`` says why in one sentence.
    ``images`` were compared; ``sources`` counts where they came from (``file``, ``thumbnail``,
    ``generated``, ``given``).

    ``metrics``, of the distances that the package answered with, of all images:

    - ``distance_error_max``, ``distance_error_mean``: absolute;
    - ``relative_error_max``, ``relative_error_mean``: divided by the true distance; distances below 5 %
      of the image's median (itself, its copies) are left out, and
    - ``self_distance`` is the largest error of those, as a share of the nearest other distance;
    - ``top1``, ``topk``: share of the nearest one and of the nearest k that are right;
    - ``reference_error``: largest deviation of a stored reference value, 1 being what its type may round.

    ``limits`` holds the limit of each metric.
    """

    status: str
    reason: str
    images: int = 0
    k: int = 0
    sources: Mapping[str, int] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    limits: Mapping[str, float] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """True if the package was run and agreed."""
        return self.status == PASSED

    def to_dict(self) -> dict[str, Any]:
        """Return a form that JSON can hold."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> VerificationReport:
        """Read the form that `to_dict` gives."""
        return cls(**values)


def verify(
    path: str | Path, references: References, images: int | Sequence[Any] = 8, accumulate: str = "float32"
) -> VerificationReport:
    """Compare a saved package with the model that it was exported from, on any machine.

    Parameters
    ----------
    path : str or Path
        The ``.mlpackage``.
    references : References
        Its network, projection and exact euclidean distances are the truth.
    images : int or list of path, bytes, uint8 (h, w, 3)
        Number of reference images to compare, or images of your own; Python and the package get the same pixels,
        of the network's input size.
    accumulate : {"float32", "float16"}
        ``"float16"``: round inside operations as the worst device may (slow).

    Raises
    ------
    CoreMLError
        There is no package, or it is damaged.
    """
    if isinstance(images, int) and images < 1:
        raise ArgumentError(f"images must be at least 1, not {images}.")
    probes = reference_probes(references, images) if isinstance(images, int) else given_probes(references, images)
    return compare(Path(path), references, probes, accumulate)


def compare(
    path: Path, references: References, probes: Sequence[Probe], accumulate: str = "float32"
) -> VerificationReport:
    """Compare a package with a model by given probes; see `verify`."""
    try:
        package = Interpreter(path, accumulate)
        kind, precision = package.metadata.get(OUTPUTS, ""), package.metadata.get(PRECISION, "")
        if kind not in NAMES or precision not in LIMITS:
            raise CoreMLError(f"{path} is no export of imgsim: its metadata {OUTPUTS} and {PRECISION} are missing.")
        answers = [_distances(package.run(probe.pixels), package, kind, references) for probe in probes]
        rows, _ = centered_rows(references.embeddings, references.projection is not None)
        deviation = 0.0 if kind == "features" else stored_rows_error(path, rows)
    except UnsupportedOperationError as error:
        return VerificationReport(NOT_VERIFIED, f"imgsim cannot run it ({error.operation}): {error}")
    metrics, k = _measure(probes, answers)
    metrics["reference_error"] = deviation
    limits = dict(LIMITS[precision if package.metadata.get(COMPRESSION, "none") == "none" else "mixed"])
    sources = dict(Counter(probe.source for probe in probes))
    status, reason = _judge(metrics, limits)
    return VerificationReport(status, reason, len(probes), k, sources, metrics, limits)


def _distances(
    answer: Mapping[str, Any], package: Interpreter, kind: str, references: References
) -> NDArray[np.float32]:
    """Return the (n,) distances of a package's answer; NaN for rows that it leaves out (top-k)."""
    n = len(references)
    if kind == "features":
        measured: NDArray[np.float32] = true_distances(
            answer["features"][None], references.embeddings, np.arange(n)[None]
        )[0]
        return measured
    if kind == "topk":
        distances = np.full(n, np.nan, np.float32)
        rows = answer["indices"]
        if rows.min() < 0 or rows.max() >= n:
            raise CoreMLError(f"{package.path} names row {int(rows.max())} of {n}: its indices are wrong.")
        distances[rows] = answer["distances"]
        return distances
    if kind == "classifier":
        scores = answer[SCORES]
        values = np.array([scores[key] for key in json.loads(package.metadata[IDS])], np.float32)
        with np.errstate(divide="ignore"):
            return np.asarray(1 / values - 1, np.float32)
    return np.asarray(answer["distance"], np.float32)


def _measure(probes: Sequence[Probe], answers: Sequence[NDArray[np.float32]]) -> tuple[dict[str, float], int]:
    """Compute the metrics over all probes, and the k of ``topk``."""
    n = len(answers[0])
    k = min(NEIGHBORS, n, *(int(np.isfinite(a).sum()) or n for a in answers))
    absolute, relative, close, first, shared = [], [], [0.0], [], []
    for probe, answer in zip(probes, answers, strict=True):
        truth, named = probe.distances, ~np.isnan(answer)
        if named.sum() < k or not np.isfinite(answer[named]).all():
            return {"not_finite": 1.0}, k
        error = np.abs(answer - truth)
        far = truth > _CLOSE * np.median(truth)
        nearest = float(truth[far].min()) if far.any() else float(np.linalg.norm(probe.embedding)) or 1.0
        absolute.append(error[named])
        relative.append(error[named & far] / truth[named & far])
        close.extend((error[named & ~far] / nearest).tolist())
        found = np.argsort(np.where(named, answer, np.inf), kind="stable")[:k]
        limit = np.sort(truth)[[0, k - 1]] * (1 + _TIE) + _TIE * nearest
        first.append(float(truth[found[0]] <= limit[0]))
        shared.append(float((truth[found] <= limit[1]).mean()))
    errors, shares = np.concatenate(absolute), np.concatenate(relative)
    return {
        "distance_error_max": float(errors.max()),
        "distance_error_mean": float(errors.mean()),
        "relative_error_max": float(shares.max(initial=0)),
        "relative_error_mean": float(shares.mean()) if len(shares) else 0.0,
        "self_distance": float(max(close)),
        "top1": float(np.mean(first)),
        "topk": float(np.mean(shared)),
    }, k


def _judge(metrics: Mapping[str, float], limits: Mapping[str, float]) -> tuple[str, str]:
    if "not_finite" in metrics:
        return FAILED, "it answers with infinity or NaN: its values are too large for float16."
    broken = [
        f"{name} {metrics[name]:.4g} (limit {limit:g})"
        for name, limit in limits.items()
        if (metrics[name] < limit if name in _AT_LEAST else not metrics[name] <= limit)
    ]
    return (FAILED, f"it disagrees with Python: {', '.join(broken)}.") if broken else (PASSED, "it agrees with Python.")
