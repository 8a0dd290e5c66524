"""Feature extraction: each distinct file is decoded and run through the network once, and stored by content."""

from __future__ import annotations

import hashlib
import json
import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL.Image import Image, fromarray

from imgsim import arguments
from imgsim.backbones.onnx_export import ONNX_FILE, export_onnx
from imgsim.backbones.runtime import FeatureRuntime, make_runtime, resolve_device
from imgsim.backbones.spec import Backbone, BackboneSpec
from imgsim.decoding.crash_journal import Journal, journal
from imgsim.decoding.decode import decode, resize, thumbnail
from imgsim.decoding.subprocess_check import check_alone
from imgsim.errors import BackboneError, ImageError, ModelFormatError
from imgsim.features.store import FeatureStore
from imgsim.images.table import ImageTable
from imgsim.io.atomic import atomic_path
from imgsim.progress import status, track
from imgsim.workers import usable_cores

Pixels = NDArray[np.uint8]
THUMBNAIL = 160
PART_ROWS = 512
TASK_IMAGES = 8


@dataclass(frozen=True)
class Features:
    """Raw features of the images that could be decoded, in their order.

    ``matrix`` is (n, D) float32, row i belongs to ``images[i]``; ``images.rejected`` lists every file
    that is missing from it. ``stats`` holds ``computed`` and ``reused`` (images), ``seconds``, ``images_per_second``.
    """

    images: ImageTable
    matrix: NDArray[np.float32]
    backbone: BackboneSpec
    stats: dict[str, float] = field(default_factory=dict)

    @property
    def fingerprint(self) -> str:
        """Fingerprint of the network and preprocessing that made the features."""
        return self.backbone.fingerprint

    @property
    def digest(self) -> str:
        """Hexadecimal sha256 of the images' digest and the backbone's fingerprint."""
        return hashlib.sha256(f"{self.images.digest} {self.fingerprint}".encode()).hexdigest()

    def save(self, folder: Path) -> None:
        """Write tables and the backbone's description; the vectors stay in the store."""
        self.images.save(folder / "images.parquet")
        self.images.save_rejected(folder / "rejected.parquet")
        with atomic_path(folder / "features.json") as path:
            path.write_text(json.dumps({"backbone": self.backbone.to_dict(), "stats": self.stats}, indent=1))

    @classmethod
    def load(cls, folder: Path, store: FeatureStore) -> Features:
        """Read what `save` wrote, and the vectors from the store.

        Raises
        ------
        ModelFormatError
            The store no longer holds some of the vectors.
        """
        images = ImageTable.load(folder / "images.parquet")
        notes = json.loads((folder / "features.json").read_text())
        spec = BackboneSpec.from_dict(notes["backbone"])
        found, matrix = store.read_features(spec.fingerprint, images.sha256)
        if not found.all():
            raise ModelFormatError(
                f"{int((~found).sum())} of {len(images)} features are no longer in {store.root}: extract them again."
            )
        return cls(images, matrix, spec, notes["stats"])


def extract_features(
    images: ImageTable,
    backbone: Backbone,
    store: FeatureStore | None = None,
    batch_size: int = 64,
    device: str = "auto",
    threads: int | None = None,
    progress: bool = False,
    onnx: Path | None = None,
) -> Features:
    """Return the features of every image; only those that the store lacks are computed.

    Each distinct file is read and decoded once, for its feature and its thumbnail. Files that cannot
    be read or decoded, or that changed since they were scanned, go to ``.images.rejected``.

    Parameters
    ----------
    batch_size : int
        Images per step on a GPU. On a CPU images are computed one by one on ``threads`` threads, and
        results do not depend on it.
    device : str
        ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"mps"``.
    threads : int, optional
        Threads that read, decode and (on CPU) run the network; all usable cores by default.
    onnx : Path, optional
        File of the network's ONNX form; by default it is exported on first use.

    Raises
    ------
    BackboneError
        The network cannot be built.
    StoreError
        The store cannot be written; what was stored is kept.
    """
    batch_size = arguments.positive_int(batch_size, "batch_size")
    store = store or FeatureStore()
    with status(f"preparing {backbone.spec.name}", progress):
        onnx = onnx or export_once(backbone, store)  # saved models carry it, even when every feature is stored
    rejected, todo = find_missing(images, backbone.spec.fingerprint, store)
    if todo:
        device = resolve_device(device)
        runtime = make_runtime(backbone, onnx, device)
    start = time.perf_counter()
    if todo:
        with journal() as notes:
            extraction = _Extraction(
                images, backbone.spec, runtime, store, threads or usable_cores(), batch_size, notes
            )
            rejected |= extraction.run(todo, progress)
            for key in notes.suspects & set(images.sha256):
                notes.clear(key)
    found, matrix = store.read_features(backbone.spec.fingerprint, images.sha256)
    accepted = images[found].with_rejected([_row(images, int(i), rejected) for i in np.flatnonzero(~found)])
    seconds = time.perf_counter() - start
    stats = {
        "computed": float(len(todo)),
        "reused": float(len(images) - len(todo)),
        "seconds": seconds,
        "images_per_second": len(todo) / seconds if todo else 0.0,
    }
    return Features(accepted, matrix, replace(backbone.spec, dim=int(matrix.shape[1])), stats)


def image_pixels(data: bytes, spec: BackboneSpec) -> tuple[Image, Pixels]:
    """Decode one file to an RGB picture and to the backbone's input, uint8 (height, width, 3).

    Raises
    ------
    ImageError
        The file cannot be decoded.
    """
    picture = fromarray(decode(data, _decode_size(spec)))
    return picture, resize(picture, (spec.height, spec.width))


def _decode_size(spec: BackboneSpec) -> tuple[int, int]:
    """Return the height and width that both thumbnail and network need."""
    return max(spec.height, THUMBNAIL), max(spec.width, THUMBNAIL)


def find_missing(
    images: ImageTable, fingerprint: str, store: FeatureStore
) -> tuple[dict[str, tuple[str, str]], list[list[int]]]:
    """Find the contents that the store has no feature of.

    Returns
    -------
    rejected : dict
        sha256 to (stage, reason) of contents known to be undecodable.
    todo : list of list of int
        Rows of each content to compute, copies of one content together.
    """
    keys = images.sha256
    stored, _ = store.features(fingerprint).find(keys)
    known, reasons = store.undecodable.find(keys)
    bad = dict(zip(np.asarray(keys, object)[known], reasons.to_pylist() if reasons is not None else [], strict=True))
    copies: dict[str, list[int]] = {}
    for i in np.flatnonzero(~stored & ~known):
        copies.setdefault(keys[i], []).append(int(i))
    return {key: ("decode", reason) for key, reason in bad.items()}, list(copies.values())


def export_once(backbone: Backbone, store: FeatureStore) -> Path | None:
    """Return the file of the exported network, exporting it on first use; None if it has no ONNX form.

    Raises
    ------
    BackboneError
        The network cannot be built.
    """
    folder = store.backbone_folder(backbone.spec.fingerprint)
    try:
        export_onnx(backbone, folder)
    except BackboneError as error:
        if "ONNX" not in str(error):
            raise
        import warnings

        warnings.warn(f"{error} It runs in torch instead; saved models cannot query new images.", stacklevel=3)
        return None
    return folder / ONNX_FILE


def _row(images: ImageTable, i: int, rejected: dict[str, tuple[str, str]]) -> dict[str, str]:
    stage, reason = rejected.get(images.sha256[i], ("decode", "it could not be decoded"))
    return {"path": images.paths[i], "stage": stage, "reason": reason}


@dataclass
class _Extraction:
    """One extraction run: worker threads decode (and infer on CPU), the calling thread stores."""

    images: ImageTable
    spec: BackboneSpec
    runtime: FeatureRuntime
    store: FeatureStore
    threads: int
    batch_size: int
    notes: Journal

    def run(self, todo: Sequence[list[int]], progress: bool) -> dict[str, tuple[str, str]]:
        """Compute and store the contents in ``todo`` (`find_missing`); return rejected sha256 to (stage, reason)."""
        rejected: dict[str, tuple[str, str]] = {}
        features: dict[str, NDArray[np.float32]] = {}
        thumbnails: dict[str, bytes] = {}
        undecodable: dict[str, str] = {}
        waiting: dict[str, Pixels] = {}

        def infer() -> None:
            if waiting:
                features.update(zip(waiting, self.runtime(np.stack(list(waiting.values()))), strict=True))
                waiting.clear()

        def flush() -> None:
            infer()
            self.store.write(self.spec.fingerprint, features, thumbnails, undecodable)
            for kept in (features, thumbnails, undecodable):
                kept.clear()

        try:
            for rows, result in track(self._results(todo), "features", total=len(todo), enabled=progress):
                key = self.images.sha256[rows[0]]
                if isinstance(result, ImageError):
                    rejected[key] = (result.stage, result.reason)
                    if result.stage == "decode":
                        undecodable[key] = result.reason
                    continue
                value, thumbnails[key] = result
                (waiting if self.runtime.batched else features)[key] = value
                if len(waiting) == self.batch_size:
                    infer()
                if len(thumbnails) >= PART_ROWS:
                    flush()
        except KeyboardInterrupt:
            flush()  # store what an interrupted run has computed
            raise
        flush()
        return rejected

    def _results(self, todo: Sequence[list[int]]) -> Iterator[tuple[list[int], Any]]:
        """Yield results in order, with a bounded number of images in memory."""
        tasks = (todo[start : start + TASK_IMAGES] for start in range(0, len(todo), TASK_IMAGES))
        waiting: deque[tuple[Sequence[list[int]], Future[list[Any]]]] = deque()
        pool = ThreadPoolExecutor(self.threads, thread_name_prefix="imgsim")
        try:
            for task in tasks:
                waiting.append((task, pool.submit(self._extract_task, task)))
                if len(waiting) > 2 * self.threads + self.batch_size // TASK_IMAGES:
                    yield from _pop_first(waiting)
            while waiting:
                yield from _pop_first(waiting)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def _extract_task(self, task: Sequence[list[int]]) -> list[Any]:
        return [self._extract(rows) for rows in task]

    def _extract(self, rows: list[int]) -> Any:
        """Return feature (or input pixels for a batched runtime) and thumbnail of one content, or its ImageError."""
        key = self.images.sha256[rows[0]]
        try:
            data = self._read(rows)
            if key in self.notes.suspects:
                check_alone(data, "decode", _decode_size(self.spec))
            with self.notes.decoding(key):
                picture, pixels = image_pixels(data, self.spec)
        except ImageError as error:
            if isinstance(error.__context__, MemoryError):  # a state of the machine, not of the file: not stored
                return ImageError("read", error.reason)
            return error
        small = thumbnail(picture, THUMBNAIL)
        return (pixels if self.runtime.batched else self.runtime(pixels[None])[0]), small

    def _read(self, rows: list[int]) -> bytes:
        """Read the first of these copies whose content has not changed since the scan."""
        for i in rows:
            try:
                data = self.images.read_bytes(i)
            except ImageError as error:
                bad = ImageError(error.stage, error.reason.removeprefix(f"{self.images.location(i)}: "))
                continue
            if hashlib.sha256(data).hexdigest() == self.images.sha256[i]:
                return data
            bad = ImageError("read", "the file changed after it was scanned; run again to take the new content")
        raise bad


def _pop_first(waiting: deque[tuple[Sequence[list[int]], Future[list[Any]]]]) -> Iterator[tuple[list[int], Any]]:
    task, future = waiting.popleft()
    yield from zip(task, future.result(), strict=True)
