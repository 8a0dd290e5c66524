"""Metadata of a package, and its side file with ids, labels and golden images for an app's own test."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np

from imgsim.backbones.spec import PREPROCESSING
from imgsim.coreml.export.convert import CLASS, INPUT, SCORES
from imgsim.coreml.export.options import ExportOptions
from imgsim.coreml.export.probes import Probe
from imgsim.distribution import installed_version

if TYPE_CHECKING:
    from imgsim.references.references import References

FORMAT = 1
CROP = "scaleFill"
METRIC = "euclidean"
IDS = "imgsim.reference_ids"
LABELS = "imgsim.labels"
OUTPUTS = "imgsim.outputs"
PRECISION = "imgsim.precision"
COMPRESSION = "imgsim.compression"
RUN = "imgsim.mlflow_run_id"
GOLDEN = 3
NEAREST = 10
_MEANING = {
    "distance": "Euclidean distance to each reference image, in the order of imgsim.reference_ids.",
    "indices": "Rows of the nearest reference images, nearest first.",
    "distances": "Their euclidean distances.",
    "features": "The embedding: euclidean distances between embeddings are the distances of imgsim.",
    CLASS: "Id of the nearest reference image.",
    SCORES: "1 / (1 + distance) by reference id.",
}


def user_metadata(
    references: References,
    options: ExportOptions,
    ids: Sequence[str] | None,
    labels: Sequence[str] | None,
    mlflow_run_id: str | None,
) -> dict[str, str]:
    """Return the user-defined metadata of the package; Core ML takes strings only.

    ``model`` and ``num_examples`` are the keys that Turi Create wrote.
    """
    spec, projection = references.backbone, references.projection
    values = {
        "imgsim.version": installed_version(),
        "imgsim.coremltools": version("coremltools"),
        "imgsim.torch": version("torch"),
        "imgsim.model": spec.name,
        "imgsim.fingerprint": spec.fingerprint,
        "imgsim.weights": spec.weights,
        "imgsim.weights_licence": spec.licence,
        "imgsim.model_digest": references.digest,
        "imgsim.metric": METRIC,
        "imgsim.num_references": str(len(references)),
        "imgsim.feature_dim": str(references.embeddings.shape[1]),
        "imgsim.projection": "none" if projection is None else f"{projection.features} to {projection.dims}",
        "imgsim.input_size": f"{spec.width}x{spec.height}",
        "imgsim.preprocessing": PREPROCESSING,
        "imgsim.crop_and_scale": CROP,
        "imgsim.mean_std": json.dumps([spec.mean, spec.std]),
        OUTPUTS: options.outputs,
        PRECISION: options.arithmetic,
        COMPRESSION: options.compress or "none",
        "model": spec.name,
        "num_examples": str(len(references)),
    }
    values |= {} if ids is None else {IDS: _json(ids)}
    values |= {} if labels is None else {LABELS: _json(labels)}
    return values | ({} if mlflow_run_id is None else {RUN: mlflow_run_id})


def describe(mlmodel: Any, about: dict[str, str], author: str, license: str, version: str, description: str) -> None:
    """Write the metadata that Xcode shows and that apps read into coremltools' ``mlmodel``."""
    mlmodel.author, mlmodel.license, mlmodel.version, mlmodel.short_description = author, license, version, description
    for key, value in about.items():
        mlmodel.user_defined_metadata[key] = value
    mlmodel.input_description[INPUT] = "The picture, stretched to this size (Vision: scaleFill)."
    for output in mlmodel.get_spec().description.output:
        mlmodel.output_description[output.name] = _MEANING[output.name]


def default_description(references: References, options: ExportOptions) -> str:
    """Return a description of one sentence, shown by Xcode."""
    if options.outputs == "features":
        dims = references.embeddings.shape[1]
        return f"Image embeddings of {dims} values by {references.backbone.name}; made with imgsim."
    return f"Similarity to {len(references):,} reference images by {references.backbone.name}; made with imgsim."


def side_file(
    references: References,
    options: ExportOptions,
    ids: Sequence[str] | None,
    labels: Sequence[str] | None,
    probes: Sequence[Probe],
    about: dict[str, str],
) -> str:
    """Return the JSON text of ``<name>.references.json``, which the Swift package reads.

    ``golden`` holds test images (PNG of the input size, base64) with the nearest references that Python
    finds; with ``outputs="features"`` also the vector.
    """
    names = [str(row) for row in range(len(references))] if ids is None else list(ids)
    document: dict[str, Any] = {
        "format": FORMAT,
        "ids": [] if ids is None else names,
        "metric": METRIC,
        "crop_and_scale": CROP,
        "input": {"name": INPUT, "width": references.backbone.width, "height": references.backbone.height},
        "outputs": options.outputs,
        "golden": [_golden(probe, names, options.outputs == "features") for probe in probes[:GOLDEN]],
        "about": {key: value for key, value in about.items() if key not in (IDS, LABELS)},
    }
    return _json(document | ({} if labels is None else {"labels": list(labels)})) + "\n"


def _golden(probe: Probe, names: Sequence[str], vector: bool) -> dict[str, Any]:
    from PIL import Image

    png = io.BytesIO()
    Image.fromarray(probe.pixels).save(png, "png", optimize=True)
    nearest = np.argsort(probe.distances, kind="stable")[:NEAREST]
    golden: dict[str, Any] = {
        "png": base64.b64encode(png.getvalue()).decode(),
        "nearest": [{"id": names[row], "distance": _short(probe.distances[row])} for row in nearest],
    }
    return golden | ({"features": [_short(value) for value in probe.embedding]} if vector else {})


def _short(value: np.float32) -> float:
    """Return the shortest decimal number that rounds to this float32."""
    return float(str(value))


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
