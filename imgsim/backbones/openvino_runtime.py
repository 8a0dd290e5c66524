"""Runtime that computes a network in bfloat16 by OpenVINO, on processors that multiply such numbers in hardware."""

from __future__ import annotations

import sys
import threading
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from imgsim.backbones.onnx_check import read_network
from imgsim.distribution import install_command
from imgsim.errors import BackboneError, MissingExtraError
from imgsim.io.held_file import HeldFile
from imgsim.workers import usable_cores

if TYPE_CHECKING:
    from types import ModuleType

CPUINFO = Path("/proc/cpuinfo")
FLAGS = ("avx512_bf16", "amx_bf16", "avx_ne_convert")
"""Instruction sets, any of which multiplies bfloat16 numbers; other processors only imitate it."""
_TELEMETRY = "openvino_telemetry"
_importing = threading.Lock()


class OpenVinoRuntime:
    """OpenVINO in bfloat16 on the CPU, one image at a time; thread-safe, and the same bits in each run.

    Each thread that calls has an inference request of its own; up to as many run at once as there are usable cores,
    each on one thread. Memory is not limited as in `imgsim.backbones.runtime.OnnxRuntime`: only networks that were
    exported on this machine are run.

    Raises
    ------
    ModelFormatError
        The file is not a network (`imgsim.backbones.onnx_check`).
    BackboneError
        OpenVINO cannot run the network.
    MissingExtraError
        OpenVINO is not installed.
    """

    batched = False

    def __init__(self, file: Path | HeldFile) -> None:
        self._path, data = read_network(file)
        core = import_openvino().Core()
        streams = usable_cores()
        options = {
            "INFERENCE_PRECISION_HINT": "bf16",
            "NUM_STREAMS": streams,
            "INFERENCE_NUM_THREADS": streams,
            "ENABLE_CPU_PINNING": False,  # two processes would be bound to the same core
        }
        try:
            self._network = core.compile_model(core.read_model(data), "CPU", options)
        except RuntimeError as error:
            raise BackboneError(f"OpenVINO cannot run {self._path}: {error}. Give precision='fp32'.") from error
        self._of_thread = threading.local()

    def __call__(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Run the network on each image by itself."""
        request = self._request()
        rows = []
        try:
            for image in pixels:
                request.infer({0: image[None]})
                rows.append(request.get_output_tensor(0).data[0].copy())
        except RuntimeError as error:
            raise BackboneError(f"OpenVINO cannot run {self._path}: {error}. Give precision='fp32'.") from error
        return np.asarray(rows, np.float32)

    def _request(self) -> Any:
        if not hasattr(self._of_thread, "request"):
            self._of_thread.request = self._network.create_infer_request()
        return self._of_thread.request


def import_openvino() -> ModuleType:
    """Import OpenVINO without its telemetry, which reports every import to its makers over the network.

    Raises
    ------
    MissingExtraError
        It is not installed.
    """
    with _importing:
        hide = not {"openvino", _TELEMETRY} & sys.modules.keys()
        if hide:
            sys.modules[_TELEMETRY] = None  # type: ignore[assignment]  # OpenVINO then takes its own empty stand-in
        try:
            import openvino
        except ImportError as error:
            raise MissingExtraError(
                f"bf16 features need OpenVINO: {install_command('openvino')}. Or give precision='fp32'."
            ) from error
        finally:
            if hide:
                del sys.modules[_TELEMETRY]
        _use_arrays(openvino)
    module: ModuleType = openvino
    return module


def _use_arrays(openvino: Any) -> None:
    """Exchange an array once, on one thread.

    The first exchange of a process initialises what all share, and two threads that do it at once may wait for each
    other for ever: one holds the lock of the initialisation and waits for Python's, the other the reverse.
    """
    openvino.Tensor(openvino.Type.u8, openvino.Shape([1])).data[:] = np.zeros(1, np.uint8)


def bf16_obstacle() -> str:
    """Return why this machine does not compute in bf16, "" if it does: OpenVINO and the instructions are needed."""
    try:
        core = import_openvino().Core()
    except MissingExtraError:
        return f"OpenVINO is not installed: {install_command('openvino')}"
    if "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES") and _has_instructions():
        return ""
    name = core.get_property("CPU", "FULL_DEVICE_NAME").strip() or "this processor"
    return f"{name} has no instructions for bf16 (AVX512-BF16 or AMX)"


def require_bf16() -> None:
    """Raise unless this machine computes in bf16.

    Raises
    ------
    BackboneError
        The processor has none of `FLAGS`.
    MissingExtraError
        OpenVINO is not installed.
    """
    import_openvino()
    if why := bf16_obstacle():
        raise BackboneError(f"features cannot be computed in bf16: {why}. Give precision='fp32', or 'auto'.")


@cache
def _has_instructions() -> bool:
    """Return whether the processor lists one of `FLAGS`; where flags are not listed, OpenVINO's word is taken."""
    try:
        lines = CPUINFO.read_text("utf-8", "replace").splitlines()
    except OSError:
        return True
    flags = next((line.partition(":")[2].split() for line in lines if line.startswith("flags")), None)
    return flags is None or bool({*flags} & {*FLAGS})
