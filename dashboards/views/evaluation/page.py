"""Evaluation of a version: figures, classes, confusion of labels, earlier versions, timings."""

from __future__ import annotations

import streamlit as st

from dashboards.markdown import plain
from dashboards.session import OpenModel, current
from dashboards.views.evaluation import classes, confusion, figures, ranks, timings, versions
from dashboards.widgets import sidebar
from dashboards.widgets.learning.box import learn_box, show_agreement
from dashboards.widgets.url_choice import choice
from imgsim.evaluation import Evaluation

SECTIONS = {
    "classes": "Classes",
    "ranks": "By rank",
    "confusion": "Confusion",
    "versions": "Versions",
    "timings": "Timings",
}
LISTS = ("classes", "confusion")
"""Sections that the choice of labels narrows."""
_SHOWN = {"classes": classes, "ranks": ranks, "confusion": confusion, "versions": versions, "timings": timings}


def page(now: OpenModel) -> None:
    """Show the figures, then the chosen section."""
    found = now.loaded.model.evaluation
    if found is None:
        run_link(now)
        st.info(
            "This version was registered without an evaluation. Run the pipeline again: it measures every version.",
            icon=":material/query_stats:",
        )
        return
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        every = " They are of all labels, whatever the sidebar says." if now.view.labels else ""
        st.caption(f"{protocol(found)}{every}", width="content")
        run_link(now)
    figures.show(found)
    show_agreement(now)
    learn_box(now)
    if not len(found.per_class):
        st.info(
            "No two images share a label, so only the graph is measured. Labels are the names of the images' folders, "
            "or a column of a table of images.",
            icon=":material/label_off:",
        )
    section = choice(
        "Section",
        SECTIONS,
        "section",
        "classes" if len(found.per_class) else "versions",
        help="What of the evaluation is shown",
        hide_label=True,
        explicit=True,
        resets=("page", "images", "class", "other"),
    )
    if section in LISTS:
        sidebar.choose_images(now, "labels")
    _SHOWN[section].show(now)


def protocol(found: Evaluation) -> str:
    """Say in words how the figures were measured."""
    copies = int(found.metrics.get("copies_left_out", 0))
    left_out = f" {copies:,} {'copy was' if copies == 1 else 'copies were'} left out." if copies else ""
    return (
        f"Every picture is asked for in turn, and its {found.k} nearest others looked at.{left_out} In brackets: 95 % "
        "intervals."
    )


def run_link(now: OpenModel) -> None:
    """Link to the MLflow run of this version."""
    url = versions.web_address(now.version.run_url)
    if url:
        st.link_button("MLflow run", url, icon=":material/open_in_new:", help="Parameters, metrics and files")
    elif now.version.run_id:
        st.caption(f"MLflow run {plain(now.version.run_id)}; `imgsim ui` opens it in the browser", width="content")


page(current())
