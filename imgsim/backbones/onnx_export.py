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
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from imgsim.backbones.preprocessing import pixel_module
from imgsim.backbones.spec import Backbone, BackboneSpec
from imgsim.errors import BackboneError
from imgsim.io.atomic import atomic_folder

if TYPE_CHECKING:
    from torch import nn

MIN_COSINE = 0.99999
ONNX_FILE = "backbone.onnx"
SPEC_FILE = "spec.json"


def export_onnx(backbone: Backbone, folder: Path) -> BackboneSpec:
    """Write ``backbone.onnx`` and ``spec.json`` into ``folder``, and compare the export with torch.

    An existing export in ``folder`` is kept.

    Returns
    -------
    BackboneSpec
        With ``dim`` filled in.

    Raises
    ------
    BackboneError
        The network cannot be exported, or the export disagrees with torch (cosine below 0.99999).
    """
    if (folder / SPEC_FILE).exists():
        return BackboneSpec.from_dict(json.loads((folder / SPEC_FILE).read_text()))
    import torch

    module = pixel_module(backbone)
    probe = _probe(backbone.spec)
    with torch.inference_mode():
        expected = module(torch.from_numpy(probe)).numpy()
    with atomic_folder(folder, overwrite=True) as temporary:
        _export(module, probe, temporary / ONNX_FILE, backbone.spec.name)
        _verify(temporary / ONNX_FILE, probe, expected, backbone.spec.name)
        spec = replace(backbone.spec, dim=expected.shape[1])
        (temporary / SPEC_FILE).write_text(json.dumps(spec.to_dict(), indent=1))
    return spec


def _probe(spec: BackboneSpec) -> NDArray[np.uint8]:
    """Draw a smooth random image, (1, height, width, 3); white noise hardly activates a network for photographs."""
    rng = np.random.default_rng(0)
    coarse = rng.uniform(0, 255, (9, 9, 3))
    rows = np.linspace(0, 7.99, spec.height)
    columns = np.linspace(0, 7.99, spec.width)
    r, c = rows.astype(int), columns.astype(int)
    fr, fc = (rows - r)[:, None, None], (columns - c)[None, :, None]
    top = coarse[r][:, c] * (1 - fc) + coarse[r][:, c + 1] * fc
    bottom = coarse[r + 1][:, c] * (1 - fc) + coarse[r + 1][:, c + 1] * fc
    picture: NDArray[np.uint8] = (top * (1 - fr) + bottom * fr).astype(np.uint8)
    return picture[None]


def _export(module: nn.Module, probe: NDArray[np.uint8], path: Path, name: str) -> None:
    import torch

    try:
        with _silence_exporter():
            torch.onnx.export(
                module,
                (torch.from_numpy(probe),),
                str(path),
                input_names=["pixels"],
                output_names=["feature"],
                dynamo=True,
                external_data=False,
            )
    except Exception as error:
        raise BackboneError(f"{name} cannot be exported to ONNX: {type(error).__name__}: {error}") from error
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
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def _verify(path: Path, probe: NDArray[np.uint8], expected: NDArray[np.float32], name: str) -> None:
    from imgsim.backbones.runtime import OnnxRuntime

    actual = OnnxRuntime(path)(probe)
    if actual.shape != expected.shape or not np.isfinite(actual).all():
        raise BackboneError(
            f"the ONNX form of {name} gives {actual.shape} values, torch {expected.shape}, or not finite."
        )
    scale = float(np.linalg.norm(actual) * np.linalg.norm(expected))
    cosine = float((actual * expected).sum()) / scale if scale else 1.0
    if cosine < MIN_COSINE:
        raise BackboneError(f"the ONNX form of {name} disagrees with torch: cosine {cosine:.6f}.")
