"""Columns of the insights' tables: one schema per table, in a section of each insight."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

    from imgsim.images.table import ImageTable


def of_images(*fields: pa.Field) -> pa.Schema:
    """Schema of a table about images: ``row`` in the model, ``path``, ``label``, and what it says of them."""
    return pa.schema(
        [
            pa.field("row", pa.int32(), nullable=False),
            pa.field("path", pa.string(), nullable=False),
            pa.field("label", pa.string()),
            *fields,
        ]
    )


def frame(schema: pa.Schema, columns: Mapping[str, Any] | pd.DataFrame) -> pd.DataFrame:
    """A DataFrame with exactly the columns and types of ``schema``, also when it is empty."""
    arrays = [pa.array(columns[name], schema.field(name).type, from_pandas=True) for name in schema.names]
    return pa.table(arrays, schema=schema).to_pandas()


def about(images: ImageTable, rows: Sequence[int] | NDArray[np.integer]) -> dict[str, list[Any]]:
    """The columns that every table about images starts with, for these rows."""
    positions = [int(row) for row in rows]
    paths, labels = images.paths, images.labels
    return {"row": positions, "path": [paths[i] for i in positions], "label": [labels[i] for i in positions]}


OUTLIERS = {
    "images": of_images(
        pa.field("distance", pa.float32(), nullable=False),  # to the furthest of its k neighbours
        pa.field("lof", pa.float32(), nullable=False),  # local outlier factor: 1 = as dense as around its neighbours
        pa.field("score", pa.float32(), nullable=False),  # distance, in robust deviations above the median
        pa.field("outlier", pa.bool_(), nullable=False),
    )
}
_LISTED = of_images(
    pa.field("in_degree", pa.int32(), nullable=False),  # images that list it among their k nearest
    pa.field("mismatch", pa.float32()),  # share of those with another label; null without labels
)
HUBNESS = {"hubs": _LISTED, "antihubs": _LISTED}
LABEL_ERRORS = {
    "images": of_images(
        pa.field("suggestion", pa.string()),  # the label that fits best instead; null when no neighbour has another
        pa.field("probability", pa.float32(), nullable=False),  # that the label is wrong
        pa.field("votes", pa.int32(), nullable=False),  # neighbours with the suggested label
        pa.field("votes_given", pa.int32(), nullable=False),  # neighbours with the image's own label
    ),
    "classes": pa.schema(
        [
            pa.field("label", pa.string(), nullable=False),
            pa.field("images", pa.int32(), nullable=False),
            pa.field("expected_errors", pa.float32(), nullable=False),  # sum of the probabilities
            pa.field("flagged", pa.int32(), nullable=False),  # more likely wrong than right
        ]
    ),
}
CLUSTERS = {
    "clusters": pa.schema(
        [
            pa.field("cluster", pa.int32(), nullable=False),  # from 0, the biggest first
            pa.field("size", pa.int32(), nullable=False),
            pa.field("row", pa.int32(), nullable=False),  # of the representative image
            pa.field("path", pa.string(), nullable=False),
            pa.field("common_label", pa.string()),
            pa.field("purity", pa.float32()),  # share of the labelled images with that label; null without labels
        ]
    ),
    "members": of_images(pa.field("cluster", pa.int32(), nullable=False)),
}

MEASURES = ("sharpness", "shadows", "brightness", "highlights", "contrast", "entropy", "colorfulness")
TRAITS = [
    *(pa.field(name, pa.float32()) for name in MEASURES),
    pa.field("descriptor", pa.list_(pa.uint8(), 1536), nullable=False),
]
"""What `imgsim.insights.measures` measures of one picture."""

DUPLICATES = {
    "groups": of_images(
        pa.field("group", pa.int32(), nullable=False),  # from 0, by tier, then size
        pa.field("tier", pa.string(), nullable=False),  # same_bytes, same_picture, look_alike
        pa.field("keep", pa.bool_(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),  # why it is kept, or what the kept one has over it
        pa.field("width", pa.int32(), nullable=False),  # upright
        pa.field("height", pa.int32(), nullable=False),
        pa.field("bytes", pa.int64(), nullable=False),
        pa.field("sharpness", pa.float32()),
        pa.field("distance", pa.float32(), nullable=False),  # of embeddings, to the kept one
    ),
    "pairs": of_images(
        pa.field("other", pa.int32(), nullable=False),  # row, above ``row``; both of distinct content
        pa.field("other_path", pa.string(), nullable=False),
        pa.field("other_label", pa.string()),
        pa.field("tier", pa.string(), nullable=False),  # same_picture, look_alike, neighbor (further away)
        pa.field("distance", pa.float32(), nullable=False),
        pa.field("difference", pa.float32()),  # of the pictures, 1 is the limit; null where not looked at
        pa.field("turn", pa.string(), nullable=False),  # how the other one lies: upright, mirrored, rotated 90...
    ),
}
LEAKS = {
    "pairs": of_images(
        pa.field("split", pa.string(), nullable=False),
        pa.field("other", pa.int32(), nullable=False),  # row of the same picture in the other split
        pa.field("other_path", pa.string(), nullable=False),
        pa.field("other_label", pa.string()),
        pa.field("other_split", pa.string(), nullable=False),
        pa.field("tier", pa.string(), nullable=False),
    ),
    "counts": pa.schema(
        [
            pa.field("split", pa.string(), nullable=False),
            pa.field("other_split", pa.string(), nullable=False),
            pa.field("tier", pa.string(), nullable=False),
            pa.field("images", pa.int32(), nullable=False),  # of ``split`` that are in ``other_split`` too
            pa.field("share", pa.float32(), nullable=False),  # of the images of ``split``
        ]
    ),
}
QUALITY = {
    "issues": of_images(
        pa.field("issue", pa.string(), nullable=False),  # blurry, dark, bright, low_information, odd_aspect, odd_size
        pa.field("value", pa.float32(), nullable=False),  # what was measured
        pa.field("threshold", pa.float32(), nullable=False),  # in the same unit
        pa.field("score", pa.float32(), nullable=False),  # 1 at the threshold, more beyond
    ),
    "images": of_images(
        *(pa.field(name, pa.float32()) for name in MEASURES),
        pa.field("aspect", pa.float32()),  # width over height, upright
        pa.field("size", pa.float32()),  # square root of the number of pixels
        pa.field("issues", pa.string(), nullable=False),  # names, separated by ", "
    ),
}
MAP = {
    "map": of_images(
        pa.field("x", pa.float32(), nullable=False),  # -1 to 1
        pa.field("y", pa.float32(), nullable=False),
    )
}

TABLES: dict[str, dict[str, pa.Schema]] = {
    "duplicates": DUPLICATES,
    "leaks": LEAKS,
    "quality": QUALITY,
    "outliers": OUTLIERS,
    "hubness": HUBNESS,
    "label_errors": LABEL_ERRORS,
    "clusters": CLUSTERS,
    "map": MAP,
}
"""Insight -> table -> schema."""
