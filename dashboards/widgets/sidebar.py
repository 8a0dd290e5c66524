"""Sidebar: choice of the model, its figures, and filters of images. All of it is in the URL."""

from __future__ import annotations

import streamlit as st

from dashboards import session, state
from dashboards.markdown import plain
from dashboards.services.format import figure
from dashboards.services.models.loaded_model import Loaded
from dashboards.session import OpenModel
from dashboards.state import View
from dashboards.widgets.url_choice import choice
from imgsim.errors import RegistryError
from imgsim.mlflow.download import Version
from imgsim.mlflow.registry import PREFIX

_STEPS = 200
"""Of the slider of distances."""
_SAME = {"all": "any", "same": "same", "other": "other"}


def choose_model(view: View) -> None:
    """Show pickers of model and version, also when the present choice cannot be opened."""
    with st.sidebar:
        try:
            names = session.names()
            name = _meant(view, names)
            state.sync("choice-model", name)
            st.selectbox(
                "Registered model",
                sorted(names),
                key="choice-model",
                on_change=state.on_change("choice-model", lambda value: state.put(model=value, version=None)),
                format_func=lambda item: str(item).removeprefix(PREFIX),
                help="Models of the MLflow registry, one per collection",
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
    about = {alias: f"{alias} (version {item.version})" for item in known for alias in item.aliases}
    current = view.version if view.version in wanted else ("champion" if "champion" in wanted else wanted[0])
    state.sync("choice-version", current)
    st.selectbox(
        "Version",
        wanted,
        key="choice-version",
        on_change=state.on_change("choice-version", lambda value: state.put(version=value)),
        format_func=lambda item: about.get(item, f"version {item}"),
        help="An alias follows the registry; a number stays what it is",
    )


def describe(now: OpenModel) -> None:
    """Show size, network, date and figures of the opened version."""
    model, metrics = now.loaded.model, now.version.metrics
    with st.sidebar:
        st.markdown(
            f"**{len(now.loaded):,}** images, **{len(now.loaded.labels):,}** labels  \n"
            f"{plain(model.backbone.name)}, {model.embeddings.shape[1]} dimensions  \n"
            f"{session.age(now.version)}"
        )
        recall, precision = metrics.get("recall_at_10"), metrics.get("precision_at_10")
        with st.container(horizontal=True, gap="xsmall"):
            st.badge(f"recall@10 {figure(recall)}", color="gray", help="Share of the true neighbours in the graph")
            st.badge(
                f"precision@10 {figure(precision)}",
                color="gray",
                help="Share of the ten nearest images with the label of the query; a dash where there are no labels",
            )


def choose_images(now: OpenModel) -> None:
    """Show k, cut and filters."""
    view, labels = now.view, now.loaded.labels
    with st.sidebar:
        state.sync("choice-k", view.k)
        st.slider(
            "Neighbours",
            1,
            state.MOST_K,
            key="choice-k",
            on_change=state.on_change("choice-k", lambda value: state.put(k=None if value == state.K else str(value))),
            help="How many images an answer holds",
        )
        reach = now.loaded.max_distance
        state.sync("choice-cut", min(view.cut, reach))
        st.slider(
            "Largest distance",
            0.0,
            reach,
            step=reach / _STEPS,
            key="choice-cut",
            on_change=state.on_change("choice-cut", lambda value: state.put(cut=f"{value:g}" if value else None)),
            format="%.3g",
            help=f"Images further away are left out; 0 sets no limit. {_distances(now.loaded)}",
        )
        state.sync("choice-labels", [label for label in view.labels if label in labels])
        st.multiselect(
            "Labels",
            labels,
            key="choice-labels",
            on_change=state.on_change("choice-labels", state.put_labels),
            placeholder="all",
            help="Only images with one of these labels",
        )
        state.sync("choice-path", view.path)
        st.text_input(
            "Path contains",
            key="choice-path",
            on_change=state.on_change("choice-path", lambda value: state.put(path=value.strip())),
            help="Only images whose path holds this text, capitals or not",
        )
        choice("Label of the neighbours", _SAME, "same", "all", help="Compared with the label of the query")
        state.sync("choice-collapse", view.collapse)
        st.toggle(
            "Collapse near-duplicates",
            key="choice-collapse",
            on_change=state.on_change("choice-collapse", lambda value: state.put(collapse="1" if value else None)),
            help="Of images that are the same picture, show the nearest only",
        )


def _distances(loaded: Loaded) -> str:
    """Say between what values the distances of a model lie."""
    if loaded.unit_length:
        return "Distances of this model lie between 0 and 2"
    what = "raw features" if loaded.model.projection is None else "vectors that have any length"
    return f"This model compares {what}: none of its images are further than {loaded.max_distance:g} apart"
