"""Checks of assets: the next stage starts only if they pass."""

from collections.abc import Mapping

import dagster as dg
import numpy as np

from imgsim.creation import why_empty
from imgsim.deployment.package_folder import DevicePackage
from imgsim.errors import ModelFormatError
from imgsim.evaluation import Evaluation
from imgsim.features.embeddings import Embeddings
from imgsim.features.extract import Features
from imgsim.images.table import ImageTable
from imgsim.insights.registry import highlights
from imgsim.mlflow.registry import Registration
from imgsim.neighbors.graph import NeighborGraph
from imgsim.references.insight import Insight

UNIT_TOLERANCE = 1e-4
REASONS = 3  # rejected files named in a message


def specs(asset: str, blocking: Mapping[str, str], warning: Mapping[str, str] | None = None) -> list[dg.AssetCheckSpec]:
    """Make check specifications from names to descriptions; failed ``blocking`` ones stop the run."""
    stop = [dg.AssetCheckSpec(name, asset=asset, description=text, blocking=True) for name, text in blocking.items()]
    warn = [dg.AssetCheckSpec(name, asset=asset, description=text) for name, text in (warning or {}).items()]
    return stop + warn


IMAGES = specs("images", {"not_empty": "At least one image.", "rejected_share": "Few enough files are unreadable."})
FEATURES = specs(
    "features",
    {
        "one_per_image": "Every accepted image has one feature.",
        "rejected_share": "Few enough files are undecodable.",
    },
)
EMBEDDINGS = specs("embeddings", {"finite": "No NaN, no infinity.", "unit_vectors": "Projected vectors have length 1."})
GRAPH = specs("neighbor_graph", {"invariants": "No self-edges, no repeats, ids in range, distances ascending."})
EVALUATION = specs("evaluation", {"recall_floor": "The graph finds enough of the true neighbours."})
REGISTRY = specs("registered_model", {}, {"no_worse_than_champion": "The promotion rule accepts this model."})
INSIGHTS = specs("leaks", {}, {"splits_apart": "No picture is in two splits."})

_VERIFIED = {"verified": "What was exported was run here and agrees with Python."}
COREML, ONNX = specs("coreml_package", _VERIFIED), specs("onnx_package", _VERIFIED)


def check_images(images: ImageTable, max_rejected_share: float) -> list[dg.AssetCheckResult]:
    """Return the results for `IMAGES`."""
    empty = "" if len(images) else f"no image in {why_empty(images)}"
    return [_result("not_empty", not empty, empty, images=len(images)), _rejected(images, max_rejected_share)]


def check_features(features: Features, max_rejected_share: float) -> list[dg.AssetCheckResult]:
    """Return the results for `FEATURES`."""
    rows = len(features.images) - features.vectors.missing()
    return [
        _result("one_per_image", 0 < rows == len(features.images), features=rows, images=len(features.images)),
        _rejected(features.images, max_rejected_share),
    ]


def check_embeddings(embeddings: Embeddings, rows: int) -> list[dg.AssetCheckResult]:
    """Return the results for `EMBEDDINGS`; raw features need not be unit vectors."""
    matrix = embeddings.matrix
    finite = len(matrix) == rows and bool(np.isfinite(matrix).all())
    norms = np.linalg.norm(matrix, axis=1)
    off = float(np.abs(norms - 1).max()) if len(norms) and embeddings.projection is not None else 0.0
    return [
        _result("finite", finite, vectors=len(matrix), images=rows),
        _result(
            "unit_vectors", off <= UNIT_TOLERANCE, largest_deviation=off, projected=embeddings.projection is not None
        ),
    ]


def check_graph(graph: NeighborGraph, rows: int) -> list[dg.AssetCheckResult]:
    """Return the results for `GRAPH`."""
    problem = "" if len(graph) == rows else f"{len(graph)} rows for {rows} images."
    try:
        graph.check()
    except ModelFormatError as error:
        problem = str(error)
    return [_result("invariants", not problem, problem, problem=problem, edges=int(graph.neighbors.size))]


def check_evaluation(evaluation: Evaluation, min_recall: float) -> list[dg.AssetCheckResult]:
    """Return the results for `EVALUATION`."""
    recall = evaluation.metrics.get(f"recall_at_{evaluation.k}", 1.0)
    low = f"recall@{evaluation.k} is {recall:.3f}, and must be {min_recall:.3f}."
    return [_result("recall_floor", recall >= min_recall, low, recall=recall, floor=min_recall)]


def check_insight(insight: Insight, max_leaks: int) -> list[dg.AssetCheckResult]:
    """Return the results for `INSIGHTS`, which check leaks; none for another insight."""
    if insight.name != "leaks":
        return []
    found = len(highlights(insight))
    return [
        dg.AssetCheckResult(
            check_name="splits_apart",
            passed=found <= max_leaks,
            severity=dg.AssetCheckSeverity.WARN,
            metadata={"leaks": found, "limit": max_leaks},
        )
    ]


def check_package(package: DevicePackage, enabled: bool) -> list[dg.AssetCheckResult]:
    """Return the results for `COREML` or `ONNX`: a package that disagrees stops the run, a missing one does not."""
    report = package.verification
    if report is None:
        severity = dg.AssetCheckSeverity.WARN
        facts = {"reason": package.reason}
        return [dg.AssetCheckResult(check_name="verified", passed=not enabled, severity=severity, metadata=facts)]
    return [
        _result("verified", report.passed, report.reason, status=report.status, reason=report.reason, **report.metrics)
    ]


def check_registration(done: Registration) -> list[dg.AssetCheckResult]:
    """Return the results for `REGISTRY`."""
    severity, facts = dg.AssetCheckSeverity.WARN, {"reason": done.reason}
    return [
        dg.AssetCheckResult(
            check_name="no_worse_than_champion", passed=done.champion, severity=severity, metadata=facts
        )
    ]


def failed(results: list[dg.AssetCheckResult]) -> str:
    """Return the names of the failed checks that stop a run, comma separated; empty when none."""
    return ", ".join(str(r.check_name) for r in results if not r.passed and r.severity is dg.AssetCheckSeverity.ERROR)


def _rejected(images: ImageTable, limit: float) -> dg.AssetCheckResult:
    rejected = len(images.rejected)
    share = rejected / max(1, rejected + len(images))
    first = "; ".join(f"{row.path}: {row.reason}" for row in images.rejected.head(REASONS).itertuples())
    found = (
        f"{rejected:,} of {rejected + len(images):,} files were rejected, more than {limit:.0%}. The first: {first}."
    )
    return _result("rejected_share", share <= limit, found, rejected=rejected, share=share, limit=limit)


def _result(name: str, passed: bool, found: str = "", **facts: float | int | bool | str) -> dg.AssetCheckResult:
    """Make a result; ``found`` is its description if the check failed."""
    description = None if passed else found or None
    return dg.AssetCheckResult(check_name=name, passed=passed, description=description, metadata=facts)
