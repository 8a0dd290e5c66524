"""The versions of a model over time."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboards import session
from dashboards.markdown import plain
from dashboards.services import evaluation
from dashboards.services.format import visible
from dashboards.services.models.registry import RegistryProblem
from dashboards.session import Open
from dashboards.widgets import charts, pager

VERSIONS = 20
"""Rows of a page."""


def show(now: Open) -> None:
    """The versions of this model over time."""
    try:
        known = session.versions(now.version.name)
    except RegistryProblem as problem:
        st.warning(plain(problem), icon=":material/cloud_off:")
        return
    table = evaluation.history(known)
    lines = evaluation.history_lines(table)
    if len(known) > 1 and len(lines):
        st.altair_chart(charts.history(lines), alt="Precision and graph recall of every version")
    urls = {version.version: evaluation.safe_url(version.run_url) for version in known}
    newest = table.iloc[::-1].reset_index(drop=True)
    pages = pager.pages(len(newest), VERSIONS)
    st.caption(f"{pages.words} {'version' if len(known) == 1 else 'versions'}, the newest first.")
    table_of(newest.iloc[pages.slice], urls)
    pager.show(pages, "versions")


def table_of(part: pd.DataFrame, urls: dict[str, str | None]) -> None:
    """Rows of `dashboards.services.evaluation.history` with a link to each run."""
    shown = part.assign(run=part["version"].map(urls), promotion=part["promotion"].map(visible))
    shown["created"] = shown["created"].dt.tz_localize(None)
    st.dataframe(
        shown.dropna(axis="columns", how="all"),
        hide_index=True,
        alt=f"Table of {len(part)} versions with their figures",
        column_order=[
            "version",
            "aliases",
            "precision_at_10",
            "recall_at_10",
            "images",
            "backbone",
            "created",
            "run",
            "promotion",
        ],
        column_config={
            "version": st.column_config.TextColumn("Version", pinned=True),
            "aliases": "Aliases",
            "created": st.column_config.DatetimeColumn("Made (UTC)", format="YYYY-MM-DD HH:mm"),
            "images": "Images",
            "backbone": "Backbone",
            "precision_at_10": st.column_config.NumberColumn("Precision@10", format="%.3f"),
            "recall_at_10": st.column_config.NumberColumn("Graph recall@10", format="%.3f"),
            "run": st.column_config.LinkColumn("MLflow run", display_text="open"),
            "promotion": st.column_config.TextColumn("Why champion, or why not", width="large"),
        },
    )
