"""Problems of a collection: files left out, odd images, doubtful labels, leaks between splits."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from dashboards.services.models.loaded_model import Loaded
from imgsim.insights.labels.errors import LIKELY
from imgsim.insights.registry import INSIGHTS, highlights

ISSUES = {
    "blurry": "blurry",
    "dark": "dark",
    "bright": "too bright",
    "low_information": "almost empty",
    "odd_aspect": "odd shape",
    "odd_size": "odd size",
}
MEASURED = {
    "blurry": "sharpness",
    "dark": "95th percentile of brightness",
    "bright": "5th percentile of brightness",
    "low_information": "entropy in bits",
    "odd_aspect": "width over height",
    "odd_size": "square root of the pixels",
}
SECTIONS = {
    "rejected": "Rejected files",
    "outliers": "Outliers",
    "labels": "Label errors",
    "duplicates": "Duplicates",
    "leaks": "Leaks",
    "quality": "Picture quality",
    "hubs": "Hubs",
}
_ELSEWHERE = {"outliers", "label_errors", "duplicates", "leaks", "quality", "hubness", "clusters", "map"}


def sections() -> dict[str, str]:
    """Return the titles of all sections by name; insights without a section of their own come last."""
    return SECTIONS | {name: kind.title for name, kind in INSIGHTS.items() if name not in _ELSEWHERE}


def reason_kind(reasons: pd.Series) -> pd.Series:
    """Strip figures and names from reasons, so that those of one kind are equal."""
    kind = reasons.astype(str).str.replace(r"\(it begins with the bytes [^)]*\)", "", regex=True)
    kind = kind.str.replace(r"'[^']*'|\"[^\"]*\"", "'…'", regex=True)
    return kind.str.replace(r"\d[\d,._]*", "#", regex=True).str.strip()


def rejected_kinds(rejected: pd.DataFrame) -> pd.DataFrame:
    """Return columns stage, reason, files: reasons of one kind count as one, most files first."""
    if not len(rejected):
        return pd.DataFrame({"stage": [], "reason": [], "files": []})
    reason = reason_kind(rejected["reason"])
    table = pd.DataFrame({"stage": rejected["stage"].astype(str).to_numpy(), "reason": reason.to_numpy()})
    sizes = table.groupby(["stage", "reason"], sort=True).size().rename("files").reset_index()
    return sizes.sort_values("files", ascending=False, kind="stable").reset_index(drop=True)


def outliers(loaded: Loaded) -> pd.DataFrame:
    """Return images called outliers, the most unusual first; where none is, the most unusual ones."""
    insight = loaded.insight("outliers")
    if insight is None:
        return pd.DataFrame()
    found = highlights(insight)
    if len(found):
        return found
    return insight.tables["images"].sort_values("score", ascending=False, kind="stable").head(20)


@dataclass(frozen=True)
class Voter:
    """A neighbour and what it votes for; ``against`` when its label is another one."""

    row: int
    label: str | None
    distance: float
    against: bool


@dataclass(frozen=True)
class Suspect:
    """An image whose label is probably wrong, and its neighbours, those that vote against it first."""

    row: int
    label: str | None
    suggestion: str | None
    probability: float
    votes: int
    votes_given: int
    voters: tuple[Voter, ...]


def suspects_table(loaded: Loaded) -> pd.DataFrame:
    """Return the rows of ``label_errors`` that any neighbour votes against, the most doubtful first."""
    insight = loaded.insight("label_errors")
    if insight is None:
        return pd.DataFrame()
    table = insight.tables["images"]
    return table[(table["votes"] > 0) | (table["probability"] >= LIKELY)]


def is_doubtful(table: pd.DataFrame) -> pd.Series:
    """Mark the rows of `suspects_table` that are likely wrong, or have more neighbours of another label."""
    return (table["votes"] > table["votes_given"]) | (table["probability"] >= LIKELY)


def suspects(loaded: Loaded, part: pd.DataFrame, voters: int = 10) -> list[Suspect]:
    """Join one page of `suspects_table` with the neighbours that voted."""
    return [
        Suspect(
            int(item.row),
            item.label,
            item.suggestion if isinstance(item.suggestion, str) else None,
            float(item.probability),
            int(item.votes),
            int(item.votes_given),
            _voters(loaded, int(item.row), item.label, voters),
        )
        for item in part.itertuples()
    ]


def _voters(loaded: Loaded, row: int, label: str | None, most: int) -> tuple[Voter, ...]:
    graph, labels = loaded.evaluated_graph, loaded.model.images.labels
    found = [
        Voter(int(near), labels[near], float(distance), labels[near] is not None and labels[near] != label)
        for near, distance in zip(graph.neighbors[row], graph.distances[row], strict=True)
    ]
    return tuple(sorted(found, key=lambda voter: (not voter.against, voter.distance))[:most])


def issue_counts(loaded: Loaded) -> dict[str, int]:
    """Count images by issue of picture quality, only those found."""
    insight = loaded.insight("quality")
    if insight is None:
        return {}
    return {name: int(insight.metrics.get(name, 0)) for name in ISSUES if insight.metrics.get(name, 0)}


def issue_rows(loaded: Loaded, issue: str) -> pd.DataFrame:
    """Return images with an issue, the worst first."""
    insight = loaded.insight("quality")
    if insight is None:
        return pd.DataFrame()
    table = insight.tables["issues"]
    return table[table["issue"] == issue].sort_values("score", ascending=False, kind="stable")


@dataclass(frozen=True)
class Hubs:
    """Images that many others list, images that none lists, and how uneven that is."""

    hubs: pd.DataFrame
    antihubs: pd.DataFrame
    metrics: dict[str, float]


def hubs(loaded: Loaded) -> Hubs | None:
    """Read the insight ``hubness``; None without it."""
    insight = loaded.insight("hubness")
    if insight is None:
        return None
    return Hubs(insight.tables["hubs"], insight.tables["antihubs"], dict(insight.metrics))


def leak_note(loaded: Loaded) -> str | None:
    """Say why nothing could leak; None when there are two splits or more."""
    insight = loaded.insight("leaks")
    note = None if insight is None else insight.params.get("note")
    return None if note is None else str(note)
