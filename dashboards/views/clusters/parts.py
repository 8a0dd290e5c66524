"""Parts that are proposed for a cluster, each with a name to be given; nothing is recorded before they are saved."""

from __future__ import annotations

from functools import partial

import numpy as np
import streamlit as st

from dashboards import state
from dashboards.services.clusters import groups as clusters
from dashboards.services.clusters.groups import Group, Rows
from dashboards.services.format import counted
from dashboards.session import OpenModel
from dashboards.views.clusters import actions
from dashboards.views.clusters.actions import PARTS
from dashboards.widgets.details import handle
from dashboards.widgets.gallery import gallery, tile

PICTURES = 24
"""Pictures of a part that are shown."""


def show(now: OpenModel, group: Group, count: int) -> None:
    """Show each part with a field for its name."""
    found = clusters.parts(now.loaded, group, count)
    if len(found) < 2:
        st.info("All its pictures are equal to the network: there is nothing to split.", icon=":material/call_split:")
        st.button("Keep it whole", on_click=partial(state.put, **{PARTS: None}), help="Back to its pictures")
        return
    names = clusters.part_names(now.loaded, group, found)
    keys = [f"part-{group.key}-{count}-{place}" for place in range(len(found))]
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.button(
            f"Save these {len(found)} clusters",
            type="primary",
            icon=":material/call_split:",
            on_click=lambda: _save(now, group, found, [st.session_state[key] for key in keys]),
            help="One action, which can be undone. Parts of the same name stay together",
        )
        st.button("Keep it whole", on_click=partial(state.put, **{PARTS: None}), help="Back to its pictures")
    for rows, name, key in zip(found, names, keys, strict=True):
        with st.container(border=True):
            more = f", the {PICTURES} most typical shown" if len(rows) > PICTURES else ""
            st.text_input(f"Name of {counted(len(rows), 'image')}{more}", name, key=key, max_chars=100, help="A name")
            _pictures(now, rows, key)


def _pictures(now: OpenModel, rows: Rows, key: str) -> None:
    shown = clusters.typical(now.loaded, Group("", "", rows), PICTURES)
    tiles = [tile(now.loaded, row) for row in shown]
    action = gallery(
        now.loaded, tiles, key=f"{key}-pictures", actions=("details", "basket"), size="small", label="A part"
    )
    handle(now, action, among=rows)


def _save(now: OpenModel, group: Group, found: list[Rows], names: list[str]) -> None:
    together: dict[str | None, list[Rows]] = {}
    for name, rows in zip(names, found, strict=True):
        together.setdefault(name.strip(), []).append(rows)
    actions.split(now, {name: np.concatenate(rows) for name, rows in together.items()}, group.title)
