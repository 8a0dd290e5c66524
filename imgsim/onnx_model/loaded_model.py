"""`OnnxModel`: a saved ONNX model, run by ONNX Runtime."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imgsim.backbones.runtime import open_session
from imgsim.deployment.metadata import INPUT
from imgsim.errors import OnnxModelError
from imgsim.io.error_text import shorten
from imgsim.io.paths import absolute

Pixels = NDArray[np.uint8]


class OnnxModel:
    """A saved ONNX model, loaded and ready to run by ONNX Runtime on one CPU thread.

    Parameters
    ----------
    path : str or Path
        A file that `imgsim.onnx_model.export_onnx` wrote.

    Attributes
    ----------
    metadata : dict of str to str
    inputs, outputs : dict of str to str
        Type and shape by name.
    any_size : bool
        True if it takes pictures of any size.

    Raises
    ------
    ModelFormatError
        There is no file, or it is damaged or no network.
    """

    def __init__(self, path: str | Path) -> None:
        self.path, self._session, _ = open_session(absolute(path))
        self.metadata: dict[str, str] = dict(self._session.get_modelmeta().custom_metadata_map)
        self.inputs = {item.name: _kind(item) for item in self._session.get_inputs()}
        self.outputs = {item.name: _kind(item) for item in self._session.get_outputs()}
        self.any_size = any(isinstance(side, str) for item in self._session.get_inputs() for side in item.shape)

    def run(self, picture: Pixels) -> dict[str, Any]:
        """Run the model on an RGB picture, uint8 (height, width, 3), and return its outputs by name.

        Raises
        ------
        OnnxModelError
            It cannot run on this picture.
        """
        try:
            return dict(zip(self.outputs, self._session.run(None, {INPUT: picture}), strict=True))
        except Exception as error:
            raise OnnxModelError(
                f"{self.path} cannot run on a picture of {picture.shape}: {shorten(error)}."
            ) from error


def _kind(item: Any) -> str:
    """Describe an input or output: ``uint8 [height, width, 3]``, ``float32 [9144]``."""
    kind = item.type.removeprefix("tensor(").removesuffix(")")
    return f"{'float32' if kind == 'float' else kind} [{', '.join(map(str, item.shape))}]"
