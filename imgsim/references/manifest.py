"""``manifest.json`` of a model folder: its parts, ids and network. Its content is not trusted.

Only names of parts that a model can have are accepted, only files inside its folder, and each file only with its size
and sha256. Values that later name a folder or decide how much memory is taken are checked here.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any

from PIL.Image import Resampling

from imgsim.backbones.spec import MAX_INPUT, PRECISIONS, BackboneSpec
from imgsim.distribution import DISTRIBUTION
from imgsim.errors import ModelFormatError
from imgsim.features.learnt import LEARNING_PARTS
from imgsim.io.atomic import exists
from imgsim.io.hashing import file_sha256, files_below
from imgsim.io.untrusted import read_json
from imgsim.references.text_space import TEXT_PARTS

FORMAT = 2
MANIFEST = "manifest.json"
PARTS = (
    "images.parquet",
    "rejected.parquet",
    "ids.parquet",
    "embeddings.arrow",
    "projection.safetensors",
    "plain.arrow",
    *LEARNING_PARTS,
    "neighbors.parquet",
    "cells.safetensors",
    "thumbnails.parquet",
    "evaluation.json",
    "evaluation.parquet",
    "evaluation_images.parquet",
    "backbone.onnx",
    *TEXT_PARTS,
)
REQUIRED = ("images.parquet", "rejected.parquet", "embeddings.arrow", "neighbors.parquet")
INSIGHTS, COREML = "insights", "coreml"
SHARED = "shared.json"
"""File beside the folder of a registered version that lacks files which MLflow keeps once for several versions."""
_FINGERPRINT = re.compile(r"[\w-]{1,80}")
_LEFT_BY_FINDER = ".DS_Store"

Stamp = Mapping[str, Any]


@dataclass(frozen=True)
class Manifest:
    """A manifest: files with their ``bytes`` and ``sha256``, the ids, and the network of the features.

    ``ids`` are those of models that have no ``ids.parquet`` (saved by version 0.1) and no column of ids.
    """

    parts: Mapping[str, Stamp]
    extras: Mapping[str, Stamp]
    ids: list[Any] | None
    ids_column: str | None
    backbone: BackboneSpec


def stamp(path: Path) -> Stamp:
    """Return size and checksum of a file."""
    return {"bytes": path.stat().st_size, "sha256": file_sha256(path)}


def read_manifest(folder: Path) -> Manifest:
    """Read and check the manifest; the files it names are not read.

    Raises
    ------
    ModelFormatError
        No model there; a format newer than this library; a value that no model has.
    """
    path = folder / MANIFEST
    if not exists(folder) or not folder.is_dir():
        what = "is a file, not the folder of a model" if exists(folder) else "does not exist"
        raise ModelFormatError(f"{folder} {what}. From MLflow's registry: imgsim.mlflow.flavor.load_model(uri).")
    try:
        values = read_json(path)
        found = int(values["format"])
    except FileNotFoundError:
        raise ModelFormatError(f"{folder} holds no imgsim model: {MANIFEST} is missing.") from None
    except (OSError, ValueError, KeyError, TypeError, OverflowError) as error:
        raise ModelFormatError(f"{path} cannot be read: {error}. Export the model again.") from error
    if found > FORMAT:
        raise ModelFormatError(
            f"{folder} has format {found}, this imgsim reads up to {FORMAT}: install a newer {DISTRIBUTION}."
        )
    try:
        return Manifest(
            _parts(values["parts"]),
            _extras(values.get("extras", {})),
            _ids(values.get("ids")),
            _expect(values["label_column"], "label_column", str, type(None)),
            _backbone(values["backbone"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ModelFormatError(f"{path} lacks or misstates {error}; export the model again.") from error


def check_files(folder: Path, manifest: Manifest, verify: bool) -> None:
    """Refuse files that are missing, damaged, links, or not in the manifest.

    Raises
    ------
    ModelFormatError
        Names the file.
    """
    listed = {**manifest.parts, **manifest.extras}
    advice = "copy or download the whole model again"
    if (folder.parent / SHARED).is_file():
        advice = (
            f"MLflow keeps it apart. Load it by imgsim.mlflow.flavor.load_model({str(folder.parent)!r}), or get a "
            "whole copy by `imgsim registry download`"
        )
    for name, expected in listed.items():
        path = folder / name
        if any(part.is_symlink() for part in (path, *path.parents[: name.count("/")])):
            raise ModelFormatError(f"{path} is a link; a model holds its own files. Copy the model with its files.")
        if not path.is_file():
            raise ModelFormatError(f"{path} is missing; {advice}.")
        if path.stat().st_size != expected["bytes"]:
            raise ModelFormatError(f"{path} is not the size it was saved with; {advice}.")
        if verify and file_sha256(path) != expected["sha256"]:
            raise ModelFormatError(f"{path} is damaged (its checksum differs); copy or download the model again.")
    for name in {*PARTS, *_files_of_extras(folder, manifest.extras)} - set(listed):
        if (folder / name).exists() or (folder / name).is_symlink():
            raise ModelFormatError(f"{folder / name} is not in the manifest; copy or download the model again.")


def _files_of_extras(folder: Path, extras: Mapping[str, Stamp]) -> set[str]:
    """Return all files in the folders of those extras that are read."""
    used = {"/".join(name.split("/")[: 2 if name.startswith(f"{INSIGHTS}/") else 1]) for name in extras}
    below = {f"{name}/{file}" for name in used for file in files_below(folder / name)}
    return {name for name in below if not name.endswith(f"/{_LEFT_BY_FINDER}")}


def _expect(value: Any, name: str, *kinds: type) -> Any:
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        raise TypeError(f"{name} ({value!r:.80})")
    return value


def _parts(values: Any) -> dict[str, Stamp]:
    stamps = _stamps(values, "parts")
    if stamps.keys() - set(PARTS):
        raise ValueError(f"parts: it names parts no imgsim model has: {sorted(stamps.keys() - set(PARTS))}")
    if set(REQUIRED) - stamps.keys():
        raise ValueError(f"parts: it lacks {sorted(set(REQUIRED) - stamps.keys())}")
    if (text := set(TEXT_PARTS) & stamps.keys()) and text != set(TEXT_PARTS):
        raise ValueError(f"parts: of a text tower it lacks {sorted(set(TEXT_PARTS) - text)}")
    return stamps


def _extras(values: Any) -> dict[str, Stamp]:
    stamps = _stamps(values, "extras")
    outside = sorted(name for name in stamps if not _is_extra(name))
    if outside:
        raise ValueError(f"extras: it names files where no imgsim model has any: {outside}")
    return stamps


def _is_extra(name: str) -> bool:
    parts = name.split("/")
    plain = not {"", ".", ".."} & set(parts) and "\\" not in name and name.isprintable()
    return parts[0] in (INSIGHTS, COREML) and len(parts) > 1 and plain


def _stamps(values: Any, what: str) -> dict[str, Stamp]:
    for name, value in _expect(values, what, dict).items():
        _expect(_expect(value, f"{what}: {name}", dict).get("bytes"), f"{what}: {name}: bytes", int)
        _expect(value.get("sha256"), f"{what}: {name}: sha256", str)
    return dict(values)


def _ids(values: Any) -> list[Any] | None:
    if values is None:
        return None
    for value in _expect(values, "ids", list):
        _expect(value, "ids", int, str)
    return list(values)


def _backbone(values: Any) -> BackboneSpec:
    """Check the type of each value, the fingerprint (it may name a folder) and the size (it decides on memory)."""
    _expect(values, "backbone", dict)
    spec = BackboneSpec.from_dict(
        {
            item.name: values[item.name]
            for item in fields(BackboneSpec)
            if item.default is MISSING or item.name in values
        }
    )
    for name in ("name", "fingerprint", "weights", "licence", "interpolation", "pooling", "revision"):
        _expect(getattr(spec, name), f"backbone: {name}", str)
    if spec.precision not in PRECISIONS or spec.in_precision(spec.precision) != spec:
        raise ValueError(f"backbone: precision ({spec.precision!r:.80})")
    if not _FINGERPRINT.fullmatch(spec.fingerprint):
        raise ValueError(f"backbone: fingerprint ({spec.fingerprint!r:.80})")
    for name, limit in (("height", MAX_INPUT), ("width", MAX_INPUT), ("crop_from", MAX_INPUT), ("dim", 2**20)):
        if not 0 <= _expect(getattr(spec, name), f"backbone: {name}", int) <= limit:
            raise ValueError(f"backbone: {name} ({getattr(spec, name)})")
    if spec.interpolation.upper() not in Resampling.__members__:
        raise ValueError(f"backbone: interpolation ({spec.interpolation!r:.80})")
    for name in ("crop_floor", "has_text"):
        _expect(getattr(spec, name), f"backbone: {name}", bool)
    for name in ("mean", "std"):
        triple = getattr(spec, name)
        if len(triple) != 3 or not all(math.isfinite(_expect(x, f"backbone: {name}", int, float)) for x in triple):
            raise ValueError(f"backbone: {name} ({triple!r:.80})")
    return spec
