"""The space that pictures and texts share: unit vectors of the reference images, beside their embeddings.

It is the network's own space. Embeddings are in another one: their projection is fitted on pictures, and texts lie
elsewhere in the network's space than pictures do. Costs 4 bytes a value: 2 KB an image at 512 dimensions.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imgsim.backbones.text.files import TEXT_FILES, TextFiles, TextSettings
from imgsim.backbones.text.runtime import TextRuntime
from imgsim.errors import ModelFormatError
from imgsim.features.stored import StoredFeatures
from imgsim.io.vectors import read_embeddings, spooled, write_embeddings
from imgsim.neighbors.search import Searcher

Matrix = NDArray[np.float32]
JOINT = "joint.arrow"
TEXT_PARTS = (JOINT, *TEXT_FILES)
"""Files of a saved model; all of them, or none."""
_BLOCK = 16_384
_TINY = 1e-12


class TextSpace:
    """Reference images in the space of a text tower, and that tower.

    Parameters
    ----------
    rows : (n, d) float32
        Vectors of the reference images, of length 1.
    files : TextFiles
        The text tower; it is opened when the first text is asked.
    """

    def __init__(self, rows: Matrix, files: TextFiles) -> None:
        self.rows, self.files = rows.view(), files
        self.rows.setflags(write=False)
        self._tower: TextRuntime | None = None
        self._search: Searcher | None = None
        self._loading = Lock()

    def __getstate__(self) -> dict[str, Any]:
        """Return the arguments of `__init__`, for copies and pickles."""
        return {"rows": self.rows, "files": self.files}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(**state)  # type: ignore[misc]

    @property
    def settings(self) -> TextSettings:
        """Numbers of the text tower."""
        return self.files.settings

    @property
    def digest(self) -> str:
        """Hexadecimal sha256 of the text tower; the images' vectors follow from images and network."""
        return self.files.digest

    @property
    def search(self) -> Searcher:
        """Search over the rows, always exact."""
        with self._loading:
            if self._search is None:
                self._search = Searcher(self.rows)
            return self._search

    def texts(self, texts: Sequence[str]) -> Matrix:
        """Return the vectors of texts, (m, d) float32 of length 1; errors as `TextRuntime`."""
        with self._loading:  # queries run on several threads
            if self._tower is None:
                self._tower = TextRuntime(self.files)
        return self._tower(texts)

    def with_rows(self, rows: Matrix) -> TextSpace:
        """Return the same space of other images; an open text tower is shared."""
        other = TextSpace(rows, self.files)
        other._tower = self._tower
        return other

    def save(self, folder: Path) -> None:
        """Write the parts of a model that belong to this space."""
        write_embeddings(self.rows, folder / JOINT)
        self.files.copy_to(folder)

    @classmethod
    def load(cls, folder: Path) -> TextSpace:
        """Read what `save` wrote; vectors are memory-mapped, the text tower is not read.

        Raises
        ------
        ModelFormatError
            A part is missing or damaged, or the vectors are not those of this text tower.
        """
        rows, files = read_embeddings(folder / JOINT), TextFiles.load(folder)
        if rows.shape[1] != files.settings.dim:
            raise ModelFormatError(
                f"the images of {folder} have {rows.shape[1]} values where its texts have {files.settings.dim}; "
                "export the model again."
            )
        return cls(rows, files)


def spooled_unit_rows(features: StoredFeatures, before: Matrix | None = None) -> Matrix:
    """Bring stored features (n, d) to length 1, in a file; rows of length 1 may come before them."""
    first = [] if before is None else [before]
    return spooled(chain(first, map(unit_rows, features.blocks())), features.dim)


def unit_rows(features: Matrix) -> Matrix:
    """Bring features (n, d) to length 1, block by block; a feature of zeros stays one."""
    unit = np.empty(features.shape, np.float32)
    for start in range(0, len(features), _BLOCK):
        block = np.asarray(features[start : start + _BLOCK], np.float64)
        unit[start : start + _BLOCK] = block / np.maximum(np.linalg.norm(block, axis=1, keepdims=True), _TINY)
    return unit
