"""The versions of a model over time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import streamlit as st

from dashboards import session
from dashboards.markdown import plain
from dashboards.services.format import visible
from dashboards.session import OpenModel
from dashboards.widgets import charts, pager
from imgsim.arguments import DEFAULT_K
from imgsim.errors import RegistryError
from imgsim.mlflow.version import Version

VERSIONS = 20
"""Rows of a page."""


def show(now: OpenModel) -> None:
    """Show the versions of this model over time."""
    try:
        known = session.versions(now.version.name)
    except RegistryError as problem:
        st.warning(plain(problem), icon=":material/cloud_off:")
        return
    table = history(known)
    lines = history_lines(table)
    if len(known) > 1 and len(lines):
        st.altair_chart(charts.history(lines), alt="Precision and graph recall of every version")
    urls = {version.version: web_address(version.run_url) for version in known}
    newest = table.iloc[::-1].reset_index(drop=True)
    pages = pager.pages(len(newest), VERSIONS)
    st.caption(f"{pages.of('versions')}, the newest first.")
    table_of(newest.iloc[pages.slice], urls, known[0].k)
    pager.show(pages, "versions")


def table_of(part: pd.DataFrame, urls: dict[str, str | None], k: int) -> None:
    """Show rows of `history` with a link to each run; figures are of ``k`` neighbours."""
    shown = part.assign(run=part["version"].map(urls), promotion=part["promotion"].map(visible))
    shown["created"] = shown["created"].dt.tz_localize(None)
    st.dataframe(
        shown.dropna(axis="columns", how="all"),
        hide_index=True,
        alt=f"Table of {len(part)} versions with their figures",
        column_order=[
            "version",
            "aliases",
            "precision",
            "recall",
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
            "precision": st.column_config.NumberColumn(f"Precision@{k}", format="%.3f"),
            "recall": st.column_config.NumberColumn(f"Graph recall@{k}", format="%.3f"),
            "run": st.column_config.LinkColumn("MLflow run", display_text="open"),
            "promotion": st.column_config.TextColumn("Why champion, or why not", width="large"),
        },
    )


def history(versions: Sequence[Version]) -> pd.DataFrame:
    """Return a row per version, oldest first: version, aliases, created, images, backbone, promotion and figures.

    Figures are those of as many neighbours as the newest version counts; others cannot be compared with them.
    """
    ordered = sorted(versions, key=lambda version: int(version.version))
    columns = {
        "version": [version.version for version in ordered],
        "aliases": [", ".join(version.aliases) for version in ordered],
        "created": [version.created for version in ordered],
        "images": [version.tags.get("imgsim.images", "") for version in ordered],
        "backbone": [version.tags.get("imgsim.backbone", "") for version in ordered],
        "promotion": [version.tags.get("imgsim.promotion", "") for version in ordered],
    }
    table = pd.DataFrame(columns)
    k = ordered[-1].k if ordered else DEFAULT_K
    table["k"] = k
    names = {"precision": "precision_at_{}", "low": "precision_at_{}_low", "high": "precision_at_{}_high"}
    for column, name in (names | {"recall": "recall_at_{}"}).items():
        table[column] = np.array([version.metrics.get(name.format(k), np.nan) for version in ordered], float)
    return table


def history_lines(table: pd.DataFrame) -> pd.DataFrame:
    """Turn `history` into points of a chart: version, metric, value, low, high, promotion; unknown ones left out."""
    k = table["k"].max()
    lines = [(f"Precision@{k}", "precision", "low", "high"), (f"Graph recall@{k}", "recall", "recall", "recall")]
    parts = [
        pd.DataFrame(
            {
                "version": table["version"].astype(int),
                "metric": title,
                "value": table[name],
                "low": table[low],
                "high": table[high],
                "promotion": table["promotion"],
            }
        )
        for title, name, low, high in lines
    ]
    return pd.concat(parts).dropna(subset=["value"]).reset_index(drop=True)


def web_address(url: str | None) -> str | None:
    """Return an address that a browser may be sent to (http or https), else None."""
    return url if url and url.lower().startswith(("http://", "https://")) else None
