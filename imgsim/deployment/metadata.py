"""Metadata that every export holds: names of its keys, their values, and the meaning of each output."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from imgsim.backbones.spec import PREPROCESSING, BackboneSpec
from imgsim.distribution import installed_version

if TYPE_CHECKING:
    from imgsim.references.references import References

METRIC = "euclidean"
IDS = "imgsim.reference_ids"
LABELS = "imgsim.labels"
OUTPUTS = "imgsim.outputs"
PRECISION = "imgsim.precision"
COMPRESSION = "imgsim.compression"
CROP_AND_SCALE = "imgsim.crop_and_scale"
REFINED = "imgsim.refined"
RUN = "imgsim.mlflow_run_id"
INPUT = "image"
"""Name of the input."""
MEANING = {
    "distance": "Euclidean distance to each reference image, in the order of imgsim.reference_ids.",
    "indices": "Rows of the nearest reference images, nearest first.",
    "distances": "Their euclidean distances.",
    "features": "The embedding: euclidean distances between embeddings are the distances of imgsim.",
}


def common_metadata(
    references: References,
    outputs: str,
    precision: str,
    compress: str | None,
    crop_and_scale: str,
    ids: Sequence[str] | None,
    labels: Sequence[str] | None,
    mlflow_run_id: str | None,
) -> dict[str, str]:
    """Return the metadata of an export, strings only.

    ``model`` and ``num_examples`` are the keys that Turi Create wrote.
    """
    spec, projection = references.backbone, references.projection
    values = {
        "imgsim.version": installed_version(),
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
        "imgsim.resize": _resize(spec),
        CROP_AND_SCALE: crop_and_scale,
        "imgsim.mean_std": json.dumps([spec.mean, spec.std]),
        OUTPUTS: outputs,
        PRECISION: precision,
        COMPRESSION: compress or "none",
        "model": spec.name,
        "num_examples": str(len(references)),
    }
    values |= {} if references.plain is None else {REFINED: "references, not queries"}
    values |= {} if ids is None else {IDS: compact_json(ids)}
    values |= {} if labels is None else {LABELS: compact_json(labels)}
    return values | ({} if mlflow_run_id is None else {RUN: mlflow_run_id})


def default_description(references: References, outputs: str) -> str:
    """Return a description of the model in one sentence."""
    if outputs == "features":
        dims = references.embeddings.shape[1]
        return f"Image embeddings of {dims} values by {references.backbone.name}; made with imgsim."
    return f"Similarity to {len(references):,} reference images by {references.backbone.name}; made with imgsim."


def compact_json(value: Any) -> str:
    """Return JSON without spaces, and with letters of all languages as they are."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _resize(spec: BackboneSpec) -> str:
    """Describe in words how Python resizes a picture for the network."""
    size = f"{spec.width}x{spec.height}"
    if spec.crop_from:
        return f"{spec.interpolation}, antialiased: shorter side to {spec.crop_from}, centre crop {size}"
    return f"{spec.interpolation}, antialiased: stretched to {size}"
