"""One doubtful label: its picture, the question, and answers by a click or a key from anywhere on the page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast, get_args

import streamlit as st

from dashboards.services.format import visible
from dashboards.services.models.loaded_model import Loaded
from dashboards.services.thumbnails import thumbnail_url
from dashboards.services.tidy.findings import Suspect
from dashboards.widgets.component import component

Kind = Literal["take", "keep", "label", "skip", "details"]

MOST_LABELS = 2000
"""Labels that are offered while a person types; others can be typed in full."""
_component = component(__file__)


@dataclass(frozen=True)
class Answer:
    """An answer of a person; ``label`` is empty but for the kind ``"label"``."""

    kind: Kind
    label: str = ""


def suspect_card(
    loaded: Loaded,
    suspect: Suspect,
    *,
    reviewed: int,
    total: int,
    following: Sequence[int],
    answered: Callable[[Answer], None],
) -> bool:
    """Show a suspect.

    Parameters
    ----------
    loaded : Loaded
    suspect : Suspect
    reviewed, total : int
        Labels of the queue: those that are done, and all.
    following : sequence of int
        Rows that come next; their pictures are fetched meanwhile.
    answered : callable
        Called with each answer but ``"details"``, before the page runs.

    Returns
    -------
    bool
        True when the details are asked for.
    """

    def act() -> None:
        answer = parse(cast(dict[str, Any], st.session_state["suspect"]).get("answer"), suspect.row)
        if answer is not None and answer.kind != "details":
            answered(answer)

    result = _component(
        key="suspect", data=described(loaded, suspect, reviewed, total, following), on_answer_change=act
    )
    asked = parse(result.answer, suspect.row)
    return asked is not None and asked.kind == "details"


def parse(value: object, row: int) -> Answer | None:
    """Return what the browser sent as an answer about the row that is shown; else None."""
    if not isinstance(value, dict) or value.get("row") != row or value.get("kind") not in get_args(Kind):
        return None
    label = value.get("label", "")
    if not isinstance(label, str) or (value["kind"] == "label" and not label.strip()):
        return None
    return Answer(value["kind"], label.strip() if value["kind"] == "label" else "")


def described(loaded: Loaded, suspect: Suspect, reviewed: int, total: int, following: Sequence[int]) -> dict[str, Any]:
    """Return the data for the browser: ``SuspectData`` in ``suspect_card.js``."""
    return {
        "row": suspect.row,
        "src": thumbnail_url(loaded, suspect.row),
        "title": visible(loaded.model.images.paths[suspect.row]),
        "label": visible(suspect.label),
        "suggestion": None if suspect.suggestion is None else visible(suspect.suggestion),
        "votes": suspect.votes,
        "votes_given": suspect.votes_given,
        "voters": len(suspect.voters),
        "probability": round(suspect.probability, 4),
        "labels": [visible(label) for label in loaded.labels[:MOST_LABELS]],
        "reviewed": reviewed,
        "total": total,
        "following": [thumbnail_url(loaded, row) for row in following],
    }
