"""Image quality: blurry, dark, bright, empty, oddly shaped and oddly sized pictures, measured from thumbnails.

An image has an issue when its measure is beyond a limit. If that is common in the collection (the limit lies within
one robust deviation of the median), the measure must also be three robust deviations from the median: in a collection
of night photographs not every image is dark. A robust deviation is 1.4826 times the median absolute deviation.

What shows nothing is named whatever the collection (`ALWAYS`): most frames of a video may be black.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from imgsim.insights.duplicates.best_copy import ImageProperties
from imgsim.insights.measures import MEASURES, Traits, require_rows
from imgsim.insights.tables import about, of_images
from imgsim.references.insight import Insight, frame

if TYPE_CHECKING:
    from imgsim.references.references import References

TABLES: dict[str, pa.Schema] = {
    "issues": of_images(
        pa.field("issue", pa.string(), nullable=False),  # blurry, dark, bright, low_information, odd_aspect, odd_size
        pa.field("value", pa.float32(), nullable=False),  # what was measured
        pa.field("threshold", pa.float32(), nullable=False),  # in the same unit
        pa.field("score", pa.float32(), nullable=False),  # 1 at the threshold, more beyond
    ),
    "images": of_images(
        *(pa.field(name, pa.float32()) for name in MEASURES),
        pa.field("aspect", pa.float32()),  # width over height, after EXIF rotation
        pa.field("size", pa.float32()),  # square root of the number of pixels
        pa.field("issues", pa.string(), nullable=False),  # names, separated by ", "
    ),
}

Floats = NDArray[np.float64]
DEVIATIONS = 3.0


@dataclass(frozen=True)
class Issue:
    """A measure and its limit: a smallest value, a largest value, or a factor from the median."""

    measure: str
    at_least: float | None = None
    at_most: float | None = None
    factor: float | None = None


ISSUES = {
    "blurry": Issue("sharpness", at_least=1.1),
    "dark": Issue("highlights", at_least=64),
    "bright": Issue("shadows", at_most=200),
    "low_information": Issue("entropy", at_least=1.5),
    "odd_aspect": Issue("aspect", factor=2.5),
    "odd_size": Issue("size", factor=3),
}
"""Limits in the units of `imgsim.insights.measures.Traits`; aspect is width over height, size the root of pixels."""
_OF_CONTENT = ("blurry", "dark", "bright")
ALWAYS: dict[str, Callable[[pd.DataFrame], pd.Series]] = {
    "blurry": lambda measures: measures["sharpness"] < 0.7,
    "dark": lambda measures: measures["highlights"] < 25,
    "bright": lambda measures: (measures["shadows"] > 225) & (measures["contrast"] < 8),
    "low_information": lambda measures: (measures["entropy"] < 1) & (measures["contrast"] < 4),
}
"""Pictures that have an issue in any collection, from their measures: nothing in focus, 95 % of the pixels black, all
of them almost white, or one grey. A sheet of white paper with a little print on it is none of these."""


def image_quality(references: References, traits: Traits) -> Insight:
    """Find images with issues, and return the measures of all.

    Returns
    -------
    Insight
        ``quality``: tables ``issues``, a row per image and issue, the worst of each issue first, and ``images``, a row
        per image (see `TABLES`). A metric per issue counts its images, ``images`` those with any.
        A picture of low information is not called blurry or bright as well, and dark only if it is black.

    Raises
    ------
    ModelFormatError
        ``traits`` are of other images.
    """
    require_rows(references, traits)
    measures = _measures(references, traits)
    parts = {name: _find_issue(measures, name) for name in ISSUES}
    empty = parts["low_information"]["row"]
    for name in _OF_CONTENT:
        rows = parts[name]["row"]
        black = ALWAYS["dark"](measures.iloc[rows]).to_numpy() & (name == "dark")
        parts[name] = parts[name][~rows.isin(empty).to_numpy() | black]
    issues = pd.concat([part.assign(issue=name) for name, part in parts.items()])
    tables = {"issues": _issues_table(references, issues), "images": _images_table(references, measures, issues)}
    metrics = {name: float(len(part)) for name, part in parts.items()}
    return Insight("quality", TABLES, tables, metrics | {"images": float(issues["row"].nunique())}, {})


def _measures(references: References, traits: Traits) -> pd.DataFrame:
    """Return the traits, and the shape of the files after EXIF rotation; NaN for images without a file."""
    properties = ImageProperties.of(references, traits.measures["sharpness"].to_numpy(np.float32))
    width, height = properties.width.astype(np.float64), properties.height.astype(np.float64)
    there = (width > 0) & (height > 0)
    return traits.measures.assign(
        aspect=np.where(there, width / np.maximum(height, 1), np.nan).astype(np.float32),
        size=np.where(there, np.sqrt(width * height), np.nan).astype(np.float32),
    )


def _find_issue(measures: pd.DataFrame, name: str) -> pd.DataFrame:
    """Find values beyond the limit; columns row, value, threshold, score (1 at the threshold), the worst first."""
    issue = ISSUES[name]
    values = measures[issue.measure].to_numpy(np.float64)
    found = _beyond(values, issue, *_usual_range(values, issue))
    if name in ALWAYS:
        rows = np.setdiff1d(np.flatnonzero(ALWAYS[name](measures)), found["row"])
        found = pd.concat([found, _certain(rows, values[rows], issue)]) if len(rows) else found
    return found.sort_values("score", ascending=False, kind="stable")


def _certain(rows: NDArray[np.int64], values: Floats, issue: Issue) -> pd.DataFrame:
    """Return rows of `ALWAYS` that the collection would hide, with the limit that holds for any collection."""
    limit = float(issue.at_least if issue.at_least is not None else issue.at_most or 0)
    score = 1 + np.abs(values - limit) / limit
    return pd.DataFrame({"row": rows, "value": values, "threshold": limit, "score": score})


def _beyond(values: Floats, issue: Issue, low: float, middle: float, high: float) -> pd.DataFrame:
    rows = np.flatnonzero((values < low) | (values > high))  # False for NaN
    found = values[rows]
    threshold = np.where(found < low, low, high)
    scale = np.log if issue.factor is not None else np.asarray
    reach = np.abs(scale(threshold) - scale(middle))
    score = np.abs(scale(found) - scale(middle)) / np.maximum(reach, 1e-3)
    return pd.DataFrame({"row": rows, "value": found, "threshold": threshold, "score": score})


def _usual_range(values: Floats, issue: Issue) -> tuple[float, float, float]:
    """Return the lower limit, the median and the upper limit of values without the issue."""
    known = values[np.isfinite(values)]
    if len(known) == 0:
        return -np.inf, 1.0, np.inf
    if issue.factor is not None:
        middle, spread = _robust(np.log(known))
        reach = max(DEVIATIONS * spread, float(np.log(issue.factor)))
        return float(np.exp(middle - reach)), float(np.exp(middle)), float(np.exp(middle + reach))
    middle, spread = _robust(known)
    low = -np.inf if issue.at_least is None else issue.at_least
    high = np.inf if issue.at_most is None else issue.at_most
    if middle - spread <= low:
        low = min(low, middle - DEVIATIONS * spread)
    if middle + spread >= high:
        high = max(high, middle + DEVIATIONS * spread)
    return low, middle, high


def _robust(values: Floats) -> tuple[float, float]:
    """Return median and robust standard deviation."""
    middle = float(np.median(values))
    return middle, 1.4826 * float(np.median(np.abs(values - middle)))


def _issues_table(references: References, issues: pd.DataFrame) -> pd.DataFrame:
    columns = {name: issues[name].tolist() for name in ("issue", "value", "threshold", "score")}
    return frame(TABLES["issues"], about(references.images, issues["row"].to_numpy()) | columns)


def _images_table(references: References, measures: pd.DataFrame, issues: pd.DataFrame) -> pd.DataFrame:
    names = issues.groupby("row")["issue"].agg(", ".join) if len(issues) else pd.Series(dtype="str")
    columns = {name: measures[name].to_numpy(np.float32) for name in measures.columns}
    columns["issues"] = names.reindex(range(len(references))).fillna("").tolist()
    return frame(TABLES["images"], about(references.images, np.arange(len(references))) | columns)


def tiles(table: pd.DataFrame) -> list[tuple[int, str]]:
    """Return rows with issue and value."""
    return [(r.row, f"{r.issue} {r.value:.3g}") for r in table.itertuples()]
