"""Chips of the filters that are on: each says what it leaves, and a click takes it away."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import streamlit as st

from dashboards import state
from dashboards.markdown import plain
from dashboards.services.tidy.findings import ISSUES
from dashboards.state import View
from dashboards.widgets.filters.panel import SIZES

MOST = 12
"""Chips that are shown; further ones are in the sidebar."""


def chips(view: View, controls: Sequence[str]) -> list[tuple[str, str, str]]:
    """List the filters that are on and act on a page: parameter of the URL, its value, and words.

    Parameters
    ----------
    view : View
    controls : sequence of str
        Of the page.
    """
    values = {
        "labels": ("label", view.labels, {}),
        "path": ("path", (view.path,) if view.path else (), {view.path: f"path with {view.path}"}),
        "tags": ("tag", view.tags, {tag: f"tag {tag}" for tag in view.tags}),
        "clusters": ("cluster", view.clusters, {name: f"cluster {name}" for name in view.clusters}),
        "reviewed": (
            "reviewed",
            (view.reviewed,) if view.reviewed else (),
            {"yes": "reviewed", "no": "not reviewed"},
        ),
        "quality": ("quality", view.quality, ISSUES),
        "sizes": ("pixels", view.sizes, SIZES),
        "dates": (
            "date",
            (view.dates,) if view.dates else (),
            {view.dates: f"changed {view.dates.replace('..', ' to ')}"},
        ),
    }
    return [
        (parameter, value, words.get(value, value))
        for control, (parameter, chosen, words) in values.items()
        if control in controls
        for value in chosen
    ]


def show_chips(view: View, controls: Sequence[str]) -> None:
    """Show a chip for each filter that acts on this page, and a button that takes all away."""
    found = chips(view, controls)
    if not found:
        return
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="center", key="filter-chips"):
        for place, (parameter, value, words) in enumerate(found[:MOST]):
            st.button(
                plain(words),
                key=f"chip-{place}-{parameter}-{value}",
                icon=":material/close:",
                icon_position="right",
                on_click=partial(_drop, parameter, value),
                help="Take this filter away",
            )
        if len(found) > 1:
            st.button(
                "Clear all",
                key="chip-all",
                type="tertiary",
                on_click=partial(_clear, {parameter for parameter, _, _ in found}),
                help="Take all these filters away",
            )


def _drop(parameter: str, value: str) -> None:
    state.narrow(**{parameter: [kept for kept in st.query_params.get_all(parameter) if kept != value]})


def _clear(parameters: set[str]) -> None:
    state.narrow(**dict.fromkeys(parameters))
