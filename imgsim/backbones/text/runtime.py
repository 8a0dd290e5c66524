"""Runtime of a text tower: texts to unit vectors, by ONNX Runtime and the library ``tokenizers``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from imgsim.backbones.runtime import open_session
from imgsim.backbones.text.tokenizer import open_tokenizer, tokens
from imgsim.errors import ModelFormatError

if TYPE_CHECKING:
    from imgsim.backbones.text.files import TextFiles


class TextRuntime:
    """A text tower on one CPU thread, one text at a time; thread-safe.

    Raises
    ------
    ModelFormatError
        The files hold no network, or no tokenizer.
    """

    def __init__(self, files: TextFiles) -> None:
        self._dim = files.settings.dim
        try:
            content = files.tokenizer.read().decode()
            self._tokenizer = open_tokenizer(content, files.settings.context)
        except (ModelFormatError, UnicodeDecodeError) as error:
            raise ModelFormatError(f"{files.tokenizer.path} cannot be used: {error}. Export the model again.") from None
        self._path, self._session, self._input = open_session(files.onnx)

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the vectors of texts, (m, dim) float32 of length 1.

        Raises
        ------
        ModelFormatError
            The network cannot run on tokens, or gives something else than one finite vector.
        """
        try:
            rows = [self._session.run(None, {self._input: row[None]})[0] for row in tokens(self._tokenizer, texts)]
            vectors = np.concatenate(rows).astype(np.float32)
        except Exception as error:
            raise ModelFormatError(f"the network {self._path} cannot run on a text: {error}") from error
        lengths = np.linalg.norm(vectors.astype(np.float64), axis=-1, keepdims=True)
        if vectors.shape != (len(texts), self._dim) or not (np.isfinite(lengths) & (lengths > 0)).all():
            raise ModelFormatError(f"the network {self._path} does not give one vector of {self._dim} values a text.")
        unit: NDArray[np.float32] = (vectors / lengths).astype(np.float32)
        return unit
