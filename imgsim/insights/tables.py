"""Columns that all tables about images share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from imgsim.images.table import ImageTable


def of_images(*fields: pa.Field) -> pa.Schema:
    """Return the schema of a table about images: ``row`` in the model, ``path``, ``label``, and more columns."""
    return pa.schema(
        [
            pa.field("row", pa.int32(), nullable=False),
            pa.field("path", pa.string(), nullable=False),
            pa.field("label", pa.string()),
            *fields,
        ]
    )


def about(images: ImageTable, rows: Sequence[int] | NDArray[np.integer]) -> dict[str, Sequence[Any]]:
    """Return the columns that every table about images starts with, for these rows."""
    chosen = np.asarray(rows, np.int64)
    return {"row": chosen.tolist(), "path": images.paths[chosen], "label": images.labels[chosen]}
