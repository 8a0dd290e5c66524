"""Pictures of query results: a row per query, the query first, then its neighbours."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL.Image import Image

from imgsim.decoding.decode import decode, thumbnail
from imgsim.images.contact_sheet import Picture, neighbor_sheet
from imgsim.images.table import ImageTable
from imgsim.references.query import is_id, items_of, read_bytes
from imgsim.references.references import References
from imgsim.references.text_query import names_of

Shown = tuple[Picture, str | None]
"""A picture and its label."""
NO_PICTURE: Shown = (None, None)
SIDE = 160


def draw_answer(references: References, x: Any, answer: pd.DataFrame, text: Any = None) -> Image:
    """Draw the result of `SimilarityModel.query`; ``query_label`` must be the positions of the queries.

    Queries with a text have no label, and without ``x`` no picture either.
    """
    if text is None:
        queries = shown_queries(references, x)
    elif x is None:
        queries = [NO_PICTURE] * len(names_of(text))
    else:
        queries = [(picture, None) for picture, _ in shown_queries(references, x)]
    found = [answer[answer["query_label"] == position] for position in range(len(queries))]
    return draw_neighbors(references, queries, [(a["reference_label"].tolist(), a["distance"].tolist()) for a in found])


def draw_neighbors(
    references: References, queries: Sequence[Shown], answers: Sequence[tuple[list[Any], list[float]]]
) -> Image:
    """Draw queries with their neighbours, marked right or wrong where the label of the query is known.

    Parameters
    ----------
    references : References
    queries : sequence of (picture, label)
    answers : sequence of (ids, distances)
        Neighbours of each query, the nearest first.
    """
    sheet = []
    for (picture, label), (ids, distances) in zip(queries, answers, strict=True):
        rows = references.rows_of_ids(ids).tolist()
        tiles = []
        for row, distance, small in zip(rows, distances, references.thumbnails(rows), strict=True):
            own = references.images.labels[row]
            caption = f"{distance:.2f} {own or references.images.paths[row]}"
            tiles.append((small, caption, None if label is None else own == label))
        sheet.append((picture, tiles))
    return neighbor_sheet(sheet)


def shown_queries(references: References, x: Any) -> list[Shown]:
    """Return the pictures and labels of queries; vectors have none."""
    if isinstance(x, ImageTable):
        labels = x.labels
        return [(_small(x.read_bytes(row)), labels[row]) for row in range(len(x))]
    return [shown_query(references, item) for item in items_of(x)]


def shown_query(references: References, item: Any) -> Shown:
    """Return the picture of a query and its label: that of an equal reference image, else a known folder's name."""
    if is_id(references, item):
        row = int(references.rows_of_ids([item])[0])
        return references.thumbnails([row])[0], references.images.labels[row]
    if isinstance(item, np.ndarray) and item.dtype.kind == "f":
        return None, None
    if isinstance(item, np.ndarray) or hasattr(item, "convert"):
        return item, None
    data = read_bytes(item)
    row_of_same = references.row_of_content(hashlib.sha256(data).hexdigest())
    if row_of_same is not None:
        return _small(data), references.images.labels[row_of_same]
    folder = Path(str(item)).absolute().parent.name if isinstance(item, (str, Path)) else None
    return _small(data), folder if folder in set(references.images.labels) else None


def _small(data: bytes) -> bytes:
    return thumbnail(decode(data, at_least=(SIDE, SIDE)))
