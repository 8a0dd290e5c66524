"""Parts of every export for devices: metadata, side file, test images, comparison with Python, atomic writing.

`imgsim.coreml` and `imgsim.onnx_model` write one contract by them. Names are imported lazily.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from imgsim.deployment.device_export import DeviceExport
    from imgsim.deployment.verification import VerificationReport

_LAZY = {"DeviceExport": "device_export", "VerificationReport": "verification"}

__all__ = ["DeviceExport", "VerificationReport"]


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'imgsim.deployment' has no attribute {name!r}")
    return getattr(import_module(f"imgsim.deployment.{_LAZY[name]}"), name)


def __dir__() -> list[str]:
    return __all__
