"""Leaks: one picture in two splits, so that a network is tested on images it was trained on."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from imgsim.errors import ArgumentError, ArgumentTypeError
from imgsim.insights.duplicates.find import TIERS
from imgsim.insights.tables import about, of_images
from imgsim.references.insight import Insight, frame

if TYPE_CHECKING:
    from imgsim.images.table import ImageTable
    from imgsim.references.references import References

TABLES: dict[str, pa.Schema] = {
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

COLUMN = "split"
FOLDERS = {"train": "train", "val": "val", "valid": "val", "validation": "val", "dev": "val", "test": "test"}
"""Names of folders, in lower case, to splits."""
_ORDER = ("train", "val", "test")


def find_leaks(
    references: References,
    duplicates: Insight,
    split: str | Sequence[str | None] | None = None,
    look_alikes: bool = False,
) -> Insight:
    """Find images of one split that are in another one too.

    Parameters
    ----------
    references : References
    duplicates : Insight
        Of the same images (`imgsim.insights.duplicates.find.find_duplicates`).
    split : str or sequence of n str or None, optional
        A column of the table of images, or the split of each image; None belongs to no split. By default
        the column ``split`` if the source had one, else the topmost folder of the path that is named train,
        val, valid, validation, dev or test.
    look_alikes : bool
        Count look-alikes too.

    Returns
    -------
    Insight
        ``leaks``: tables ``pairs`` and ``counts`` (see `TABLES`). Each leaking image is listed once per other split,
        with one image there, by the strictest tier of duplicates that both are in. Of train, val and test the later
        one leaks from the earlier one. Metrics ``splits`` and ``images``. Without two splits the tables are empty and
        ``params["note"]`` says so.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        ``split`` names no column, or has another number of values than there are images.
    """
    names, origin = _splits(references.images, split)
    known = sorted({name for name in names if name is not None}, key=_split_order)
    params: dict[str, Any] = {"split": origin, "splits": known, "look_alikes": look_alikes}
    if len(known) < 2:
        params["note"] = (
            f"there {'is one split' if known else 'are no splits'} by {origin}, so nothing can leak: give split= a "
            "column or a value per image, load a table with a column 'split', or name folders train, val and test."
        )
    pairs = _leaks(duplicates.tables["groups"], np.array([known.index(n) if n else -1 for n in names]), look_alikes)
    table = _pairs_table(references, pairs, known)
    counts = _counts_table(table, names, known, TIERS if look_alikes else TIERS[:2])
    metrics = {"splits": float(len(known)), "images": float(table["row"].nunique())}
    return Insight("leaks", TABLES, {"pairs": table, "counts": counts}, metrics, params)


def _splits(images: ImageTable, split: str | Sequence[str | None] | None) -> tuple[list[str | None], str]:
    """Return the split of each image, and its source in words."""
    if isinstance(split, str) or (split is None and any(images.splits)):
        column = split or COLUMN
        values = images.column(column)
        return [None if value is None else str(value) for value in values], f"the column {column!r}"
    if split is None:
        return [_of_path(path) for path in images.paths], "folders"
    try:
        values = list(split)
    except TypeError:
        raise ArgumentTypeError(f"split must be a column or a value per image, not {split!r:.80}.") from None
    if len(values) != len(images):
        raise ArgumentError(f"split has {len(values)} values for {len(images)} images.")
    if not all(value is None or isinstance(value, str) for value in values):
        raise ArgumentTypeError("split must hold strings, or None for images of no split.")
    return values, "the values given"


def _of_path(path: str) -> str | None:
    return next((FOLDERS[part] for part in path.lower().split("/")[:-1] if part in FOLDERS), None)


def _split_order(name: str) -> tuple[int, str]:
    """Sort train before val before test before others; a later split leaks from an earlier one."""
    return (_ORDER.index(name) if name in _ORDER else len(_ORDER), name)


def _leaks(groups: pd.DataFrame, split: NDArray[np.int64], look_alikes: bool) -> pd.DataFrame:
    """Find each row once per earlier split with the same picture; columns row, split, from, other, tier."""
    picture = np.arange(len(split))
    found = []
    for tier in TIERS if look_alikes else TIERS[:2]:
        picture = _merge_groups(picture, groups[groups["tier"] == tier])
        rows = pd.DataFrame({"row": np.arange(len(split)), "picture": picture, "split": split})
        rows = rows[(split >= 0) & (np.bincount(picture, minlength=len(picture))[picture] > 1)]
        partners = rows.drop_duplicates(["picture", "split"]).rename(columns={"row": "other", "split": "from"})
        both = rows.merge(partners, on="picture")
        both = both[both["from"] < both["split"]]
        found.append(both[["row", "split", "from", "other"]].assign(tier=tier))
    return pd.concat(found).drop_duplicates(["row", "from"])


def _merge_groups(picture: NDArray[np.int64], groups: pd.DataFrame) -> NDArray[np.int64]:
    """Merge the groups of one more tier into ``picture``, (n,) with equal numbers for images of one picture."""
    joined = np.arange(len(picture))
    for _, rows in groups.groupby("group")["row"]:
        joined[picture[rows]] = picture[rows.iloc[0]]
    return np.asarray(joined[picture])


def _pairs_table(references: References, pairs: pd.DataFrame, known: Sequence[str]) -> pd.DataFrame:
    other = about(references.images, pairs["other"])
    columns = about(references.images, pairs["row"]) | {
        "split": [known[place] for place in pairs["split"]],
        "other": other["row"],
        "other_path": other["path"],
        "other_label": other["label"],
        "other_split": [known[place] for place in pairs["from"]],
        "tier": pairs["tier"].tolist(),
    }
    return frame(TABLES["pairs"], columns)


def _counts_table(
    pairs: pd.DataFrame, names: Sequence[str | None], known: Sequence[str], tiers: Sequence[str]
) -> pd.DataFrame:
    rows = []
    for earlier, later in combinations(known, 2):
        there = sum(name == later for name in names)
        for tier in tiers:
            mine = (pairs["split"] == later) & (pairs["other_split"] == earlier) & (pairs["tier"] == tier)
            rows.append((later, earlier, tier, int(mine.sum()), float(mine.sum() / there)))
    columns = zip(*rows, strict=True) if rows else [[]] * 5
    return frame(TABLES["counts"], dict(zip(TABLES["counts"].names, map(list, columns), strict=True)))


def tiles(table: pd.DataFrame) -> list[tuple[int, str]]:
    """Return both pictures of each pair with their splits."""
    sides = ((r.row, f"{r.split}: {r.tier}", r.other, r.other_split) for r in table.itertuples())
    return [tile for row, caption, other, split in sides for tile in ((row, caption), (other, split))]
