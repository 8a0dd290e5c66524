"""Files of a saved Core ML model: manifest, specification (protobuf) and weights."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imgsim.coreml.runtime import protobuf as messages
from imgsim.coreml.runtime.weight_file import WeightFile
from imgsim.errors import CoreMLError
from imgsim.io.paths import absolute
from imgsim.io.untrusted import read_json

MODEL_PATH = "@model_path/"
_AGAIN = "Export it again."


@dataclass(frozen=True)
class Package:
    """Specification of a model, and access to its weights.

    ``spec`` is a ``Model`` message of `imgsim.coreml.runtime.protobuf`; ``spec_path`` the file it was read from.
    """

    path: Path
    spec_path: Path
    spec: Any
    _files: dict[str, WeightFile] = field(default_factory=dict, repr=False)

    @property
    def metadata(self) -> dict[str, str]:
        """Metadata of the model: Core ML's own four keys, then the user-defined ones."""
        known = self.spec.description.metadata
        own = {
            "description": known.shortDescription,
            "version": known.versionString,
            "author": known.author,
            "license": known.license,
        }
        return {key: text for key, text in own.items() if text} | dict(known.userDefined)

    def weights(self, name: str, offset: int, dtype: str, shape: tuple[int, ...]) -> NDArray[np.generic]:
        """Read the tensor at ``offset`` of the weight file ``name`` (``@model_path/weights/weight.bin``).

        Raises
        ------
        CoreMLError
            The file is missing or damaged, or does not lie in the package.
        """
        if name not in self._files:
            folder = self.spec_path.parent.resolve()
            file = (folder / name.removeprefix(MODEL_PATH)).resolve()
            if not name.startswith(MODEL_PATH) or not file.is_relative_to(folder):
                raise CoreMLError(f"{self.path} refers to weights outside itself: {name!r}. {_AGAIN}")
            self._files[name] = WeightFile(file)
        return self._files[name].read(offset, dtype, shape)


def read_package(path: str | Path) -> Package:
    """Read an ``.mlpackage`` folder, or a single specification file (``.mlmodel``).

    Raises
    ------
    CoreMLError
        There is nothing at ``path``, or a file in it is missing, truncated or damaged.
    UnsupportedOperationError
        It holds a field that imgsim does not read.
    """
    path = absolute(path)
    if not path.exists():
        raise CoreMLError(f"there is no Core ML package at {path}. Make one with model.export_coreml(path).")
    spec_path = _root_model(path) if path.is_dir() else path
    try:
        data = spec_path.read_bytes()
    except OSError as error:
        raise CoreMLError(
            f"{path}: its specification {spec_path} cannot be read: {error.strerror}. {_AGAIN}"
        ) from error
    return Package(path, spec_path, messages.parse(data, spec_path))


def _root_model(path: Path) -> Path:
    """Return the specification file that the manifest names as the root of the package."""
    manifest = path / "Manifest.json"
    try:
        content = read_json(manifest)
        entry = content["itemInfoEntries"][content["rootModelIdentifier"]]["path"]
    except OSError as error:
        raise CoreMLError(f"{path} is no Core ML package: {manifest.name}: {error.strerror}. {_AGAIN}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise CoreMLError(f"{manifest} is damaged: {type(error).__name__}: {error}. {_AGAIN}") from error
    data = (path / "Data").resolve()
    target = (data / str(entry)).resolve()
    if not target.is_relative_to(data):
        raise CoreMLError(f"{manifest} names a model outside the package: {entry!r}. {_AGAIN}")
    return target
