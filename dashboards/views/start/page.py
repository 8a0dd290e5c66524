"""Start, the first page: what this is, the collection, and three doors into it."""

from __future__ import annotations

import streamlit as st

from dashboards import state
from dashboards.markdown import plain
from dashboards.services.format import counted
from dashboards.services.models.loaded_model import Loaded
from dashboards.services.query_text import Term, format_terms
from dashboards.session import ABOUT, OpenModel, current
from dashboards.views.start import overview
from dashboards.views.start.overview import Overview
from dashboards.widgets.details import handle
from dashboards.widgets.gallery import gallery, tile
from dashboards.widgets.pictures.uploader import say_refused, upload
from imgsim.mlflow.registry import PREFIX


def page(now: OpenModel) -> None:
    """Show the collection and the doors."""
    st.markdown(ABOUT)
    if not len(now.loaded):
        st.info("This version holds no images. Run the pipeline on a folder with pictures.", icon=":material/home:")
        return
    _collection(now)
    found = overview.overview(now.loaded)
    mine, tidy, good = st.columns(3, gap="medium")
    with mine.container(border=True, height="stretch"):
        _mine(now.loaded)
    with tidy.container(border=True, height="stretch"):
        _tidy(found)
    with good.container(border=True, height="stretch"):
        _good(found)
    tiles = [tile(now.loaded, row) for row in overview.samples(now.loaded)]
    handle(now, gallery(now.loaded, tiles, key="samples", size="small", label="Some of its images"))


def _collection(now: OpenModel) -> None:
    """Show what the collection holds."""
    loaded = now.loaded
    labels = f", {counted(len(loaded.labels), 'label')}" if loaded.labels else ""
    with st.container(border=True, horizontal=True, vertical_alignment="center", key="collection"):
        st.markdown(
            f"**{plain(loaded.name.removeprefix(PREFIX))}**: {counted(len(loaded), 'image')}{labels}", width="stretch"
        )
        if st.button("Browse", icon=":material/grid_view:", help="Leaf through all of its images"):
            state.go("browse")


def _mine(loaded: Loaded) -> None:
    st.header("Find pictures like mine", anchor=False)
    upload(loaded, lambda terms: _search(loaded, terms))
    say_refused("upload")
    st.caption("Drop a picture anywhere on this page, or paste one with Ctrl+V.")
    if st.button("Search", icon=":material/image_search:", help="By name, label, camera or web address"):
        state.go("search")


def _search(loaded: Loaded, terms: list[Term]) -> None:
    state.go("search", q=format_terms(loaded, terms))


def _tidy(found: Overview) -> None:
    st.header("Tidy up", anchor=False)
    if found.spare is None and found.doubtful is None:
        st.caption("This version was registered without a look at duplicates and labels.")
    if found.spare is not None and st.button(
        counted(found.spare, "spare file"), help="Files that show a picture once more: see which one to keep"
    ):
        state.go("tidy_up", section="duplicates")
    if found.doubtful is not None and st.button(
        counted(found.doubtful, "doubtful label"), help="Labels that most neighbours doubt: see what they say"
    ):
        state.go("tidy_up", section="labels")
    if st.button("All findings", type="tertiary", help="Rejected files, outliers, leaks, picture quality"):
        state.go("tidy_up")


def _good(found: Overview) -> None:
    st.header("How good is it?", anchor=False)
    if found.precision is None:
        st.caption("There are no labels, so nothing can be said about which pictures belong together.")
    else:
        st.markdown(f"**{found.precision:.0%}** of the {found.k} nearest pictures share the label. Weakest:")
    with st.container(gap="xxsmall"):
        for label, precision in found.worst:
            text = f"{plain(label)} {precision:.0%}"
            if st.button(text, type="tertiary", key=f"worst-{label}", help="See which images are mistaken for which"):
                state.go("evaluation", **{"class": label})
    if found.precision is None and st.button("Evaluation", help="What can be measured without labels"):
        state.go("evaluation")


page(current())
