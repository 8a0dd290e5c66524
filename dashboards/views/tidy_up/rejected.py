"""Files that are no images, or broken ones, with the reasons."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboards import state
from dashboards.services import tables
from dashboards.services.format import visible
from dashboards.services.tidy import findings
from dashboards.session import OpenModel
from dashboards.widgets import pager
from dashboards.widgets.image_list import say_none
from dashboards.widgets.shell.shell import reveal
from dashboards.widgets.table_choice import MODE, chosen_row

FILES = 50
"""Rows of a page."""
LIST = "rejected-list"
"""Key of the container of the files."""


def show(now: OpenModel) -> None:
    """Show a table of reasons, and one of files."""
    rejected = now.loaded.model.rejected
    if not len(rejected):
        say_none("Every file of the collection could be read.")
        return
    st.markdown("Files that the pipeline left out. They are in no answer and in no figure; none was changed.")
    kinds = findings.rejected_kinds(rejected)
    key = f"kinds-{now.loaded.token}"
    st.dataframe(
        kinds.head(FILES).assign(reason=kinds["reason"].map(visible)),
        hide_index=True,
        key=key,
        on_select=lambda: _choose(key, kinds),
        selection_mode=MODE,
        alt=f"Table of {len(kinds)} reasons with how many files each",
        column_config={
            "stage": st.column_config.TextColumn("Stage", help="Scan: by its first bytes; decode: by its pixels"),
            "reason": st.column_config.TextColumn("Reason", width="large"),
            "files": st.column_config.NumberColumn("Files", format="localized"),
        },
    )
    with st.container(key=LIST):
        _files(now, _narrowed(now, rejected))


def _choose(key: str, kinds: pd.DataFrame) -> None:
    place = chosen_row(key)
    state.put(reason=None if place is None else str(kinds["reason"].iloc[place]), page=None)
    reveal(LIST)


def _narrowed(now: OpenModel, rejected: pd.DataFrame) -> pd.DataFrame:
    """Narrow files to the reason that was chosen, and to the sidebar's path."""
    asked = state.get("reason")
    if asked:
        rejected = rejected[findings.reason_kind(rejected["reason"]) == asked]
    if now.view.path:
        part = now.view.path.casefold()
        rejected = rejected[[part in str(path).casefold() for path in rejected["path"]]]
    return rejected


def _files(now: OpenModel, rejected: pd.DataFrame) -> None:
    pages = pager.pages(len(rejected), FILES)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.caption(f"{pages.of('files')}. Choose a reason above to see its files only.", width="content")
        st.download_button(
            "Download as CSV",
            lambda: tables.csv(rejected),
            f"{now.version.name}-{now.version.version}-rejected.csv",
            "text/csv",
            icon=":material/download:",
            on_click="ignore",
            help="Path, stage and reason of every file in this list",
        )
    st.dataframe(
        rejected.iloc[pages.slice].map(visible),
        hide_index=True,
        alt=f"Table of {len(rejected)} rejected files",
        column_config={
            "path": st.column_config.TextColumn("Path", width="medium", pinned=True),
            "stage": "Stage",
            "reason": st.column_config.TextColumn("Reason", width="large"),
        },
    )
    pager.show(pages, "files", keys=False)
