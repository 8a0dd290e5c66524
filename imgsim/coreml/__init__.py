"""Core ML: export of a model for Apple devices, and verification of the package on any machine.

Names are imported lazily: importing this package loads neither torch nor coremltools.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from imgsim.coreml.export.export import export_coreml
    from imgsim.coreml.export.verify import verify
    from imgsim.coreml.runtime.interface import Feature
    from imgsim.coreml.runtime.interpreter import Interpreter

_LAZY = {
    "Feature": "runtime.interface",
    "Interpreter": "runtime.interpreter",
    "export_coreml": "export.export",
    "verify": "export.verify",
}

__all__ = ["Feature", "Interpreter", "export_coreml", "verify"]


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'imgsim.coreml' has no attribute {name!r}")
    return getattr(import_module(f"imgsim.coreml.{_LAZY[name]}"), name)


def __dir__() -> list[str]:
    return __all__
