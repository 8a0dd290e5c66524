"""`DeviceExport`: result of an export for devices."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from imgsim.deployment.verification import VerificationReport

MAX_MEGABYTES = 500.0
"""An export expected to be larger is refused."""


@dataclass(frozen=True)
class DeviceExport:
    """Result of an export: paths of the model and its side file, both to be added to an app, and the verification.

    ``n`` references of ``dim`` values; ``inputs`` and ``outputs`` describe the model by name.
    """

    path: Path
    references: Path
    bytes: int
    inputs: dict[str, str]
    outputs: dict[str, str]
    n: int
    dim: int
    seconds: float
    verification: VerificationReport

    def to_dict(self) -> dict[str, Any]:
        """Return a form that JSON can hold."""
        return asdict(self) | {"path": str(self.path), "references": str(self.references)}
