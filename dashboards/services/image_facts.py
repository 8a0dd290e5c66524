"""Facts and flags of one image, in words."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from dashboards.services.format import size_of, visible
from dashboards.services.graph_walk import hub
from dashboards.services.models.loaded_model import Loaded
from dashboards.services.tidy.findings import ISSUES, MEASURED
from imgsim.insights.labels.errors import LIKELY
from imgsim.schema import IMAGES

if TYPE_CHECKING:
    import pandas as pd

TIERS = {"same_bytes": "identical file", "same_picture": "same picture", "look_alike": "look-alike"}


@dataclass(frozen=True)
class Fact:
    """A name and what to say."""

    name: str
    text: str


@dataclass(frozen=True)
class Flag:
    """Something to look at: a word or two, and why."""

    text: str
    why: str
    kind: Literal["outlier", "label", "duplicate", "quality", "hub"]


def file_facts(loaded: Loaded, row: int) -> list[Fact]:
    """Describe the file."""
    file = _file(loaded, row)
    label = "none" if file["label"] is None else visible(file["label"])
    facts = [
        Fact("Path", visible(file["path"])),
        Fact("Label", label),
        Fact("Id", str(loaded.model.ids[row])),
        Fact("Size", f"{file['width']:,} × {file['height']:,} pixels"),
        Fact("Format", f"{visible(file['format'])}, {size_of(file['bytes'])}"),
    ]
    if file["mtime"] is not None:
        facts.append(Fact("Changed", f"{file['mtime']:%Y-%m-%d %H:%M} UTC"))
    return [*facts, Fact("sha256", file["sha256"])]


def _file(loaded: Loaded, row: int) -> dict[str, Any]:
    """Read the row of the table of images, with upright width and height."""
    file: dict[str, Any] = loaded.model.images.table.slice(row, 1).select(IMAGES.names).to_pylist()[0]
    if file["orientation"] >= 5:
        file["width"], file["height"] = file["height"], file["width"]
    return file


def found_facts(loaded: Loaded, row: int) -> list[Fact]:
    """Describe an image by the insights; nothing where the version carries none."""
    facts = [_outlier(loaded, row), _votes(loaded, row), *_duplicates(loaded, row), *_quality(loaded, row)]
    if loaded.model.graph.k:
        facts.append(Fact("Listed by", hub(loaded, row).words))
    return [fact for fact in facts if fact is not None]


def flags(loaded: Loaded, row: int) -> list[Flag]:
    """Collect what is unusual about an image."""
    return [*_label_flags(loaded, row), *_duplicate_flags(loaded, row), *_odd_flags(loaded, row)]


def _label_flags(loaded: Loaded, row: int) -> list[Flag]:
    votes = _table(loaded, "label_errors", "images", row)
    if not len(votes) or votes["probability"].iloc[0] < LIKELY:
        return []
    return [Flag("label doubtful", _vote_words(votes.iloc[0]), "label")]


def _duplicate_flags(loaded: Loaded, row: int) -> list[Flag]:
    members = _table(loaded, "duplicates", "groups", row)
    return [
        Flag(TIERS[item.tier], f"One of a group: {visible(item.reason)}", "duplicate") for item in members.itertuples()
    ]


def _odd_flags(loaded: Loaded, row: int) -> list[Flag]:
    found = []
    outliers = _table(loaded, "outliers", "images", row)
    if len(outliers) and outliers["outlier"].iloc[0]:
        found.append(Flag("outlier", "Its neighbours are unusually far away", "outlier"))
    for item in _table(loaded, "quality", "issues", row).itertuples():
        found.append(Flag(ISSUES[item.issue], f"Judged by its {MEASURED[item.issue]}", "quality"))
    if loaded.model.graph.k and hub(loaded, row).kind != "usual":
        found.append(Flag(hub(loaded, row).kind, hub(loaded, row).words, "hub"))
    return found


def around(row: int, among: NDArray[np.integer]) -> tuple[int, int, str]:
    """Return the rows before and after ``row``, and its place in words; after the last one comes the first.

    A row that is not among them stands before the first.
    """
    count, places = len(among), np.flatnonzero(among == row)
    if not len(places):
        return int(among[-1]), int(among[0]), f"beside the {count:,} of the list"
    place = int(places[0])
    return int(among[place - 1]), int(among[(place + 1) % count]), f"{place + 1:,} of {count:,}"


def _outlier(loaded: Loaded, row: int) -> Fact | None:
    insight = loaded.insight("outliers")
    if insight is None:
        return None
    table = insight.tables["images"]  # the most unusual first
    place = int((table["row"].to_numpy() == row).argmax())
    score, limit = float(table["score"].iloc[place]), float(insight.params["threshold"])
    return Fact("Outlier score", f"{score:.2f} (outliers from {limit:g} on), place {place + 1:,} of {len(table):,}")


def _votes(loaded: Loaded, row: int) -> Fact | None:
    votes = _table(loaded, "label_errors", "images", row)
    return Fact("Label vote", _vote_words(votes.iloc[0])) if len(votes) else None


def _vote_words(vote: Any) -> str:
    agree = f"{int(vote['votes_given'])} of its neighbours have its label"
    other = vote["suggestion"]
    if not isinstance(other, str):
        return f"{agree}, none has another one"
    return (
        f"{agree}, {int(vote['votes'])} have {visible(other)}; wrong with probability {float(vote['probability']):.0%}"
    )


def _duplicates(loaded: Loaded, row: int) -> list[Fact]:
    members = _table(loaded, "duplicates", "groups", row)
    return [Fact("Duplicate", f"{TIERS[item.tier]}: {visible(item.reason)}") for item in members.itertuples()]


def _quality(loaded: Loaded, row: int) -> list[Fact]:
    table = _table(loaded, "quality", "images", row)
    if not len(table):
        return []
    found = table.iloc[0]
    measures = {"sharpness": found["sharpness"], "brightness": found["brightness"], "contrast": found["contrast"]}
    known = [f"{name} {value:.3g}" for name, value in measures.items() if not math.isnan(value)]
    issues = [ISSUES[name] for name in str(found["issues"]).split(", ") if name] or ["no issue"]
    return [Fact("Quality", ", ".join([*issues, *known]))]


def _table(loaded: Loaded, insight: str, table: str, row: int) -> pd.DataFrame:
    """Return the lines of an insight's table about a row; none where the version does not carry it."""
    found = loaded.insight(insight)
    if found is None:
        import pandas as pd

        return pd.DataFrame()
    lines = found.tables[table]
    return lines[lines["row"] == row]
