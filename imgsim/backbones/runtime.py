"""Runtimes that run a backbone: ONNX Runtime or OpenVINO on CPU, torch on CUDA and MPS, under one interface.

A runtime maps pixels, uint8 (n, height, width, 3), to raw features, float32 (n, dim). ONNX Runtime
runs image by image on one thread (fastest per core, and no result can depend on a batch); the
extraction loop calls it from several threads.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from imgsim.backbones.onnx_check import read_network
from imgsim.backbones.spec import BF16, Backbone
from imgsim.errors import ArgumentError, ArgumentTypeError, BackboneError, ModelFormatError
from imgsim.io.held_file import HeldFile

MAX_MEMORY = 4 * 2**30
DEVICES = ("auto", "cpu", "cuda", "mps")


class FeatureRuntime(Protocol):
    """Callable that maps pixels to features."""

    batched: bool

    def __call__(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Map (n, height, width, 3) uint8 to (n, dim) float32."""
        ...


class OnnxRuntime:
    """ONNX Runtime on one CPU thread, one image at a time; thread-safe.

    All runtimes of a process share 4 GiB for weights and intermediate values: a network that declares more is refused.

    Raises
    ------
    ModelFormatError
        The file is not a network (`imgsim.backbones.onnx_check`), or does not map pixels to one feature.
    """

    batched = False

    def __init__(self, file: Path | HeldFile) -> None:
        self._path, self._session, self._input = open_session(file)

    def __call__(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Run the network on each image by itself."""
        try:
            rows = [self._session.run(None, {self._input: image[None]})[0][0] for image in pixels]
            features = np.asarray(rows, np.float32)
        except Exception as error:
            raise ModelFormatError(f"the network {self._path} cannot run on a picture: {error}") from error
        if features.ndim != 2:
            raise ModelFormatError(f"the network {self._path} gives {features.shape[1:]} values, not one feature.")
        return features


def open_session(file: Path | HeldFile) -> tuple[Path, Any, str]:
    """Return path, session on one CPU thread, and name of the one input of an ONNX file; errors as `OnnxRuntime`."""
    import onnxruntime

    path, data = read_network(file)
    _share_memory()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 4  # errors are raised; their log would go to stderr
    options.add_session_config_entry("session.use_env_allocators", "1")
    try:
        session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        (name,) = (item.name for item in session.get_inputs())
    except Exception as error:
        raise ModelFormatError(f"{path} is not a network ONNX Runtime can load: {error}") from error
    return path, session, name


@cache
def _share_memory() -> None:
    """Let all sessions of this process allocate from one arena of limited size."""
    import onnxruntime

    place = onnxruntime.OrtMemoryInfo(
        "Cpu", onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, onnxruntime.OrtMemType.DEFAULT
    )
    automatic = dict.fromkeys(("arena_extend_strategy", "initial_chunk_size_bytes", "max_dead_bytes_per_chunk"), -1)
    with suppress(Exception):  # the host program has registered an allocator already: its limit holds
        onnxruntime.create_and_register_allocator(place, onnxruntime.OrtArenaCfg({"max_mem": MAX_MEMORY, **automatic}))


class TorchRuntime:
    """torch on any device; in batches on a GPU, image by image on the CPU.

    Raises
    ------
    RuntimeError
        The network does not fit on the device.
    """

    batched = True

    def __init__(self, backbone: Backbone, device: str) -> None:
        from imgsim.backbones.preprocessing import pixel_module

        self._device = device
        self._module = pixel_module(backbone).to(device)
        self.batched = device != "cpu"

    def __call__(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Run the network on all images at once (one by one on CPU)."""
        import torch

        step = len(pixels) if self.batched else 1
        with torch.inference_mode():
            rows = [
                self._module(torch.from_numpy(pixels[i : i + step]).to(self._device)).cpu().numpy()
                for i in range(0, len(pixels), step)
            ]
        return np.concatenate(rows).astype(np.float32, copy=False)


def device_kind(device: object) -> str:
    """Return the name of a device without its number; nothing is looked up.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        An unknown device.
    """
    if not isinstance(device, str):
        raise ArgumentTypeError(f"device must be one of {', '.join(DEVICES)} (or cuda:1), not {device!r:.80}.")
    name = device.partition(":")[0]
    if name not in DEVICES:
        raise ArgumentError(f"device must be one of {', '.join(DEVICES)} (or cuda:1), not {device!r:.80}.")
    return name


def resolve_device(device: str = "auto") -> str:
    """Return ``"cpu"``, ``"cuda"`` or ``"mps"``; ``"auto"`` takes a GPU if there is one, else the CPU.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        An unknown device, or one this machine does not have.
    """
    name = device_kind(device)
    if name == "cpu" or (name == "auto" and not _accelerator_likely()):
        return "cpu"
    import torch

    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        return next((kind for kind, there in available.items() if there), "cpu")
    if not available[name]:
        raise ArgumentError(f"device {device!r} is not available on this machine; use device='auto' or 'cpu'.")
    return device


def _accelerator_likely() -> bool:
    """Tell cheaply if there may be a GPU; importing torch to find out takes 2.6 CPU-s."""
    if sys.platform == "darwin":
        return True
    return Path("/dev/nvidiactl").exists() or Path("/dev/kfd").exists() or sys.platform == "win32"


def make_runtime(backbone: Backbone, onnx: Path | HeldFile | None, device: str) -> FeatureRuntime:
    """Return the runtime for a resolved device; without an ONNX file the CPU runs torch.

    A network that is no torch module runs on the CPU.

    Raises
    ------
    BackboneError, ModelFormatError
        The network cannot run on this device or in this precision, or the ONNX file is none.
    MissingExtraError
        The precision is bf16, and OpenVINO is not installed.
    """
    if backbone.spec.precision == BF16:
        return _bf16_runtime(backbone, onnx, device)
    if onnx is not None and (device == "cpu" or backbone.write_onnx is not None):
        return OnnxRuntime(onnx)
    try:
        return TorchRuntime(backbone, device)
    except RuntimeError as error:
        raise BackboneError(f"{backbone.spec.name} cannot run on {device}: {error}") from error


def _bf16_runtime(backbone: Backbone, onnx: Path | HeldFile | None, device: str) -> FeatureRuntime:
    from imgsim.backbones.openvino_runtime import OpenVinoRuntime, require_bf16

    name = backbone.spec.name
    if device != "cpu":
        raise BackboneError(f"bf16 features are computed on a CPU, not on {device}: give device='cpu' or no precision.")
    require_bf16()
    if onnx is None:
        raise BackboneError(f"{name} has no ONNX form, which bf16 needs: give precision='fp32'.")
    if isinstance(onnx, Path) and not onnx.is_file():
        raise BackboneError(
            f"in bf16 only a network that was exported on this machine is run, and {onnx} is missing: create the model "
            "from its images on this machine."
        )
    return OpenVinoRuntime(onnx)
