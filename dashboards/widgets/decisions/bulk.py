"""Requests about selected pictures, as the bar sends them, and what each of them does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Literal, cast, get_args

import streamlit as st

from dashboards.services.format import visible
from dashboards.services.models.loaded_model import Loaded
from dashboards.widgets import basket_state
from dashboards.widgets.decide import decide
from dashboards.widgets.gallery import parse_rows
from imgsim.decisions import Decisions

Kind = Literal["label", "tag", "basket", "alike", "not_alike", "search", "export"]

MOST_PAIRED = 100
"""Pictures whose pairs are marked at once where there is no query: 4,950 pairs."""


@dataclass(frozen=True)
class Request:
    """A request of the bar: its number, what to do with which rows, and with which label, tag or query."""

    number: int
    kind: Kind
    rows: tuple[int, ...]
    text: str = ""
    query: int | None = None


def parse(value: object, count: int) -> Request | None:
    """Return what the browser sent as a request about rows of a model with ``count`` images; None if it is none."""
    if not isinstance(value, dict):
        return None
    sent = cast(dict[str, Any], value)
    number, kind, text, query = (sent.get(name) for name in ("number", "kind", "text", "query"))
    rows = parse_rows(sent.get("rows"), count)
    if type(number) is not int or kind not in get_args(Kind) or not isinstance(text, str) or not rows:
        return None
    return Request(number, cast(Kind, kind), tuple(rows), text.strip(), next(iter(parse_rows([query], count)), None))


def carry_out(loaded: Loaded, request: Request) -> bool:
    """Decide what a request asks for, or fill the basket; False where nothing came of it, which the page then says."""
    rows, text = request.rows, request.text
    if request.kind == "label":
        return decide(
            loaded,
            rows,
            lambda store, keys, seen: store.set_label(keys, text, version=seen),
            f"{len(rows):,} labelled {visible(text)}",
        )
    if request.kind == "tag":
        return decide(
            loaded,
            rows,
            lambda store, keys, seen: store.add_tag(keys, text, version=seen),
            f"{len(rows):,} tagged {visible(text)}",
        )
    if request.kind in ("alike", "not_alike"):
        return _mark_pairs(loaded, rows, request.query, request.kind == "alike")
    if request.kind == "basket":
        basket_state.add_all(loaded, rows)
    return True  # the bar itself searches and exports


def _mark_pairs(loaded: Loaded, rows: Sequence[int], query: int | None, alike: bool) -> bool:
    """Mark rows as alike to the query or not; without a query, all pairs of them."""
    if query is None and len(rows) > MOST_PAIRED:
        st.toast(f"All pairs of at most {MOST_PAIRED} pictures are marked at once.", icon=":material/block:")
        return False
    asked = None if query is None else loaded.model.images.sha256[query]
    others = [row for row in rows if row != query]

    def act(store: Decisions, keys: list[str], seen: str) -> int:
        pairs = list(combinations(keys, 2)) if asked is None else [(asked, key) for key in keys if key != asked]
        return store.mark_pairs([one for one, _ in pairs], [other for _, other in pairs], alike, version=seen)

    return decide(loaded, others, act, f"{len(others):,} marked {'alike' if alike else 'not alike'}")
