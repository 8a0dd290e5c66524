"""Sidebar: choice of the collection and version, facts about it, and the filters that act on a page; all in the URL."""

from __future__ import annotations

from typing import Literal, get_args

import streamlit as st

from dashboards import session, state
from dashboards.markdown import plain
from dashboards.services.filters import label_counts
from dashboards.services.format import counted, visible
from dashboards.services.models.loaded_model import Loaded
from dashboards.session import OpenModel
from dashboards.state import View
from dashboards.widgets.filters.chips import show_chips
from dashboards.widgets.filters.panel import More, more_filters
from dashboards.widgets.url_choice import choice
from imgsim.errors import RegistryError
from imgsim.mlflow.promotion import CHAMPION
from imgsim.mlflow.registry import PREFIX
from imgsim.mlflow.version import Version

Control = Literal["k", "cut", "labels", "path", "same", "collapse"] | More

FILTERS: tuple[Control, ...] = ("labels", "path", *get_args(More))
"""Controls that say which images a page is about."""
ANSWERS: tuple[Control, ...] = ("k", "cut", *FILTERS, "same", "collapse")
"""Controls of a page that shows nearest images."""
_STEPS = 200
"""Of the slider of distances."""
_SAME = {"all": "all", "same": "same label", "other": "other labels"}


def choose_model(view: View) -> None:
    """Show pickers of collection and version, also when the present choice cannot be opened."""
    with st.sidebar:
        try:
            names = session.names()
            name = _meant(view, names)
            state.sync("choice-model", name)
            st.selectbox(
                "Collection",
                sorted(names),
                key="choice-model",
                on_change=state.on_change("choice-model", state.open_collection),
                format_func=lambda item: str(item).removeprefix(PREFIX),
                help="Each is a registered model of MLflow",
            )
            _choose_version(session.versions(name), view)
        except RegistryError as problem:
            if problem.kind == "no_registry":
                st.caption(":material/cloud_off: The registry does not answer")


def _meant(view: View, names: list[str]) -> str:
    """Find the model that the URL says, else the one that is open, else the one that changed last."""
    shown = session.last()
    known = [view.model, *([] if shown is None else [shown.version.name])]
    return next((name for name in known if name in names), names[0])


def _choose_version(known: list[Version], view: View) -> None:
    wanted = [*sorted({alias for item in known for alias in item.aliases}), *(item.version for item in known)]
    about = {alias: f"{session.alias_name(alias)} ({item.version})" for item in known for alias in item.aliases} | {
        item.version: f"Version {item.version}{', the best' * (CHAMPION in item.aliases)}" for item in known
    }
    current = view.version if view.version in wanted else (CHAMPION if CHAMPION in wanted else wanted[0])
    key = state.key("version", (about.get(item, item) for item in wanted))
    state.sync(key, current)
    st.selectbox(
        "Version",
        wanted,
        key=key,
        on_change=state.on_change(key, lambda value: state.put(version=value)),
        format_func=lambda item: about.get(item, item),
        help="A number stays what it is, also in a link; the best and the newest version may be others tomorrow",
    )


def describe(now: OpenModel) -> None:
    """Show the size of the opened version; network and date behind a title."""
    model = now.loaded.model
    with st.sidebar:
        st.markdown(
            f"{counted(len(now.loaded), 'image', mark='**')}, {counted(len(now.loaded.labels), 'label', mark='**')}"
        )
        with st.expander("About"):
            st.markdown(
                f"{plain(model.backbone.name)}, {model.embeddings.shape[1]} dimensions  \n{session.age(now.version)}"
            )


def link_to_history() -> None:
    """Show the link to the page History, which the navigation leaves out."""
    with st.sidebar:
        st.page_link(
            "views/history/page.py",
            label="History",
            icon=":material/history:",
            help="Who decided what, and undo of any of it",
        )


def choose_images(now: OpenModel, *controls: Control) -> None:
    """Show the controls that act on a page, in this order, the further filters last; and chips of the filters here."""
    show = {"k": _k, "cut": _cut, "labels": _labels, "path": _path, "same": _same, "collapse": _collapse}
    with st.sidebar:
        for control in controls:
            if control in show:
                show[control](now)
        more_filters(now, controls)
    show_chips(now.view, controls)


def _k(now: OpenModel) -> None:
    state.sync("choice-k", now.view.k)
    st.slider(
        "Results",
        1,
        state.MOST_K,
        key="choice-k",
        on_change=state.on_change("choice-k", lambda value: state.put(k=None if value == state.K else str(value))),
        help="How many images an answer holds",
    )


def _cut(now: OpenModel) -> None:
    reach = now.loaded.max_distance
    steps = [reach * step / _STEPS for step in range(_STEPS + 1)]
    state.sync("choice-cut", min(steps, key=lambda step: abs(step - now.view.cut)))
    st.select_slider(
        "Only closer than",
        steps,
        key="choice-cut",
        on_change=state.on_change("choice-cut", lambda value: state.put(cut=f"{value:g}" if value else None)),
        format_func=lambda step: f"{step:.3g}" if step else "off",
        help=f"Images further away are left out. {_distances(now.loaded)}",
    )


def _labels(now: OpenModel) -> None:
    texts = {label: f"{visible(label)} ({count:,})" for label, count in label_counts(now.loaded).items()}
    key = state.key("labels", texts.values())
    state.sync(key, [label for label in now.view.labels if label in texts])
    st.multiselect(
        "Labels",
        list(texts),
        key=key,
        format_func=lambda label: texts[label],
        on_change=state.on_change(key, lambda value: state.narrow(label=value)),
        placeholder="all",
        help="Only images with one of these labels",
    )


def _path(now: OpenModel) -> None:
    state.sync("choice-path", now.view.path)
    st.text_input(
        "Path contains",
        key="choice-path",
        on_change=state.on_change("choice-path", lambda value: state.narrow(path=value.strip())),
        help="Only images with this text in the path, capitals or not",
    )


def _same(now: OpenModel) -> None:
    choice("Show", _SAME, "same", "all", help="All images, or those with the label of the query, or with another one")


def _collapse(now: OpenModel) -> None:
    state.sync("choice-collapse", now.view.collapse)
    st.toggle(
        "Collapse near-duplicates",
        key="choice-collapse",
        on_change=state.on_change("choice-collapse", lambda value: state.narrow(collapse="1" if value else None)),
        help="Of images that are the same picture, show the nearest only",
    )


def _distances(loaded: Loaded) -> str:
    """Say between what values the distances of a model lie."""
    if loaded.unit_length:
        return "Distances of this model lie between 0 and 2"
    what = "raw features" if loaded.model.projection is None else "vectors that have any length"
    return f"This model compares {what}: none of its images are further than {loaded.max_distance:g} apart"
