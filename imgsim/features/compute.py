"""Computation of the features that a store lacks: worker threads read, decode and infer, the calling thread stores."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL.Image import Image, fromarray

from imgsim.backbones.preprocessing import input_pixels
from imgsim.backbones.runtime import FeatureRuntime, make_runtime, resolve_device
from imgsim.backbones.spec import Backbone, BackboneSpec
from imgsim.columns.texts import Texts
from imgsim.decoding.crash_journal import journal
from imgsim.decoding.decode import decode, thumbnail
from imgsim.decoding.subprocess_check import check_alone
from imgsim.errors import ImageError, StoreError
from imgsim.features.store import FeatureStore
from imgsim.features.stored import read_blocks
from imgsim.images.table import ImageTable
from imgsim.io.held_file import HeldFile
from imgsim.progress import track

Pixels = NDArray[np.uint8]
THUMBNAIL = 160
PART_ROWS = 512
TASK_IMAGES = 8
ROUNDS = 3


def image_pixels(data: bytes, spec: BackboneSpec) -> tuple[Image, Pixels]:
    """Decode one file to an RGB picture and to the backbone's input, uint8 (height, width, 3).

    Raises
    ------
    ImageError
        The file cannot be decoded.
    """
    picture = fromarray(decode(data, decode_size(spec)))
    return picture, input_pixels(picture, spec)


def decode_size(spec: BackboneSpec) -> tuple[int, int]:
    """Return the height and width that both thumbnail and network need."""
    least = max(spec.crop_from, THUMBNAIL)
    return max(spec.height, least), max(spec.width, least)


def find_missing(
    images: ImageTable, fingerprint: str, store: FeatureStore
) -> tuple[dict[str, tuple[str, str]], list[list[int]]]:
    """Find the contents that the store has no feature or no thumbnail of.

    Returns
    -------
    rejected : dict
        sha256 to (stage, reason) of contents known to be undecodable.
    todo : list of list of int
        Rows of each content to compute, copies of one content together.
    """
    keys = images.sha256
    stored = store.contains(fingerprint, keys)
    known, reasons = store.undecodable.find(keys)
    bad = dict(zip(keys[np.flatnonzero(known)], reasons.to_pylist() if reasons is not None else [], strict=True))
    return {key: ("decode", reason) for key, reason in bad.items()}, _copies(keys, np.flatnonzero(~stored & ~known))


def _copies(keys: Texts[str], rows: NDArray[np.intp]) -> list[list[int]]:
    """Group rows by content."""
    copies: dict[str, list[int]] = {}
    for row, key in zip(rows.tolist(), keys[rows], strict=True):
        copies.setdefault(key, []).append(row)
    return list(copies.values())


@dataclass
class _Unstored:
    """Results by sha256 that the store does not hold yet."""

    features: dict[str, NDArray[np.float32]] = field(default_factory=dict)
    thumbnails: dict[str, bytes] = field(default_factory=dict)
    undecodable: dict[str, str] = field(default_factory=dict)
    formats: dict[str, str] = field(default_factory=dict)


@dataclass
class Computation:
    """One extraction: worker threads decode (and infer on CPU), the calling thread stores."""

    images: ImageTable
    backbone: Backbone
    store: FeatureStore
    threads: int
    batch_size: int
    device: str
    onnx: Path | HeldFile | None
    progress: bool
    rejected: dict[str, tuple[str, str]] = field(default_factory=dict)  # sha256 to (stage, reason)
    computed: int = 0
    _unstored: _Unstored = field(default_factory=_Unstored)
    _waiting: dict[str, Pixels] = field(default_factory=dict)  # inputs of the next batch

    def complete(self) -> tuple[NDArray[np.bool_], int]:
        """Compute what the store lacks; return which images it has features of, (n,) bool, and their length.

        Damage in the store may show only when features are read; then what it held is computed too.
        """
        keys, fingerprint = self.images.sha256, self.spec.fingerprint
        for _ in range(ROUNDS):
            known, todo = find_missing(self.images, fingerprint, self.store)
            self.rejected |= known
            self._compute([rows for rows in todo if keys[rows[0]] not in self.rejected])
            found, dim = self._read_through()
            if set(keys[np.flatnonzero(~found)]) <= set(self.rejected):
                self.store.tidy(fingerprint)
                return found, dim
        raise StoreError(f"{self.store.root} does not hold what was just written to it. Check that disk or bucket.")

    def fill(self) -> None:
        """Compute and store every content, whether the store holds it or not: nothing in it is looked up."""
        self._compute(_copies(self.images.sha256, np.arange(len(self.images))))

    def _read_through(self) -> tuple[NDArray[np.bool_], int]:
        """Read all features, block by block, and keep none."""
        found, dim = [np.zeros(0, bool)], 0
        for there, block in read_blocks(self.store, self.spec.fingerprint, self.images.sha256):
            found.append(there)
            dim = max(dim, block.shape[1])
        return np.concatenate(found), dim

    @property
    def spec(self) -> BackboneSpec:
        """Description of the network."""
        return self.backbone.spec

    @cached_property
    def runtime(self) -> FeatureRuntime:
        """Network on its device, made when there is something to compute."""
        return make_runtime(self.backbone, self.onnx, resolve_device(self.device))

    @cached_property
    def _formats(self) -> Texts[str]:
        return Texts(self.images.table["format"])

    def _compute(self, todo: Sequence[list[int]]) -> None:
        """Compute and store the contents in ``todo`` (`find_missing`)."""
        if not todo:
            return
        self.computed += len(todo)
        _ = self.runtime  # made before threads share it
        with journal() as self.notes:
            self._store_all(todo)
            for key in list(self.notes.suspects):
                if key not in self.images.sha256:
                    continue
                if self.rejected.get(key, ("", ""))[0] != "read":  # else there is no verdict yet
                    self.notes.clear(key)

    def _store_all(self, todo: Sequence[list[int]]) -> None:
        try:
            for rows, result in track(self._results(todo), "features", total=len(todo), enabled=self.progress):
                key = self.images.sha256[rows[0]]
                self._unstored.formats[key] = self._formats[rows[0]]
                self._take(key, result)
        except KeyboardInterrupt:
            self._flush()  # store what an interrupted run has computed
            raise
        self._flush()

    def _take(self, key: str, result: Any) -> None:
        """Take what `_extract` returned for one content; full batches and full parts go on."""
        if isinstance(result, ImageError):
            self.rejected[key] = (result.stage, result.reason)
            if result.stage == "decode":
                self._unstored.undecodable[key] = result.reason
            return
        value, self._unstored.thumbnails[key] = result
        if self.runtime.batched:
            self._waiting[key] = value
        else:
            self._keep(key, value)
        if len(self._waiting) == self.batch_size:
            self._infer()
        if len(self._unstored.thumbnails) >= PART_ROWS:
            self._flush()

    def _keep(self, key: str, feature: NDArray[np.float32]) -> None:
        if np.isfinite(feature).all():
            self._unstored.features[key] = feature
        else:
            self.rejected[key] = "network", f"{self.spec.name} gives NaN or infinity for this picture"

    def _infer(self) -> None:
        if self._waiting:
            pixels = np.stack(list(self._waiting.values()))
            for key, feature in zip(self._waiting, self.runtime(pixels), strict=True):
                self._keep(key, feature)
            self._waiting.clear()

    def _flush(self) -> None:
        self._infer()
        done, self._unstored = self._unstored, _Unstored()
        self.store.write(self.spec.fingerprint, done.features, done.thumbnails, done.undecodable, done.formats)

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
        """Return feature (or input pixels for a batched runtime) and thumbnail of each content, or its ImageError.

        All are decoded before the network runs: it would push the decoder out of the processor's caches each time.
        """
        decoded = [self._decode(rows) for rows in task]
        return decoded if self.runtime.batched else [self._run_network(result) for result in decoded]

    def _run_network(self, result: Any) -> Any:
        if isinstance(result, ImageError):
            return result
        pixels, small = result
        return self.runtime(pixels[None])[0], small

    def _decode(self, rows: list[int]) -> Any:
        """Return input pixels and thumbnail of one content, or its ImageError."""
        key = self.images.sha256[rows[0]]
        try:
            data = self._read(rows)
            if key in self.notes.suspects:
                check_alone(data, "decode", decode_size(self.spec))
            with self.notes.decoding(key):
                picture, pixels = image_pixels(data, self.spec)
        except ImageError as error:
            return error
        return pixels, thumbnail(picture, THUMBNAIL)

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
