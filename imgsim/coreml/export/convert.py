"""Conversion of a torch module to Core ML by coremltools, with its output silenced."""

from __future__ import annotations

import contextlib
import io
import logging
import re
import sys
import warnings
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from imgsim.coreml.export.network import HEAD, SCALE
from imgsim.coreml.export.options import ExportOptions
from imgsim.deployment.metadata import INPUT
from imgsim.distribution import install_command
from imgsim.errors import CoreMLError, MissingExtraError, UnsupportedOperationError

if TYPE_CHECKING:
    from torch import Tensor, nn

CLASS = "nearest"
SCORES = "nearest_probs"
NAMES = {
    "distance": ("distance",),
    "topk": ("indices", "distances"),
    "classifier": (SCORES,),
    "features": ("features",),
}
LAST_PYTHON = (3, 13)


def import_coremltools() -> Any:
    """Import coremltools without the warnings that it prints on other systems than macOS.

    Raises
    ------
    MissingExtraError
        It is not installed, or cannot be imported.
    """
    import importlib

    try:
        with silence():
            return importlib.import_module("coremltools")
    except ImportError as error:
        raise MissingExtraError(
            f"Core ML export needs coremltools ({error}). {_remedy(tuple(sys.version_info))}"
        ) from error


def _remedy(python: tuple[Any, ...]) -> str:
    if python[:2] > LAST_PYTHON:
        return (
            f"There is no coremltools for Python {python[0]}.{python[1]} yet: make an environment with Python "
            f"{LAST_PYTHON[0]}.{LAST_PYTHON[1]} and run: {install_command('coreml')}."
        )
    return f"Run: {install_command('coreml')}."


def convert(
    module: nn.Module, inputs: Any, example: Tensor, options: ExportOptions, name: str, classes: list[str] | None = None
) -> Any:
    """Convert ``module`` to an ``MLModel``, not saved yet.

    Parameters
    ----------
    module : torch.nn.Module
        In evaluation mode; its part called `imgsim.coreml.export.network.HEAD` stays in float32 under ``"mixed"``.
    inputs : coremltools ImageType or TensorType
    example : Tensor
        An input, for tracing.
    name : str
        Name of the network, for error messages.
    classes : list of str, optional
        Class labels of ``outputs="classifier"``.

    Raises
    ------
    UnsupportedOperationError
        coremltools does not know an operation of the network.
    CoreMLError
        The conversion failed for another reason.
    """
    ct = import_coremltools()
    arguments: dict[str, Any] = {"inputs": [inputs], "classifier_config": _classifier(ct, classes)}
    if options.program:
        arguments |= {
            "convert_to": "mlprogram",
            "minimum_deployment_target": ct.target[options.minimum_target],
            "compute_precision": _precision(ct, options.arithmetic),
            "pass_pipeline": _passes(ct),
        }
    else:
        arguments["convert_to"] = "neuralnetwork"
    if classes is None:
        arguments["outputs"] = [_output(ct, output, options.program) for output in NAMES[options.outputs]]
    try:
        with silence():
            _mend_integers()
            traced = _trace(module, example)
            return ct.convert(traced, skip_model_load=True, **arguments)
    except Exception as error:
        raise _explained(error, name) from error


def image_input(shape: tuple[int, int], bias: list[float]) -> Any:
    """Return the type of an RGB image input of (height, width), scaled to ``pixel / 255 + bias``."""
    ct = import_coremltools()
    return ct.ImageType(name=INPUT, shape=(1, 3, *shape), scale=SCALE, bias=bias, color_layout=ct.colorlayout.RGB)


def _output(ct: Any, name: str, typed: bool) -> Any:
    """Return the type of an output, float32 or int32; from iOS 16 on float16 is the default, which old apps misread."""
    if not typed:
        return ct.TensorType(name=name)
    return ct.TensorType(name=name, dtype=np.int32 if name == "indices" else np.float32)


def _classifier(ct: Any, classes: list[str] | None) -> Any:
    return None if classes is None else ct.ClassifierConfig(classes, predicted_feature_name=CLASS)


def _precision(ct: Any, arithmetic: str) -> Any:
    if arithmetic == "float32":
        return ct.precision.FLOAT32
    if arithmetic == "float16":
        return ct.precision.FLOAT16
    from coremltools.converters.mil.mil.scope import ScopeSource

    def halve(operation: Any) -> bool:
        return HEAD not in (operation.scopes.get(ScopeSource.TORCHSCRIPT_MODULE_NAME) or ())

    return ct.transform.FP16ComputePrecision(op_selector=halve)


def _passes(ct: Any) -> Any:
    """Return the default passes without ``add_int16_cast``: it makes indices uint16, wrong from 65,536 rows on."""
    pipeline = ct.PassPipeline.DEFAULT
    pipeline.remove_passes({"common::add_int16_cast"})
    return pipeline


def _trace(module: nn.Module, example: Tensor) -> Any:
    """Trace a module by ``torch.jit.trace``, which alone keeps the module scopes that ``"mixed"`` needs."""
    import torch

    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)  # one operation that coremltools does not know
    try:
        with torch.no_grad():
            return torch.jit.trace(module, example, check_trace=False)  # type: ignore[no-untyped-call]
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)


@cache
def _mend_integers() -> None:
    """Replace the conversion of ``int(tensor)``, on which coremltools 9 fails with NumPy 2.4 (vision transformers)."""
    from coremltools.converters.mil import Builder
    from coremltools.converters.mil.frontend.torch.torch_op_registry import register_torch_op

    def _int(context: Any, node: Any) -> None:
        value = context[node.inputs[0]]
        if value.val is not None:
            result = Builder.const(val=int(np.asarray(value.val).item()), name=node.name)
        else:
            scalar = Builder.squeeze(x=value, name=f"{node.name}_item") if value.shape else value
            result = Builder.cast(x=scalar, dtype="int32", name=node.name)
        context.add(result, node.name)

    register_torch_op(torch_alias=["int"], override=True)(_int)


@contextlib.contextmanager
def silence() -> Iterator[None]:
    """Silence progress bars, version notes and warnings of torch and coremltools."""
    loggers = [logging.getLogger(name) for name in ("coremltools", "torch")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _explained(error: Exception, name: str) -> CoreMLError:
    text = " ".join(str(error).split())
    found = re.search(r"(?:function for op|Unsupported op|op of type|operation) ['\"]?([\w:.]+)['\"]?", text)
    if found and "not" in text.lower():
        operation = found[1]
        return UnsupportedOperationError(
            operation,
            f"{name} cannot be converted to Core ML: coremltools does not know its operation {operation!r}. Use "
            "another backbone (mini, mobilenet_v2, resnet50, ...), or write that layer with other operations.",
        )
    return CoreMLError(
        f"{name} cannot be converted to Core ML: {type(error).__name__}: {text[:300]} Use another backbone (mini, "
        "mobilenet_v2, resnet50, ...), or one whose forward() does not depend on the values of its input."
    )
