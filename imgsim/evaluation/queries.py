"""Queries whose precision differs between two evaluations."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from imgsim.evaluation.metrics import Evaluation

_COLUMNS = ("row", "before", "after", "difference")


def query_differences(before: Evaluation | None, after: Evaluation | None, across: NDArray[np.int64]) -> pd.DataFrame:
    """Compare the precision of each picture that is a query in both evaluations.

    Parameters
    ----------
    before, after : Evaluation or None
    across : (n,) int64
        For each image of the first its row in the second, -1 where it has none.

    Returns
    -------
    DataFrame
        Columns row (in the first; of several copies the first row), before, after (precision) and difference, the
        largest loss first, equal ones by row. No rows unless both were evaluated with scores of images and the same k.
    """
    if before is None or after is None or before.k != after.k or before.per_image is None or after.per_image is None:
        return pd.DataFrame({name: np.empty(0, np.int64 if name == "row" else np.float64) for name in _COLUMNS})
    shared = np.flatnonzero(across >= 0)
    old = before.per_image["precision"].to_numpy(np.float64)[shared]
    new = after.per_image["precision"].to_numpy(np.float64)[across[shared]]
    first = np.zeros(len(shared), bool)
    first[np.unique(before.per_image["picture"].to_numpy()[shared], return_index=True)[1]] = True
    asked = np.isfinite(old) & np.isfinite(new) & first
    table = pd.DataFrame({"row": shared[asked], "before": old[asked], "after": new[asked]})
    table["difference"] = table["after"] - table["before"]
    return table.sort_values(["difference", "row"], kind="stable").reset_index(drop=True)
