"""Reference rows as an export stores them: centred, rounded to 8 bits, and compared with the model's."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.float32]

_FLOAT16 = 2.0**-11
_FLOAT32 = 2.0**-23


def centered_rows(references: Rows, projected: bool) -> tuple[Rows, Rows | None]:
    """Subtract the mean from raw features, and return rows and mean; distances stay, rounding errors shrink.

    Projected rows are unit vectors around 0 already and are returned as they are, with None.
    """
    if projected:
        return references, None
    center = references.mean(axis=0, dtype=np.float64).astype(np.float32)
    return references - center, center


def row_steps(rows: Rows) -> Rows:
    """Return the step of 8-bit values of each row, (n, 1): the largest value is 127 steps."""
    smallest = np.finfo(np.float32).tiny * 127
    return np.asarray(np.maximum(np.abs(rows).max(axis=1, keepdims=True), smallest) / np.float32(127), np.float32)


def rounded_rows(rows: Rows) -> Rows:
    """Round rows as 8-bit storage does, so that norms stored beside them are those of the rounded rows."""
    steps = row_steps(rows)
    return np.asarray(np.round(rows / steps) * steps, np.float32)


def deviation(stored: NDArray[np.generic], steps: NDArray[np.generic] | None, wanted: Rows) -> float:
    """Return the largest deviation of a stored value, in units of the rounding that its type allows.

    Parameters
    ----------
    stored : (n, d) array
        As the export holds them; whole numbers are multiplied by their step already.
    steps : (n, 1) array or None
        Steps of rows that are stored in whole numbers, which may be off by half of it.
    wanted : (n, d) float32
        Right values.
    """
    exact = wanted.astype(np.float64)
    if steps is not None:
        allowed = 0.51 * steps.astype(np.float64)
    else:
        allowed = np.abs(exact) * (_FLOAT16 if stored.dtype == np.float16 else _FLOAT32) * 1.01 + 1e-7
    return float((np.abs(stored.astype(np.float64) - exact) / allowed).max())
