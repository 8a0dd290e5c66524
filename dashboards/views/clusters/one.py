"""One cluster: its pictures, and forms to name, merge, split and label it."""

from __future__ import annotations

from functools import partial

import streamlit as st

from dashboards import state
from dashboards.markdown import plain
from dashboards.services.clusters.groups import Group, group_of, groups
from dashboards.services.filters import label_counts
from dashboards.services.format import visible
from dashboards.session import OpenModel
from dashboards.views.clusters import actions, parts
from dashboards.views.clusters.actions import OPEN, PARTS
from dashboards.views.clusters.cards import facts
from dashboards.widgets import basket_state, pager
from dashboards.widgets.details import handle
from dashboards.widgets.gallery import gallery, tile

PICTURES = 60
"""Pictures of a page."""
MOST_PARTS = 6


def show(now: OpenModel, group: Group) -> None:
    """Show what can be done with a cluster, then its pictures page by page."""
    st.header(plain(group.title), anchor=False)
    st.markdown(facts(group))
    _bar(now, group)
    if state.get(PARTS):
        parts.show(now, group, state.get_int(PARTS, 2, 2, MOST_PARTS))
        return
    pages = pager.pages(len(group), PICTURES)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.caption(pages.of("images"), width="content")
        pager.show(pages, "top")
    tiles = [tile(now.loaded, row) for row in group.rows[pages.slice].tolist()]
    action = gallery(now.loaded, tiles, key="cluster", label=f"Images of {visible(group.title)}", among=group.rows)
    handle(now, action, among=group.rows)
    pager.show(pages, "bottom", keys=False)


def _bar(now: OpenModel, group: Group) -> None:
    """Show the ways back and on, and a form for each decision."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        back = partial(state.put, page=None, **{OPEN: None, PARTS: None})
        st.button("All clusters", icon=":material/arrow_back:", on_click=back, help="Back to the cards")
        with st.popover("Rename" if group.name else "Name", icon=":material/edit:", help="Give it a name that stays"):
            _name(now, group)
        with st.popover("Merge", icon=":material/merge:", help="Join it with another cluster"):
            _merge(now, group)
        with st.popover("Split", icon=":material/call_split:", help="Look for parts in it"):
            _split(group)
        with st.popover("Label all", icon=":material/label:", help="Give all its pictures one label"):
            _label(now, group)
        st.button(
            "Add all",
            icon=":material/shopping_basket:",
            on_click=partial(basket_state.add_all, now.loaded, group.rows.tolist()),
            help="Put all its pictures into the basket",
        )
        if st.button("On the map", icon=":material/scatter_plot:", help="See where its pictures lie"):
            state.go("map", color="cluster", only=group.key)


def _name(now: OpenModel, group: Group) -> None:
    st.caption("The name is a tag of these pictures, so it holds in later versions. A name that exists merges both.")
    key = f"cluster-name-{group.key}"
    with st.form(f"form-{key}", border=False):
        st.text_input("Name", group.name or group.common, max_chars=100, key=key, help="Any words without a semicolon")
        st.form_submit_button(
            "Save the name",
            type="primary",
            on_click=lambda: actions.rename(now, group, st.session_state[key]),
            help="One action, which can be undone",
        )
    if group.name:
        st.button(
            "Take the name away",
            on_click=partial(actions.forget_name, now, group),
            help="Its pictures go back to the clusters that were found",
        )


def _merge(now: OpenModel, group: Group) -> None:
    others = {other.key: other for other in groups(now.loaded) if other.key != group.key}
    if not others:
        st.caption("There is no other cluster.")
        return
    key = f"cluster-merge-{group.key}"
    with st.form(f"form-{key}", border=False):
        st.selectbox(
            "With",
            list(others),
            key=key,
            format_func=lambda other: f"{visible(others[other].title)} ({len(others[other]):,})",
            help="The pictures of both are then one cluster",
        )
        st.text_input(
            "Name of both",
            max_chars=100,
            key=f"{key}-name",
            placeholder="that of the other, or of this one",
            help="Without a name on either, the most frequent label of the other",
        )
        st.form_submit_button(
            "Merge",
            type="primary",
            on_click=lambda: _merged(now, group, st.session_state[key], st.session_state[f"{key}-name"]),
            help="One action, which can be undone",
        )


def _merged(now: OpenModel, group: Group, key: str, name: str) -> None:
    other = group_of(now.loaded, key)
    if other is not None:
        actions.merge(now, group, other, name)


def _split(group: Group) -> None:
    key = f"cluster-parts-{group.key}"
    with st.form(f"form-{key}", border=False):
        st.number_input("Parts", 2, MOST_PARTS, 2, key=key, help="Pictures that lie close together form a part")
        st.form_submit_button(
            "Show the parts",
            type="primary",
            on_click=lambda: state.put(page=None, **{PARTS: str(st.session_state[key])}),
            help="Nothing changes before you save their names",
        )


def _label(now: OpenModel, group: Group) -> None:
    known = list(label_counts(now.loaded))
    key = f"cluster-label-{group.key}"
    with st.form(f"form-{key}", border=False):
        st.selectbox(
            "Label",
            known,
            index=known.index(group.common) if group.common in known else None,
            key=key,
            format_func=visible,
            accept_new_options=True,
            placeholder="choose or type one",
            help="One that is there, or a new one",
        )
        st.form_submit_button(
            f"Label {len(group):,}",
            type="primary",
            on_click=lambda: _labelled(now, group, st.session_state[key]),
            help="One action, which can be undone. The next version is made with these labels",
        )


def _labelled(now: OpenModel, group: Group, label: str | None) -> None:
    if label and label.strip():
        actions.label_all(now, group, label)
