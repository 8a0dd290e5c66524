"""Models of labelled vectors, each row a picture known by its content: quick to make, and as good or bad as wanted."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

import imgsim
from imgsim.images.table import ImageTable

LABELS = np.repeat(list("abcdefgh"), 25)


def clustered(noise: float, seed: int = 0, labels: NDArray[np.str_] = LABELS) -> NDArray[np.float32]:
    """One direction per label, and noise: (n, 16) float32."""
    codes = np.unique(labels, return_inverse=True)[1]
    noisy = np.eye(16)[codes] + np.random.default_rng(seed).normal(0, noise, (len(codes), 16))
    return noisy.astype(np.float32)


def labelled_model(
    matrix: NDArray[np.float32],
    labels: Sequence[str | None] | NDArray[np.str_] = LABELS,
    rows: Sequence[int] | NDArray[np.int64] | None = None,
    k: int = 10,
    contents: Sequence[int] | None = None,
) -> imgsim.SimilarityModel:
    """Make a model of some ``rows``; row i is the picture i, or the one that ``contents`` names."""
    chosen = np.arange(len(matrix)) if rows is None else np.asarray(rows)
    model = imgsim.create(embeddings=matrix[chosen], ids=chosen, k=k, progress=False)
    table = model.images.table
    columns = {
        "label": pa.array([None if labels[row] is None else str(labels[row]) for row in chosen], pa.string()),
        "sha256": pa.array([f"{row if contents is None else contents[row]:064x}" for row in chosen], pa.string()),
    }
    for name, values in columns.items():
        table = table.set_column(table.schema.get_field_index(name), table.schema.field(name), values)
    model.references.images = ImageTable(table)
    model.evaluate(min(k, len(chosen) - 1) or 1)
    return model
