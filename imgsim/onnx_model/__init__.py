"""A whole model as one ONNX file, for ONNX Runtime on Android, in the browser and elsewhere.

Names are imported lazily: importing this package loads neither onnx nor ONNX Runtime.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from imgsim.onnx_model.export import export_onnx
    from imgsim.onnx_model.loaded_model import OnnxModel
    from imgsim.onnx_model.verification import verify

_LAZY = {"OnnxModel": "loaded_model", "export_onnx": "export", "verify": "verification"}

__all__ = ["OnnxModel", "export_onnx", "verify"]


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'imgsim.onnx_model' has no attribute {name!r}")
    return getattr(import_module(f"imgsim.onnx_model.{_LAZY[name]}"), name)


def __dir__() -> list[str]:
    return __all__
