"""The query as a component: one picture, or several with their weights, and the way back to past queries.

The browser only draws. An action of the user comes back as a `Step`.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast, get_args

import streamlit as st

from dashboards.services.format import size_of, visible
from dashboards.services.models.loaded_model import Loaded
from dashboards.services.query_text import MOST_WEIGHT, PICTURE, Term, parse_terms
from dashboards.services.thumbnails import thumbnail_url
from dashboards.widgets.component import component
from dashboards.widgets.pictures import shelf as pictures

Kind = Literal["weight", "only", "remove", "crop", "whole", "details", "back"]

_component = component(__file__)


@dataclass(frozen=True)
class Step:
    """An action of the user on the term, or the past query, at a place; ``weight`` is the new weight."""

    kind: Kind
    place: int
    weight: float = 0.0


def query_view(
    loaded: Loaded,
    terms: Sequence[Term],
    past: Sequence[str],
    *,
    key: str,
    on_step: Callable[[Step], None],
    unread: Container[Term] = (),
) -> int | None:
    """Show a query and the past queries, and return the row whose details the user wants.

    Parameters
    ----------
    loaded : Loaded
    terms : sequence of Term
    past : sequence of str
        Past queries as in the URL, the oldest first.
    key : str
        Unique on the page.
    on_step : callable
        Called with every other step before the page runs.
    unread : container of Term
        Terms that the model could not read.

    Returns
    -------
    int or None
        None when the user did not ask for details since the last run of the page.
    """
    result = _component(
        key=key,
        data=described(loaded, terms, past, unread),
        on_step_change=_before(key, len(terms), len(past), on_step),
    )
    step = parse_step(result.step, len(terms), len(past))
    if step is None or step.kind != "details" or terms[step.place].row == PICTURE:
        return None
    return terms[step.place].row


def _before(key: str, terms: int, past: int, on_step: Callable[[Step], None]) -> Callable[[], None]:
    def act() -> None:
        step = parse_step(cast(dict[str, Any], st.session_state[key]).get("step"), terms, past)
        if step is not None and step.kind != "details":
            on_step(step)

    return act


def parse_step(value: object, terms: int, past: int) -> Step | None:
    """Return what the browser sent as a step of a query with so many terms and past queries; None when it is none."""
    if not isinstance(value, dict):
        return None
    kind, place, weight = value.get("kind"), value.get("place"), value.get("weight", 0.0)
    if kind not in get_args(Kind) or type(place) is not int or not isinstance(weight, int | float):
        return None
    if not 0 <= place < (past if kind == "back" else terms) or not abs(weight) <= MOST_WEIGHT:
        return None
    return Step(cast(Kind, kind), place, round(float(weight), 2))


def described(loaded: Loaded, terms: Sequence[Term], past: Sequence[str], unread: Container[Term]) -> dict[str, Any]:
    """Return the data for the browser: ``QueryData`` in ``query_view.js``."""
    return {
        "terms": [_term(loaded, term, term in unread) for term in terms],
        "past": [_past(loaded, text) for text in past],
        "most": MOST_WEIGHT,
    }


def _term(loaded: Loaded, term: Term, unread: bool) -> dict[str, Any]:
    return {
        **(_picture(term.picture) if term.row == PICTURE else _image(loaded, term.row)),
        "weight": term.weight,
        "crop": list(term.crop) if term.crop else None,
        "unread": unread,
    }


def _image(loaded: Loaded, row: int) -> dict[str, Any]:
    images = loaded.model.images
    label = images.labels[row]
    return {
        "row": row,
        "src": thumbnail_url(loaded, row),
        "name": visible(images.paths[row]),
        "label": None if label is None else visible(label),
        "about": "",
    }


def _picture(key: str) -> dict[str, Any]:
    picture = pictures.shelf()[key]
    return {
        "row": None,
        "src": picture_uri(picture.tile),
        "name": picture.name,
        "label": None,
        "about": f"yours: {picture.width:,} × {picture.height:,} {picture.format}, {size_of(len(picture.data))}",
    }


def _past(loaded: Loaded, text: str) -> dict[str, Any]:
    """Describe a past query by its strongest term and the number of its other terms."""
    terms, _ = parse_terms(loaded, text, pictures.shelf())
    if not terms:
        return {"src": "", "name": "a picture that this session does not have", "more": 0}
    first = max(terms, key=lambda term: term.weight)
    shown = _picture(first.picture) if first.row == PICTURE else _image(loaded, first.row)
    return {"src": shown["src"], "name": shown["name"], "more": len(terms) - 1}


def picture_uri(jpeg: bytes) -> str:
    """Return a JPEG as a ``data:`` URI."""
    return "data:image/jpeg;base64," + b64encode(jpeg).decode("ascii")
