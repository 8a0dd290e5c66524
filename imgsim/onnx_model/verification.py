"""Verification of a saved ONNX model: ONNX Runtime runs it, and its answers are compared with Python's."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from imgsim.backbones.spec import BackboneSpec
from imgsim.deployment.metadata import COMPRESSION, OUTPUTS, PRECISION
from imgsim.deployment.probes import Probe, chosen_probes
from imgsim.deployment.rows import centered_rows, deviation
from imgsim.deployment.verification import LIMITS, VerificationReport, answered_distances, report
from imgsim.errors import OnnxModelError
from imgsim.io.paths import absolute
from imgsim.onnx_model.build import HEAD
from imgsim.onnx_model.head import NAMES, ROWS, STEPS
from imgsim.onnx_model.loaded_model import OnnxModel

if TYPE_CHECKING:
    from imgsim.references.references import References


def largest_side(spec: BackboneSpec) -> int:
    """Return the most pixels of a side of the test images: large enough to be resized, small enough for an app."""
    return 2 * max(spec.height, spec.width, spec.crop_from)


def verify(path: str | Path, references: References, images: int | Sequence[Any] = 8) -> VerificationReport:
    """Compare a saved ONNX model with the model that it was exported from.

    Parameters
    ----------
    path : str or Path
        The ``.onnx`` file.
    references : References
        Its network, projection and exact euclidean distances are the truth.
    images : int or list of path, bytes, uint8 (h, w, 3)
        Number of reference images to compare, or images of your own. A model of any size gets them in their own size,
        and resizes them itself.

    Raises
    ------
    ModelFormatError
        There is no file, or it is damaged.
    OnnxModelError
        It is no export of imgsim, or cannot run.
    """
    largest = largest_side(references.backbone)
    return compare(absolute(path), references, chosen_probes(references, images, largest=largest))


def compare(path: Path, references: References, probes: Sequence[Probe]) -> VerificationReport:
    """Compare a saved ONNX model with a model by given probes; see `verify`."""
    model = OnnxModel(path)
    kind, precision = model.metadata.get(OUTPUTS, ""), model.metadata.get(PRECISION, "")
    if precision not in LIMITS or set(model.outputs) != set(NAMES.get(kind, ())):
        raise OnnxModelError(f"{path} is no export of imgsim: its metadata {OUTPUTS} and {PRECISION} are missing.")
    answers = [
        answered_distances(
            model.run(probe.picture if model.any_size else probe.pixels), kind, references, str(model.path)
        )
        for probe in probes
    ]
    if any(len(answer) != len(references) for answer in answers):
        raise OnnxModelError(f"{path} has {len(answers[0])} references, and the model {len(references)}.")
    error = 0.0 if kind == "features" else _stored_rows_error(path, references)
    return report(probes, answers, error, precision, model.metadata.get(COMPRESSION, "none") != "none")


def _stored_rows_error(path: Path, references: References) -> float:
    """Return the deviation of all stored reference rows; top-k answers would show only a few."""
    import onnx
    from onnx import numpy_helper

    wanted, _ = centered_rows(references.embeddings, references.projection is not None)
    graph = onnx.load(path).graph
    found = {item.name.removeprefix(f"{HEAD}/"): item for item in graph.initializer}
    if ROWS not in found or tuple(found[ROWS].dims) != wanted.shape:
        raise OnnxModelError(f"{path} holds no matrix of {wanted.shape} reference rows: export it again.")
    stored = numpy_helper.to_array(found[ROWS])
    if STEPS not in found:
        return deviation(stored, None, wanted)
    steps = numpy_helper.to_array(found[STEPS]).astype(np.float64)[:, None]
    return deviation(stored.astype(np.float64) * steps, steps, wanted)
