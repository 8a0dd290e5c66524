"""Several names of one file: hard links, and symbolic links, which take no space of their own."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from imgsim.io.urls import is_url, join

if TYPE_CHECKING:
    from imgsim.images.table import ImageTable


@dataclass(frozen=True)
class Links:
    """Links among n images.

    Parameters
    ----------
    file : (n,) int64
        First row that is a name of the same file, of each row.
    symbolic : (n,) bool
        Rows that are symbolic links, also to files that are no image of the collection.
    """

    file: NDArray[np.int64]
    symbolic: NDArray[np.bool_]

    @classmethod
    def none(cls, count: int) -> Links:
        """Return that each of ``count`` files has one name."""
        return cls(np.arange(count), np.zeros(count, bool))

    @cached_property
    def names(self) -> NDArray[np.int64]:
        """Number of names of each row's file in the collection, (n,)."""
        return np.bincount(self.file, minlength=len(self.file))[self.file]


def find_links(images: ImageTable, root: str | Path | None = None) -> Links:
    """Find the names of equal files by device and inode.

    Parameters
    ----------
    images : ImageTable
    root : str or path, optional
        Folder of the files; default: the one that the images were loaded from. Without a local folder, or where a
        file is gone, there are no links.
    """
    folder = images.root if root is None else str(Path(root).expanduser().absolute())
    found = Links.none(len(images))
    if not folder or is_url(folder):
        return found
    copies = Counter(images.sha256)
    first: dict[tuple[int, int], int] = {}
    for row, (path, sha256) in enumerate(zip(images.paths, images.sha256, strict=True)):
        place = Path(join(folder, path))
        try:
            if copies[sha256] == 1 and not place.is_symlink():
                continue
            found.symbolic[row] = place.is_symlink()
            status = place.stat()
        except (OSError, ValueError):
            continue
        if status.st_ino:
            found.file[row] = first.setdefault((status.st_dev, status.st_ino), row)
    return found
