"""Queries: pictures, files, ids or vectors, converted to vectors of the model's embedding space."""

from __future__ import annotations

import hashlib
import io
import numbers
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from imgsim.backbones.preprocessing import input_pixels
from imgsim.errors import ArgumentError, ArgumentTypeError, ImageError, QueryError
from imgsim.features.compute import image_pixels
from imgsim.images.table import ImageTable
from imgsim.io.vectors import refuse_values
from imgsim.workers import usable_cores

if TYPE_CHECKING:
    from imgsim.backbones.spec import BackboneSpec
    from imgsim.references.references import References

Vectors = NDArray[np.float32]


def resolve(references: References, x: Any) -> Vectors:
    """Return the vectors of the queries in ``x``, (m, d) float32, one row each.

    A file with the bytes of a reference image gets that image's vector. Ids and such files need no network. In a
    refined model new pictures and raw features are averaged with their neighbours (`imgsim.references.refined`).
    """
    if isinstance(x, ImageTable):
        return _pictures(references, [(x.paths[i], _Stored(x, i)) for i in range(_some(len(x)))])
    if _is_vectors(x):
        return _vectors(references, np.asarray(x))
    items = items_of(x)
    _some(len(items))
    if all(is_id(references, item) for item in items):
        rows: Vectors = references.embeddings[_rows(references, items)]
        return rows
    return _pictures(references, [(_name(item, i), item) for i, item in enumerate(items)])


def items_of(x: Any) -> list[Any]:
    """Return the single queries of ``x``, which is not an ImageTable."""
    if _is_vectors(x):
        return list(np.atleast_2d(np.asarray(x)))
    return list(x) if isinstance(x, (list, tuple, range)) or _is_column(x) else [x]


def query_ids(x: Any, ids: str | Sequence[Any] | None, count: int) -> NDArray[Any]:
    """Return the names of the queries, (count,): positions, a column of the ImageTable, or the values given."""
    if ids is None:
        return np.arange(count)
    if isinstance(ids, str):
        if not isinstance(x, ImageTable):
            raise ArgumentError(f"ids={ids!r} names a column, so the query must be an ImageTable.")
        return np.asarray(x.column(ids))
    values = _one_dimensional(ids)
    if values.shape != (count,):
        raise ArgumentError(f"{values.size} ids for {count} queries.")
    return values


def _one_dimensional(values: Any) -> NDArray[Any]:
    try:
        return np.asarray(values)
    except ValueError as error:
        raise ArgumentTypeError(f"ids must be one value per query: {error}") from error


def embed(references: References, picture: Any) -> Vectors:
    """Return the embedding of a picture, (d,) float32: a PIL image, or a uint8 array (H, W), (H, W, 3) or (H, W, 4)."""
    if not isinstance(picture, np.ndarray) and not hasattr(picture, "getexif"):
        raise ArgumentTypeError(f"a picture is a PIL image or a uint8 array, not {type(picture).__name__}.")
    return _embed(references, lambda spec: input_pixels(_as_rgb(picture), spec))


class _Stored:
    """A row of an ImageTable: its hash is known before its bytes are read."""

    def __init__(self, images: ImageTable, row: int) -> None:
        self.sha256 = images.sha256[row]
        self._images, self._row = images, row

    def read(self) -> bytes:
        return self._images.read_bytes(self._row)


def _some(count: int) -> int:
    if not count:
        raise QueryError("the query is empty: nothing to look for.")
    return count


def _is_column(x: Any) -> bool:
    """Return True for a pandas Series or one-dimensional array of ids or paths."""
    return getattr(x, "ndim", None) == 1 and not isinstance(x, memoryview)


def _is_vectors(x: Any) -> bool:
    if isinstance(x, (list, tuple)) and x and all(isinstance(v, (float, list, np.ndarray)) for v in x):
        try:
            x = np.asarray(x)
        except ValueError:
            return False
    return isinstance(x, np.ndarray) and x.dtype.kind == "f" and x.ndim in (1, 2)


def _vectors(references: References, values: NDArray[Any]) -> Vectors:
    with np.errstate(over="ignore"):
        matrix = np.ascontiguousarray(np.atleast_2d(values), np.float32)
    _some(len(matrix))
    if not np.isfinite(matrix).all():
        raise QueryError(f"query {int((~np.isfinite(matrix)).any(1).argmax())} holds NaN or infinity.")
    try:
        refuse_values(matrix, "query vectors")
    except ArgumentError as error:
        raise QueryError(str(error)) from None
    width, projection = matrix.shape[1], references.projection
    if width == references.embeddings.shape[1]:
        return matrix
    if projection is not None and width == projection.features:
        return _refined(references, projection.transform(matrix))
    raw = f", or {projection.features} (raw features)" if projection is not None else ""
    raise QueryError(f"query vectors have {width} values; this model's have {references.embeddings.shape[1]}{raw}.")


def is_id(references: References, item: Any) -> bool:
    """Return whether a query names a reference image: a whole number, or a string that is one of the ids."""
    if isinstance(item, (bool, np.bool_)):
        return False
    if isinstance(item, numbers.Integral):
        return True
    return isinstance(item, str) and references.ids.dtype.kind == "U" and references.has_id(item)


def _rows(references: References, items: list[Any]) -> NDArray[np.int64]:
    try:
        return references.rows_of_ids([item if isinstance(item, str) else int(item) for item in items])
    except ArgumentError as error:
        raise QueryError(str(error)) from None


def _name(item: Any, position: int) -> str:
    return str(item) if isinstance(item, (str, Path)) else f"query {position}"


def _pictures(references: References, items: list[tuple[str, Any]]) -> Vectors:
    """Return the vectors of pictures; the error names every picture that cannot be used."""
    if len(items) == 1:  # a thread would cost more than it saves
        results = [_picture(references, items[0][1])]
    else:
        with ThreadPoolExecutor(usable_cores()) as pool:
            results = list(pool.map(lambda item: _picture(references, item[1]), items))
    bad = [(name, error) for (name, _), error in zip(items, results, strict=True) if isinstance(error, ImageError)]
    if bad:
        listed = "; ".join(f"{name}: {error.reason}" for name, error in bad[:5])
        raise QueryError(f"{len(bad)} of {len(items)} query images cannot be used: {listed}.")
    return np.stack([np.asarray(result) for result in results])


def _picture(references: References, item: Any) -> Any:
    """Return the vector (d,) of one picture, or the `ImageError` why it has none."""
    try:
        if isinstance(item, np.ndarray) or hasattr(item, "convert"):
            return embed(references, item)
        if isinstance(item, _Stored):
            row = references.row_of_content(item.sha256)
            return references.embeddings[row] if row is not None else _embed_file(references, item.read())
        return _embed_file(references, read_bytes(item))
    except ImageError as error:
        return error


def _embed_file(references: References, data: bytes) -> Any:
    row = references.row_of_content(hashlib.sha256(data).hexdigest())
    if row is not None:
        return references.embeddings[row]
    return _embed(references, lambda spec: image_pixels(data, spec)[1])


def _embed(references: References, pixels: Callable[[BackboneSpec], NDArray[np.uint8]]) -> Vectors:
    """Return the vector (d,) of the input that ``pixels`` makes; ``pixels`` is called only if there is a network."""
    runtime = references.runtime()
    feature = runtime(pixels(references.backbone)[None])
    vectors: Vectors = feature if references.projection is None else references.projection.transform(feature)
    return np.asarray(_refined(references, vectors)[0], np.float32)


def _refined(references: References, vectors: Vectors) -> Vectors:
    return vectors if references.plain is None else references.plain.refine(vectors)


def read_bytes(item: Any) -> bytes:
    """Read the file of a query: bytes, a path or an URL.

    Raises
    ------
    ArgumentTypeError
        It is none of those.
    ImageError
        It cannot be read.
    """
    if isinstance(item, (bytes, bytearray, memoryview)):
        return bytes(item)
    if not isinstance(item, (str, Path)):
        raise ArgumentTypeError(
            f"cannot search for {type(item).__name__}: give an ImageTable, path, PIL image, uint8 array, bytes, "
            "id, float vectors, or a list of one of those."
        )
    from imgsim.images.read_files import open_files
    from imgsim.io.paths import expand
    from imgsim.io.urls import ANYWHERE, full_url, is_url

    try:
        place = full_url(str(item)) if is_url(str(item)) else str(expand(item))
    except ArgumentError as error:  # a null character
        raise ImageError("read", str(error)) from None
    return open_files(ANYWHERE).read(place)[0]


def _as_rgb(item: Any) -> NDArray[np.uint8]:
    """Convert a PIL image (EXIF applied) or uint8 array to RGB (H, W, 3), transparency over white."""
    from PIL import Image

    from imgsim.decoding.from_pillow import from_pillow

    if isinstance(item, np.ndarray):
        if (
            item.dtype != np.uint8
            or item.ndim not in (2, 3)
            or 0 in item.shape
            or (item.ndim == 3 and item.shape[2] not in (3, 4))
        ):
            raise ArgumentTypeError(
                "an array is a picture when it is uint8 of shape (H, W), (H, W, 3) or (H, W, 4), "
                f"not {item.dtype} {item.shape}."
            )
        item = Image.fromarray(item)
    try:
        return from_pillow(item)
    except (OSError, ValueError, io.UnsupportedOperation) as error:
        raise ImageError("decode", str(error)) from error
