"""Photos as arrays: small pictures for the student, the teacher's features of crops of the originals.

    <work>/<table and side>/pixels.npy                 (n, side, side, 3) uint8, every photo stretched to a square
                            usable.npy                 (n,) bool: decoded
                            <teacher>/view-<v>.npy     (n, parts, D) float16, the teacher of each photo's crop v
                            <teacher>/done-<v>.npy     (chunks,) bool: what a killed run need not repeat

Crop 0 is the whole photo; the others are random boxes, decided by the photo's position and the seed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray
from PIL import Image

from imgsim.decoding.decode import decode, resize
from imgsim.errors import ArgumentError, ImageError
from imgsim.images.table import ImageTable
from imgsim.progress import track
from training.teacher import Teacher

CHUNK = 256
AREA = (0.3, 1.0)
ASPECT = (3 / 4, 4 / 3)

Crops = list[NDArray[np.uint8]]


@dataclass(frozen=True)
class PhotoSet:
    """One prepared source; arrays are memory-mapped.

    ``pixels`` (n, side, side, 3) uint8; ``rows`` (m,) positions of the photos that could be decoded;
    ``boxes`` (views, n, 4) float32, shares of the picture; ``targets`` one (n, parts, D) float16 per view;
    ``labels`` n strings or None; ``name`` tells it from other photos, side, teacher and seed.
    """

    name: str
    pixels: NDArray[np.uint8]
    rows: NDArray[np.int64]
    boxes: NDArray[np.float32]
    targets: list[NDArray[np.float16]]
    labels: list[str | None]


def boxes(photos: int, view: int, seed: int) -> NDArray[np.float32]:
    """Draw crop ``view``: (photos, 4) left, top, right, bottom in [0, 1]; crop 0 is the whole photo."""
    if view == 0:
        return np.tile(np.array([0, 0, 1, 1], np.float32), (photos, 1))
    random = np.random.default_rng([seed, view])
    area = random.uniform(AREA[0], AREA[1], photos)
    aspect = np.exp(random.uniform(np.log(ASPECT[0]), np.log(ASPECT[1]), photos))
    size = np.minimum(1, np.sqrt(np.stack([area * aspect, area / aspect], 1)))
    corner = random.uniform(0, 1, (photos, 2)) * (1 - size)
    return np.concatenate([corner, corner + size], 1).astype(np.float32)


def prepare(
    table: ImageTable,
    work: Path,
    teacher: Teacher,
    views: int = 4,
    side: int = 96,
    seed: int = 0,
    progress: bool = True,
    name: str = "photos",
) -> PhotoSet:
    """Decode every photo once and ask the teacher about ``views`` crops of each; what is done already is kept.

    ``side`` is cut to the largest photo's shorter side; ``name`` is what progress and errors call the photos.

    Raises
    ------
    ArgumentError
        No photo in ``table`` can be decoded.
    """
    if not len(table):
        raise ArgumentError(f"{name} holds no image that can be read; give a folder or a table of photos.")
    preparation = _Preparation(table, work, teacher, views, side, seed)
    for _ in track(preparation.run(), f"teacher: {name}", len(preparation.chunks), progress):
        pass
    rows = np.flatnonzero(preparation.usable)
    if not len(rows):
        raise ArgumentError(f"none of the {len(table)} files in {name} can be decoded.")
    return PhotoSet(preparation.name, preparation.pixels, rows, preparation.boxes, preparation.targets(), table.labels)


class _Preparation:
    """The arrays of one source on disk, filled chunk by chunk."""

    def __init__(self, table: ImageTable, work: Path, teacher: Teacher, views: int, side: int, seed: int) -> None:
        self.table, self.teacher, self.views = table, teacher, views
        shorter = np.minimum(table.column("width"), table.column("height"))
        self.side = int(min(side, shorter.max()))
        n = len(table)
        self.chunks = [range(start, min(n, start + CHUNK)) for start in range(0, n, CHUNK)]
        self.boxes = np.stack([boxes(n, view, seed) for view in range(views)])
        folder = work / hashlib.sha256(f"{table.digest} {self.side}".encode()).hexdigest()[:16]
        self.answers = folder / f"{teacher.identity}-{seed}"
        self.name = f"{folder.name}/{self.answers.name}"
        self.answers.mkdir(parents=True, exist_ok=True)
        self._forget_lost(folder)
        self.pixels = _array(folder / "pixels.npy", (n, self.side, self.side, 3), np.uint8)
        self.usable = _array(folder / "usable.npy", (n,), np.bool_)
        self.done = [_array(self.answers / f"done-{view}.npy", (len(self.chunks),), np.bool_) for view in range(views)]

    def _forget_lost(self, folder: Path) -> None:
        """Forget chunks as done whose array cannot be read."""
        if not (_readable(folder / "pixels.npy") and _readable(folder / "usable.npy")):
            for done in folder.glob("*/done-*.npy"):
                done.unlink()
        for view in range(self.views):
            if not _readable(self.answers / f"view-{view}.npy"):
                (self.answers / f"done-{view}.npy").unlink(missing_ok=True)

    def run(self) -> Iterator[int]:
        """Do what is missing; yields each chunk."""
        with ThreadPoolExecutor() as pool:
            for chunk, rows in enumerate(self.chunks):
                missing = [view for view in range(self.views) if not self.done[view][chunk]]
                if missing:
                    crops = list(pool.map(lambda row, missing=missing: self._crops(row, missing), rows))
                    self._store(chunk, missing, crops)
                yield chunk

    def targets(self) -> list[NDArray[np.float16]]:
        """Map the teacher's answers, one array per view."""
        return [np.load(self.answers / f"view-{view}.npy", mmap_mode="r") for view in range(self.views)]

    def _crops(self, row: int, views: list[int]) -> Crops | None:
        try:
            picture = decode(self.table.read_bytes(row), (2 * self.side, 2 * self.side))
        except ImageError:
            return None
        self.pixels[row] = resize(picture, (self.side, self.side))
        return [_cut(picture, self.boxes[view, row], self.teacher.size) for view in views]

    def _store(self, chunk: int, views: list[int], crops: list[Crops | None]) -> None:
        """Ask the teacher and write; the chunk is marked as done last, after everything else is on disk."""
        rows = self.chunks[chunk]
        self.usable[rows.start : rows.stop] = [crop is not None for crop in crops]
        good = [(row, crop) for row, crop in zip(rows, crops, strict=True) if crop is not None]
        written: list[Any] = [self.pixels, self.usable]
        for position, view in enumerate(views):
            if good:
                features = self.teacher.features(np.stack([crop[position] for _, crop in good]))
                target = _array(self.answers / f"view-{view}.npy", (len(self.table), *features.shape[1:]), np.float16)
                target[[row for row, _ in good]] = features
                written.append(target)
        for array in written:
            array.flush()
        for view in views:
            self.done[view][chunk] = True
            self.done[view].flush()


def _cut(picture: NDArray[np.uint8], box: NDArray[np.float32], size: int) -> NDArray[np.uint8]:
    height, width = picture.shape[:2]
    left, top, right, bottom = (float(share) * extent for share, extent in zip(box, (width, height) * 2, strict=True))
    image = Image.fromarray(picture)
    return np.asarray(image.resize((size, size), Image.Resampling.BICUBIC, (left, top, right, bottom)))


def _readable(path: Path) -> bool:
    with suppress(OSError, ValueError, EOFError):  # ValueError: cut off
        return np.load(path, mmap_mode="r") is not None
    return False


def _array(path: Path, shape: tuple[int, ...], kind: type) -> Any:
    """Memory-map the array in ``path``, made when absent."""
    if path.exists():
        with suppress(ValueError, EOFError):  # cut off by a kill while it was made: made anew
            found = np.load(path, mmap_mode="r+")
            if found.shape == shape and found.dtype == kind:
                return found
    return open_memmap(path, "w+", kind, shape)
