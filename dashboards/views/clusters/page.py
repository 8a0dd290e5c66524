"""Clusters as cards, or one of them with its pictures and what can be done with it."""

from __future__ import annotations

import streamlit as st

from dashboards import state
from dashboards.markdown import plain
from dashboards.services.clusters.groups import NAMED, group_of, groups
from dashboards.session import OpenModel, current
from dashboards.views.clusters import cards, one
from dashboards.views.clusters.actions import OPEN
from dashboards.widgets.image_list import say_missing


def page(now: OpenModel) -> None:
    """Show the cluster of the URL, else all."""
    asked = state.get(OPEN)
    group = group_of(now.loaded, asked) if asked else None
    if group is not None:
        one.show(now, group)
        return
    if asked:
        name = asked.removeprefix(NAMED) if asked.startswith(NAMED) else "of this link"
        st.warning(f"There is no cluster {plain(name)} now; here are all.", icon=":material/help:")
    if now.loaded.insight("clusters") is None:
        say_missing("clusters")
    found = groups(now.loaded)
    if found:
        cards.show(now, found)


page(current())
