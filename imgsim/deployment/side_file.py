"""Side file of an export: ids, labels, and golden images with their answers for an app's own test."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from imgsim.deployment.metadata import CROP_AND_SCALE, IDS, INPUT, LABELS, METRIC, OUTPUTS, compact_json
from imgsim.deployment.probes import Probe

if TYPE_CHECKING:
    from imgsim.references.references import References

FORMAT = 1
GOLDEN = 3
NEAREST = 10


def side_file(
    references: References,
    ids: Sequence[str] | None,
    labels: Sequence[str] | None,
    probes: Sequence[Probe],
    about: Mapping[str, str],
    *,
    any_size: bool = False,
) -> str:
    """Return the JSON text of ``<name>.references.json``, which apps read.

    ``golden`` holds test images (PNG, base64) with the nearest references that Python finds; with
    ``outputs="features"`` also the vector. They have the input size, unless the model takes ``any_size``.

    Parameters
    ----------
    ids, labels : sequence of n str, optional
        Of the references; None leaves them out.
    about : mapping of str to str
        The model's metadata.
    """
    names = [str(row) for row in range(len(references))] if ids is None else list(ids)
    spec, outputs = references.backbone, about[OUTPUTS]
    document: dict[str, Any] = {
        "format": FORMAT,
        "ids": [] if ids is None else names,
        "metric": METRIC,
        "crop_and_scale": about[CROP_AND_SCALE],
        "input": {"name": INPUT, "width": spec.width, "height": spec.height} | ({"any_size": True} if any_size else {}),
        "outputs": outputs,
        "golden": [_golden(probe, names, outputs == "features", any_size) for probe in probes[:GOLDEN]],
        "about": {key: value for key, value in about.items() if key not in (IDS, LABELS)},
    }
    return compact_json(document | ({} if labels is None else {"labels": list(labels)})) + "\n"


def _golden(probe: Probe, names: Sequence[str], vector: bool, any_size: bool) -> dict[str, Any]:
    from PIL import Image

    png = io.BytesIO()
    Image.fromarray(probe.picture if any_size else probe.pixels).save(png, "png", optimize=True)
    nearest = np.argsort(probe.distances, kind="stable")[:NEAREST]
    golden: dict[str, Any] = {
        "png": base64.b64encode(png.getvalue()).decode(),
        "nearest": [{"id": names[row], "distance": _short(probe.distances[row])} for row in nearest],
    }
    return golden | ({"features": [_short(value) for value in probe.embedding]} if vector else {})


def _short(value: np.float32) -> float:
    """Return the shortest decimal number that rounds to this float32."""
    return float(str(value))
