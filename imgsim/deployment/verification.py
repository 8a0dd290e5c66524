"""Verification of an export: its answers to test images are compared with Python's, against limits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from imgsim.deployment.probes import Probe
from imgsim.errors import DeploymentError
from imgsim.neighbors.exact import true_distances

if TYPE_CHECKING:
    from imgsim.references.references import References

Distances = NDArray[np.float32]

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
AT_LEAST = ("top1", "topk")
"""Metrics that must not be below their limit; all others must not be above."""


@dataclass(frozen=True)
class VerificationReport:
    """Result of the comparison of an exported model with Python.

    ``status`` is ``"passed"``, ``"failed"`` or ``"not verified"``, ``reason`` says why in one sentence.
    ``images`` were compared; ``sources`` counts where they came from (``file``, ``thumbnail``,
    ``generated``, ``given``).

    ``metrics``, of the distances that the model answered with, of all images:

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
        """True if the model was run and agreed."""
        return self.status == PASSED

    def to_dict(self) -> dict[str, Any]:
        """Return a form that JSON can hold."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> VerificationReport:
        """Read the form that `to_dict` gives."""
        return cls(**values)


def answered_distances(answer: Mapping[str, Any], kind: str, references: References, name: str) -> Distances:
    """Return the (n,) distances of a model's answer; NaN for rows that it leaves out (``"topk"``).

    Parameters
    ----------
    kind : {"distance", "topk", "features"}
    name : str
        Of the model, for messages.

    Raises
    ------
    DeploymentError
        The answer names a row that there is not.
    """
    n = len(references)
    if kind == "features":
        measured: Distances = true_distances(answer["features"][None], references.embeddings, np.arange(n)[None])[0]
        return measured
    if kind == "topk":
        distances = np.full(n, np.nan, np.float32)
        rows = answer["indices"]
        if rows.min() < 0 or rows.max() >= n:
            raise DeploymentError(f"{name} names row {int(rows.max())} of {n}: its indices are wrong.")
        distances[rows] = answer["distances"]
        return distances
    return np.asarray(answer["distance"], np.float32)


def report(
    probes: Sequence[Probe], answers: Sequence[Distances], reference_error: float, precision: str, compressed: bool
) -> VerificationReport:
    """Compare the (n,) distances of each probe with Python's; ``precision`` is a key of `LIMITS`."""
    metrics, k = _measure(probes, answers)
    metrics["reference_error"] = reference_error
    limits = dict(LIMITS["mixed" if compressed else precision])
    sources = dict(Counter(probe.source for probe in probes))
    status, reason = _judge(metrics, limits)
    return VerificationReport(status, reason, len(probes), k, sources, metrics, limits)


def _measure(probes: Sequence[Probe], answers: Sequence[Distances]) -> tuple[dict[str, float], int]:
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
        return FAILED, "it answers with infinity or NaN: its values are too large for its precision."
    broken = [
        f"{name} {metrics[name]:.4g} (limit {limit:g})"
        for name, limit in limits.items()
        if (metrics[name] < limit if name in AT_LEAST else not metrics[name] <= limit)
    ]
    return (FAILED, f"it disagrees with Python: {', '.join(broken)}.") if broken else (PASSED, "it agrees with Python.")
