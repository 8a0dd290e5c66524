"""Export of a backbone as one ONNX file, preprocessing included: uint8 (1, height, width, 3) to float32 (1, dim)."""

from __future__ import annotations

import contextlib
import io
import json
import logging
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from imgsim.backbones.preprocessing import pixel_module
from imgsim.backbones.probe import probe_pictures
from imgsim.backbones.spec import Backbone, BackboneSpec
from imgsim.errors import BackboneError
from imgsim.io.atomic import atomic_folder, set_aside
from imgsim.io.error_text import shorten, temporary_cause
from imgsim.io.hashing import file_sha256

if TYPE_CHECKING:
    from torch import nn

MIN_COSINE = 0.99999
ONNX_FILE = "backbone.onnx"
SPEC_FILE = "spec.json"
_DIGEST = "onnx_sha256"


class ExportError(BackboneError):
    """A network has no ONNX form."""


def export_onnx(backbone: Backbone, folder: Path) -> BackboneSpec:
    """Write ``backbone.onnx`` and ``spec.json`` into ``folder``, and compare the export with torch.

    An existing export in ``folder`` is kept; a damaged one is renamed, with a warning.

    Returns
    -------
    BackboneSpec
        With ``dim`` filled in.

    Raises
    ------
    ExportError
        The network cannot be exported, or the export disagrees with torch (cosine below 0.99999).
    BackboneError
        The network cannot be built.
    OSError, MemoryError
        There is no space, memory or access at the moment.
    """
    if (spec := _exported(folder)) is not None:
        return spec
    probe = probe_pictures(backbone.spec.height, backbone.spec.width)[:1]
    with atomic_folder(folder, overwrite=True) as temporary:
        if backbone.write_onnx is not None:
            backbone.write_onnx(temporary / ONNX_FILE)
            dim = _width(temporary / ONNX_FILE, probe)
        else:
            dim = _export_module(backbone, probe, temporary / ONNX_FILE)
        spec = replace(backbone.spec, dim=dim)
        notes = spec.to_dict() | {_DIGEST: file_sha256(temporary / ONNX_FILE)}
        (temporary / SPEC_FILE).write_text(json.dumps(notes, indent=1))
    return spec


def _export_module(backbone: Backbone, probe: NDArray[np.uint8], path: Path) -> int:
    """Export a torch network, compare the export with torch, and return the length of its feature."""
    import torch

    module = pixel_module(backbone)
    with torch.inference_mode():
        expected = module(torch.from_numpy(probe)).numpy()
    write_module(module, probe, path, backbone.spec.name)
    _verify(path, probe, expected, backbone.spec.name)
    return int(expected.shape[1])


def _width(path: Path, probe: NDArray[np.uint8]) -> int:
    """Return the length of a network's feature."""
    from imgsim.backbones.runtime import OnnxRuntime

    return int(OnnxRuntime(path)(probe).shape[1])


def _exported(folder: Path) -> BackboneSpec | None:
    """Return the spec of an export in ``folder``, or None; a damaged export is renamed."""
    try:
        notes = json.loads((folder / SPEC_FILE).read_text())
        digest = notes.pop(_DIGEST, None)  # exports of version 0.1 have none
        found = file_sha256(folder / ONNX_FILE)
        spec = BackboneSpec.from_dict(notes)
        if digest in (None, found):
            return spec
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError, AttributeError):
        pass
    kept = set_aside(folder)
    warnings.warn(f"the exported network in {folder} is damaged. It is kept as {kept} and made anew.", stacklevel=3)
    return None


def write_module(
    module: nn.Module, probe: NDArray[Any], path: Path, name: str, names: tuple[str, str] = ("pixels", "feature")
) -> None:
    """Write a module of one input and one output, called ``names``, as an ONNX file; errors as `export_onnx`."""
    import torch

    try:
        with _silence_exporter():
            torch.onnx.export(
                module,
                (torch.from_numpy(probe),),
                str(path),
                input_names=[names[0]],
                output_names=[names[1]],
                dynamo=True,
                external_data=False,
            )
    except Exception as error:
        if (cause := temporary_cause(error)) is not None:  # a full disk, for example: says nothing about the network
            raise cause from error
        raise ExportError(f"{name} cannot be exported to ONNX: {type(error).__name__}: {shorten(error)}.") from error
    _drop_metadata(path)


def _drop_metadata(path: Path) -> None:
    """Remove the stack traces with paths of this machine that the exporter writes into every node."""
    import onnx

    model = onnx.load(path)
    for holder in (model, model.graph, *model.graph.node, *model.graph.value_info, *model.graph.input):
        holder.ClearField("metadata_props")
        holder.ClearField("doc_string")
    for tensor in (*model.graph.initializer, *model.graph.output):
        tensor.ClearField("metadata_props")
    for function in model.functions:
        for node in function.node:
            node.ClearField("metadata_props")
    onnx.save(model, path)


@contextlib.contextmanager
def _silence_exporter() -> Iterator[None]:
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _verify(path: Path, probe: NDArray[np.uint8], expected: NDArray[np.float32], name: str) -> None:
    from imgsim.backbones.runtime import OnnxRuntime

    check_agreement(OnnxRuntime(path)(probe), expected, name)


def check_agreement(actual: NDArray[np.float32], expected: NDArray[np.float32], name: str) -> None:
    """Refuse an export whose output (n, dim) is not the expected one.

    Raises
    ------
    ExportError
        Another shape, a value that is not finite, or a row with a cosine below 0.99999.
    """
    if actual.shape != expected.shape or not np.isfinite(actual).all():
        raise ExportError(
            f"the ONNX form of {name} gives {actual.shape} values, torch {expected.shape}, or not finite."
        )
    scale = np.linalg.norm(actual, axis=-1) * np.linalg.norm(expected, axis=-1)
    cosine = float(np.where(scale > 0, (actual * expected).sum(-1) / np.where(scale > 0, scale, 1), 1.0).min())
    if cosine < MIN_COSINE:
        raise ExportError(f"the ONNX form of {name} disagrees with torch: cosine {cosine:.6f}.")
