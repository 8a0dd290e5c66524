"""The Core ML export: agreement with Python on pictures it has not seen, size, cost and peak memory."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import imgsim
from imgsim.coreml import verify
from imgsim.deployment import VerificationReport
from imgsim.model import SimilarityModel
from tests.benchmarks import prepared
from tests.benchmarks.measure import peak_memory_mb, run_python
from tests.benchmarks.settings import Row, Settings

QUERIES, SELVES = 100, 25
VARIANTS = (("float32", ""), ("mixed", ""), ("mixed", "int8"))
LIMITS: dict[tuple[str, str], dict[str, float]] = {
    ("float32", ""): {"ceiling_relative_error_max": 1e-3, "floor_topk": 1.0},
    ("mixed", ""): {"floor_top1": 1.0, "floor_topk": 0.97, "ceiling_self_distance": 0.1},
    ("mixed", "int8"): {},
}
FOR_ALL = {"ceiling_export_cpu_s": 60.0, "ceiling_peak_mb": 2000.0}
CEILING_REFERENCES_MB = 5.0


def measure(settings: Settings) -> list[Row]:
    """A row per precision, each exported in a fresh process; with limits where the collection is the reference."""
    folder = prepared.model_folder(settings)
    unseen = prepared.new_pictures(settings, QUERIES)
    model = imgsim.load_model(folder)
    known = dict(zip(*_located(settings), strict=True))
    stored = [known[path] for path in model.images.paths[:: max(1, len(model) // SELVES)][:SELVES]]
    return [_variant(settings, model, unseen, stored, *variant) for variant in VARIANTS]


def _located(settings: Settings) -> tuple[Sequence[str], Sequence[str]]:
    images = imgsim.load_images(settings.images)
    return images.paths, images.locations


def _variant(
    settings: Settings,
    model: SimilarityModel,
    unseen: Sequence[Path],
    stored: Sequence[str],
    precision: str,
    compress: str,
) -> Row:
    """``references_mb``: rows and distances, by the size of an export without them; the projection is counted apart."""
    name = f"{precision} {compress}".strip()
    package, cost, peak = _export(settings, "distance", precision, compress)
    bare = _without_references(settings, precision)
    projection = 0 if model.projection is None else model.projection.components.nbytes + model.projection.mean.nbytes
    path = _target(settings, "distance", precision, compress)
    found, itself = verify(path, model.references, unseen), verify(path, model.references, stored)
    row: Row = {"what": name, "references": len(model), "dimensions": model.embeddings.shape[1]}
    row |= {"package_mb": package, "references_mb": package - bare, "projection_mb": projection / 1e6}
    row |= {"export_cpu_s": cost, "peak_mb": peak, "queries": found.images}
    row |= _figures(found, itself)
    if settings.reference:
        row |= LIMITS[precision, compress] | FOR_ALL | {"ceiling_references_mb": CEILING_REFERENCES_MB}
    return row


def _figures(found: VerificationReport, itself: VerificationReport) -> dict[str, float]:
    names = ("relative_error_max", "relative_error_mean", "top1", "topk")
    return {name: found.metrics[name] for name in names} | {"self_distance": itself.metrics["self_distance"]}


def _target(settings: Settings, *parts: str) -> Path:
    return settings.work / "coreml" / f"{'-'.join(filter(None, parts))}.mlpackage"


@cache
def _without_references(settings: Settings, precision: str) -> float:
    """Megabytes of the network and the projection alone."""
    return _export(settings, "features", precision, "")[0]


def _export(settings: Settings, outputs: str, precision: str, compress: str) -> tuple[float, float, float]:
    """Megabytes of the package; CPU seconds and peak megabytes of the process, from start to verified."""
    arguments = [str(settings.work / "settings.json"), outputs, precision, compress]
    done = run_python(["-m", "tests.benchmarks.coreml", *arguments], os.environ)
    size, peak = done.output.split()[-2:]
    return float(size), done.cost.cpu, float(peak)


def export(notes: Path, outputs: str, precision: str, compress: str) -> None:
    """In the fresh process: load the model, export and verify it, print megabytes and peak megabytes."""
    settings = Settings.load(notes)
    done = imgsim.load_model(settings.work / "model").export_coreml(
        _target(settings, outputs, precision, compress),
        outputs=outputs,
        precision=precision,
        compress=compress or None,
        backbone=settings.backbone,
        weights=settings.weights,
        overwrite=True,
    )
    print(f"{done.bytes / 1e6:.3f} {peak_memory_mb():.1f}")


if __name__ == "__main__":
    export(Path(sys.argv[1]), *sys.argv[2:5])
