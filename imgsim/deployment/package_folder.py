"""`DevicePackage`: an export in a folder, stored with a model or a Dagster asset; or the reason why there is none."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imgsim.deployment.device_export import DeviceExport
from imgsim.deployment.files import size_of
from imgsim.deployment.verification import VerificationReport
from imgsim.errors import BackboneError, DeploymentError, MissingExtraError, ModelFormatError
from imgsim.io.atomic import atomic_folder
from imgsim.io.hashing import folder_sha256
from imgsim.io.untrusted import read_json

if TYPE_CHECKING:
    from imgsim.references.references import References

NOTES = "export.json"
Export = Callable[..., DeviceExport]
Verify = Callable[..., VerificationReport]


@dataclass(frozen=True)
class DevicePackage:
    """Model for devices with its side file and ``export.json``, all in ``folder``.

    ``name`` is that of the model's file or package, ``facts`` are those of `DeviceExport`. If the export failed,
    ``folder`` is None and ``reason`` says why.
    """

    folder: Path | None = None
    name: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    verification: VerificationReport | None = None
    reason: str = ""

    @property
    def path(self) -> Path | None:
        """Path of the model; None if the export failed."""
        return None if self.folder is None else self.folder / self.name

    @property
    def passed(self) -> bool:
        """True if there is a model and its verification passed."""
        return self.verification is not None and self.verification.passed

    @property
    def digest(self) -> str:
        """Hexadecimal sha256 of the files, or of the reason."""
        return hashlib.sha256(self.reason.encode()).hexdigest() if self.folder is None else folder_sha256(self.folder)

    @classmethod
    def describe(cls, export: DeviceExport, verification: VerificationReport) -> DevicePackage:
        """Write ``export.json`` beside an export, whose folder holds nothing else."""
        left_out = ("path", "references", "verification", "seconds")  # of this machine and this run
        facts = {key: value for key, value in export.to_dict().items() if key not in left_out}
        made = cls(export.path.parent, export.path.name, facts, verification)
        made._write(export.path.parent)
        return made

    def save(self, folder: Path) -> None:
        """Copy the files to ``folder``, or write the reason there."""
        if self.folder is None:
            self._write(folder)
        else:
            shutil.copytree(self.folder, folder, dirs_exist_ok=True)

    def _write(self, folder: Path) -> None:
        verification = None if self.verification is None else self.verification.to_dict()
        notes = {"name": self.name, "reason": self.reason, "facts": self.facts, "verification": verification}
        (folder / NOTES).write_text(json.dumps(notes, indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> DevicePackage:
        """Read what `save` or `describe` wrote.

        Raises
        ------
        ModelFormatError
            ``export.json`` or files of the model are missing or damaged.
        """
        try:
            notes = read_json(folder / NOTES)
            if notes["reason"]:
                return cls(reason=notes["reason"])
            name, facts = notes["name"], notes["facts"]
            complete = size_of(folder / name) == facts["bytes"]
            verification = VerificationReport.from_dict(notes["verification"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ModelFormatError(f"{folder} holds no export: {error}. Export it again.") from error
        if not complete:
            raise ModelFormatError(f"{folder / name} is not the size it was exported with; export it again.")
        return cls(folder, name, facts, verification)


def export_package(
    references: References, folder: Path, name: str, export: Export, verify: Verify, images: int = 8, **options: Any
) -> DevicePackage:
    """Export a model as ``name`` into ``folder``, run it here, and note how it agrees with Python.

    Where it cannot be exported, the folder holds the reason instead. What was in the folder before is replaced.

    Parameters
    ----------
    name : str
        Of the file or package, with its suffix.
    export, verify : function
        `imgsim.coreml.export_coreml` and `imgsim.coreml.verify`, or those of `imgsim.onnx_model`.
    images : int
        Images that are compared with Python.
    options
        Those of ``export``.
    """
    with atomic_folder(folder, overwrite=True) as temporary:
        try:
            done = export(references, temporary / name, verify=0, **options)
        except (DeploymentError, MissingExtraError, BackboneError) as error:
            DevicePackage(reason=str(error)).save(temporary)
        else:
            DevicePackage.describe(done, verify(done.path, references, images))
    return DevicePackage.load(folder)
