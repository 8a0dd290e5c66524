"""Verification of a saved package: it is run by imgsim's interpreter and its answers are compared with Python's."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from imgsim.coreml.export.convert import NAMES, SCORES
from imgsim.coreml.export.stored_rows import stored_rows_error
from imgsim.coreml.runtime.interpreter import Interpreter
from imgsim.deployment.metadata import COMPRESSION, IDS, OUTPUTS, PRECISION
from imgsim.deployment.probes import Probe, chosen_probes
from imgsim.deployment.rows import centered_rows
from imgsim.deployment.verification import (
    LIMITS,
    NOT_VERIFIED,
    Distances,
    VerificationReport,
    answered_distances,
    report,
)
from imgsim.errors import CoreMLError, UnsupportedOperationError
from imgsim.io.paths import absolute

if TYPE_CHECKING:
    from imgsim.references.references import References


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
    return compare(absolute(path), references, chosen_probes(references, images), accumulate)


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
    return report(probes, answers, deviation, precision, package.metadata.get(COMPRESSION, "none") != "none")


def _distances(answer: Mapping[str, Any], package: Interpreter, kind: str, references: References) -> Distances:
    """Return the (n,) distances of a package's answer; those of a classifier follow from its scores."""
    if kind != "classifier":
        return answered_distances(answer, kind, references, str(package.path))
    scores = answer[SCORES]
    values = np.array([scores[key] for key in json.loads(package.metadata[IDS])], np.float32)
    with np.errstate(divide="ignore"):
        return np.asarray(1 / values - 1, np.float32)
