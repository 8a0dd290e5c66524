"""The model as ``mlflow.pyfunc`` and ``mlflow models serve`` call it: queries in, neighbours out, both as tables.

A row that cannot be answered (broken picture, unknown id, unreadable path) does not fail the others: it comes
back as one row with ``error`` filled in. A request that makes no sense as a whole (``k=0``, two input columns)
is an error.
"""

from __future__ import annotations

import base64
import binascii
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from imgsim.arguments import DEFAULT_K
from imgsim.errors import ArgumentError, ArgumentTypeError, ImageError, ImgsimError, QueryError
from imgsim.references.text_query import check_text, text_space

if TYPE_CHECKING:
    from imgsim.model import SimilarityModel

INPUT_COLUMNS = ("image", "path", "id", "text")
OUTPUT_COLUMNS = ("query", "rank", "id", "path", "label", "distance", "error")
ALLOW_PATHS = "IMGSIM_ALLOW_PATHS"

_DTYPES: dict[str, Any] = {"query": np.int64, "rank": np.int64, "distance": np.float64}


@dataclass(frozen=True)
class _Options:
    k: int
    radius: float | None
    label: str | None


class SimilarityPyfunc:
    """A `SimilarityModel` behind MLflow's ``predict(data, params)``."""

    def __init__(self, model: SimilarityModel) -> None:
        self._model = model
        self._positions = pd.Index(model.ids)

    def get_raw_model(self) -> SimilarityModel:
        """Return the model itself, for ``mlflow.pyfunc.load_model(...).get_raw_model()``."""
        return self._model

    def predict(self, data: object, params: Mapping[str, Any] | None = None) -> pd.DataFrame:
        """Find the neighbours of each row.

        Parameters
        ----------
        data : DataFrame with exactly one of the columns
            ``image`` (base64 text or bytes of a picture), ``path`` (a local file, see below), ``id`` (a reference
            image, itself its first neighbour) or ``text`` (words, where the network has a text tower); or a list or
            Series: whole numbers are ids, the rest are images.
        params : mapping, optional
            ``k`` (default 10), ``radius`` (largest distance, default none) and ``label`` (answer only with reference
            images that have it; ``k`` counts after that filter).

        Returns
        -------
        DataFrame
            ``query`` (row position from 0), ``rank`` (from 1), ``id``, ``path`` (relative to the collection),
            ``label``, ``distance`` and ``error``, by query then rank. ``error`` is None, or the reason why this query
            has no answer, and then the other columns are None.

        Raises
        ------
        ArgumentError
            The table or the parameters make no sense (MlflowException, status 400, on a server).

        Notes
        -----
        A server must not read its own files for whoever can reach it, so under MLflow's scoring server rows of
        ``path`` are refused, unless ``IMGSIM_ALLOW_PATHS=1``; ``IMGSIM_ALLOW_PATHS=0`` refuses them everywhere.
        """
        try:
            return self._predict(data, _options(params or {}))
        except ImgsimError as error:
            if not _is_served():
                raise
            from mlflow.exceptions import MlflowException

            raise MlflowException.invalid_parameter_value(str(error)) from error

    def _predict(self, data: object, options: _Options) -> pd.DataFrame:
        column, values = _input(data)
        if column == "text":
            text_space(self._model.references)
        self._check_label(options.label)
        queries: dict[int, object] = {}
        errors: dict[int, str] = {}
        for row, value in enumerate(values):
            try:
                queries[row] = self._read(column, value)
            except (ImageError, QueryError) as error:
                errors[row] = str(error)
        found = self._search(column, queries, options, errors)
        return _output(found, errors)

    def _check_label(self, label: str | None) -> None:
        if label is not None and label not in self._model.images.labels:
            raise ArgumentError(f"No image of this model has the label {label!r}; label= must be one of its labels.")

    def _read(self, column: str, value: Any) -> object:
        """Turn one cell into something `SimilarityModel.query` accepts."""
        if column == "image":
            return _image_bytes(value)
        if column == "path":
            return _file_bytes(value)
        if column == "text":
            return _words(value)
        if (
            isinstance(value, bool)
            or not isinstance(value, int | np.integer | str)
            or not self._model.references.has_id(value)
        ):
            raise QueryError(f"No image of this model has the id {value!r}; ask with an id of its table of images.")
        return value

    def _search(
        self, column: str, queries: dict[int, object], options: _Options, errors: dict[int, str]
    ) -> pd.DataFrame:
        """Answer all queries at once; when one of them turns out bad, each by itself."""
        if not queries:
            return pd.DataFrame({name: [] for name in OUTPUT_COLUMNS[:-1]})
        try:
            return self._neighbours(column, list(queries), list(queries.values()), options)
        except (ImageError, QueryError) as error:
            if len(queries) == 1:
                errors[next(iter(queries))] = str(error)
                return self._search(column, {}, options, errors)
        return pd.concat([self._search(column, {row: query}, options, errors) for row, query in queries.items()])

    def _neighbours(self, column: str, rows: list[int], queries: list[object], options: _Options) -> pd.DataFrame:
        among = None if options.label is None else [options.label]
        asked: dict[str, Any] = {"text" if column == "text" else "x": queries}
        answer = self._model.query(k=options.k, radius=options.radius, among=among, **asked)
        at = self._positions.get_indexer(answer["reference_label"])
        images = self._model.images
        return pd.DataFrame(
            {
                "query": np.asarray(rows, np.int64)[answer["query_label"].to_numpy()],
                "rank": answer["rank"].to_numpy(),
                "id": answer["reference_label"].to_numpy(),
                "path": pd.Series(images.paths[at].tolist(), dtype=object),
                "label": pd.Series(images.labels[at].tolist(), dtype=object),
                "distance": answer["distance"].to_numpy(np.float64),
            }
        )


def _options(params: Mapping[str, Any]) -> _Options:
    unknown = set(params) - {"k", "radius", "label"}
    if unknown:
        raise ArgumentError(f"Unknown parameters {sorted(unknown)}; predict takes k, radius and label.")
    k = DEFAULT_K if params.get("k") is None else params["k"]
    if isinstance(k, bool) or not isinstance(k, int | np.integer) or k < 1:
        raise ArgumentError(f"k={k!r} is not a whole number of at least 1.")
    return _Options(int(k), params.get("radius"), params.get("label"))


def _input(data: object) -> tuple[str, list[object]]:
    """Return the name of the one input column, and its cells."""
    if isinstance(data, pd.DataFrame):
        present = [name for name in INPUT_COLUMNS if name in data.columns]
        if len(present) != 1:
            raise ArgumentError(
                f"The table has the columns {[str(name) for name in data.columns]}; predict needs exactly one of "
                f"{', '.join(INPUT_COLUMNS)}."
            )
        return present[0], data[present[0]].tolist()
    if isinstance(data, pd.Series | np.ndarray | list | tuple):
        values = list(data) if isinstance(data, list | tuple) else data.tolist()
        ids = all(isinstance(value, int | np.integer) for value in values)
        return ("id" if ids else "image"), values
    if isinstance(data, str | bytes):
        return "image", [data]
    raise ArgumentTypeError(f"predict takes a DataFrame, a Series or a list, not {type(data).__name__}.")


def _image_bytes(value: object) -> bytes:
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value)
    if not isinstance(value, str):
        raise ImageError("read", f"an image is base64 text or bytes, not {type(value).__name__}.")
    text = value.partition(",")[2] if value.startswith("data:") else value
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ImageError("read", f"not base64 ({error}); a file name goes into the column `path`.") from error


def _words(value: object) -> str:
    try:
        return check_text(value, "the text")
    except (ArgumentError, ArgumentTypeError) as error:
        raise QueryError(str(error)) from error


def _file_bytes(value: object) -> bytes:
    if not _paths_allowed():
        raise ImageError(
            "read", f"this server does not read its own files; send the image, or start it with {ALLOW_PATHS}=1."
        )
    if not isinstance(value, str | Path):
        raise ImageError("read", f"a path is text, not {type(value).__name__}.")
    from imgsim.images.read_files import LocalFiles

    try:
        return LocalFiles("").read(str(value))[0]
    except ImageError as error:
        raise ImageError("read", f"{value} cannot be read: {error.reason}.") from error


def _paths_allowed() -> bool:
    setting = os.environ.get(ALLOW_PATHS)
    return not _is_served() if setting is None else setting == "1"


def _is_served() -> bool:
    """Tell whether this is a scoring server: MLflow's own marks its process before it answers."""
    return os.environ.get("_MLFLOW_IS_IN_SERVING_ENVIRONMENT", "").lower() == "true" or "mlserver" in sys.modules


def _output(found: pd.DataFrame, errors: Mapping[int, str]) -> pd.DataFrame:
    """Put neighbours and errors into one table; missing cells are None, which JSON can say."""
    columns: dict[str, list[Any]] = {name: found[name].tolist() for name in OUTPUT_COLUMNS[:-1]}
    columns["error"] = [None] * len(found)
    for row, reason in errors.items():
        for name in OUTPUT_COLUMNS:
            columns[name].append({"query": row, "error": reason}.get(name))
    order = np.argsort(np.asarray(columns["query"], np.int64), kind="stable")
    return pd.DataFrame({name: _series(name, [cells[i] for i in order]) for name, cells in columns.items()})


def _series(name: str, cells: list[Any]) -> pd.Series[Any]:
    if name == "id" and cells and all(isinstance(cell, int) for cell in cells):
        return pd.Series(cells, dtype=np.int64)
    return pd.Series(cells, dtype=object if None in cells else _DTYPES.get(name, object))
