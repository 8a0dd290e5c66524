"""A card for each cluster: its title, six pictures, size, labels and purity."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import streamlit as st

from dashboards import state
from dashboards.markdown import plain
from dashboards.services.clusters.groups import Group, typical
from dashboards.services.format import counted, visible
from dashboards.session import OpenModel
from dashboards.views.clusters.actions import OPEN
from dashboards.widgets import pager
from dashboards.widgets.details import handle
from dashboards.widgets.gallery import gallery, tile
from dashboards.widgets.url_choice import choice

CARDS, PICTURES, LABELS = 12, 6, 3
"""Cards of a page, and pictures and labels of a card."""
ORDERS: dict[str, tuple[str, Callable[[Group], tuple[float, ...]]]] = {
    "named": ("Named first", lambda group: (not group.name,)),
    "largest": ("Largest first", lambda group: (-len(group),)),
    "mixed": ("Mixed first", lambda group: (2.0 if group.purity is None else group.purity, -len(group))),
}
"""Orders of the cards: title, and what is small for the first."""


def show(now: OpenModel, groups: Sequence[Group]) -> None:
    """Show the cards page by page."""
    named = sum(bool(group.name) for group in groups)
    order = choice(
        "Order",
        {name: title for name, (title, _) in ORDERS.items()},
        "order",
        "named",
        help="Mixed are those whose pictures have several labels",
        hide_label=True,
        resets=("page",),
    )
    listed = sorted(groups, key=ORDERS[order][1])
    pages = pager.pages(len(listed), CARDS)
    st.caption(f"{pages.of('clusters')}, {named:,} with a name. Open one to name, merge, split or label it.")
    with st.grid("auto", min_column_width=360):
        for group in listed[pages.slice]:
            _card(now, group)
    pager.show(pages, "clusters")


def _card(now: OpenModel, group: Group) -> None:
    with st.container(border=True, height="stretch"):
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            st.markdown(f"**{plain(group.title)}**")
            st.button(
                "Open",
                key=f"open-{group.key}",
                on_click=partial(state.put, page=None, **{OPEN: group.key}),
                help=f"All pictures of {plain(group.title)}, and what can be done with them",
            )
        st.caption(facts(group))
        tiles = [tile(now.loaded, row) for row in typical(now.loaded, group, PICTURES)]
        label = f"Typical pictures of {visible(group.title)}"
        action = gallery(
            now.loaded, tiles, key=f"card-{group.key}", actions=("details", "basket"), size="small", label=label
        )
        handle(now, action, among=group.rows)


def facts(group: Group) -> str:
    """Describe a cluster in a line of markdown: size, most frequent labels, purity."""
    words = [counted(len(group), "image", mark="**")]
    words += [f"{plain(label)} {count:,}" for label, count in group.labels[:LABELS]]
    more = len(group.labels) - LABELS
    if more > 0:
        words.append(counted(more, "other label"))
    if group.purity is not None:
        words.append(f"{group.purity:.0%} pure")
    return " · ".join(words)
