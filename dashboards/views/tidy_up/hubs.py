"""Images that very many others list, and images that none lists."""

from __future__ import annotations

import streamlit as st

from dashboards.services.format import counted
from dashboards.services.tidy import findings
from dashboards.session import OpenModel
from dashboards.widgets.gallery import tile
from dashboards.widgets.image_list import picture_list, say_missing, say_none
from dashboards.widgets.url_choice import choice


def show(now: OpenModel) -> None:
    """Show figures of the graph, then the images."""
    found = findings.hubs(now.loaded)
    if found is None:
        say_missing("a look for hubs")
        return
    st.markdown(
        f"Every image has {now.loaded.model.graph.k} neighbours. A **hub** is among those of very many others, so "
        "that it shows up in answers it does not belong to; an **antihub** is among none, so that nothing finds it."
    )
    with st.expander("Expert"), st.grid("auto", min_column_width=170):
        for title, value, meaning in _figures(found.metrics):
            st.metric(title, value, border=True, help=meaning)
    options = {"hubs": f"Hubs {len(found.hubs):,}", "antihubs": f"Antihubs {len(found.antihubs):,}"}
    kind = choice("Kind", options, "kind", "hubs", help="Which images are shown", hide_label=True, resets=("page",))
    table = found.hubs if kind == "hubs" else found.antihubs
    if not len(table):
        say_none("There is none.")
        return
    picture_list(
        now,
        table,
        "images, those in most answers first" if kind == "hubs" else "images that show up in no answer",
        lambda item: tile(now.loaded, item.row, note=_note(item.in_degree, item.mismatch)),
    )


def _figures(metrics: dict[str, float]) -> list[tuple[str, str, str]]:
    return [
        ("Most lists", f"{metrics['max_in_degree']:,.0f}", "In how many lists the image is that is in most of them"),
        ("In hubs' hands", f"{metrics['hub_share']:.1%}", "Share of all places in the lists that hubs take"),
        ("Unevenness", f"{metrics['robin_hood']:.1%}", "Share of all places that would have to move to make all equal"),
        ("Skewness", f"{metrics['skewness']:.2f}", "Of how often images are listed; 0 is even, above 1.4 is hubby"),
    ]


def _note(in_degree: int, mismatch: float | None) -> str:
    if not in_degree:
        return "shows up in no answer"
    known = mismatch is not None and mismatch == mismatch  # noqa: PLR0124  NaN without labels
    return f"shows up in {counted(in_degree, 'answer')}" + (f", {mismatch:.0%} of another label" if known else "")
