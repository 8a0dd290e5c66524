"""Confusion of labels: a chart of the worst, and a table of all pairs."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboards import state
from dashboards.services.format import visible
from dashboards.session import OpenModel
from dashboards.views.evaluation import class_panel
from dashboards.views.evaluation.class_counts import confusion
from dashboards.views.evaluation.class_panel import LIST
from dashboards.views.evaluation.classes import choose
from dashboards.widgets import charts, pager
from dashboards.widgets.shell.shell import reveal
from dashboards.widgets.table_choice import MODE
from imgsim.evaluation import Confusion

PAIRS = 10
"""Rows of a page."""
WORST = 20
"""Labels of the chart."""
OTHERS = "all other labels"


def show(now: OpenModel) -> None:
    """Show the labels whose images lie among others."""
    found = confusion(now.loaded)
    if found is None:
        st.info("There are fewer than two labels to take for each other.", icon=":material/label_off:")
        return
    cells = heatmap(found)
    order = worst(found)
    st.caption(
        f"Of the {found.k} neighbours of a label's images, the share that carries another label. Shown are the "
        f"{len(order)} labels with the fewest neighbours of their own. Click a cell to see the images."
    )
    key = f"confusion-{now.loaded.token}"
    st.altair_chart(
        charts.confusion(cells, order, [*order, OTHERS]),
        key=key,
        on_select=lambda: choose_cell(key),
        alt=f"Shares of neighbours by label, for {len(order)} labels; the table below says the same",
    )
    pairs = found.pairs
    pairs = pairs[pairs["label"].isin(now.view.labels)] if now.view.labels else pairs
    if not len(pairs):
        st.success("No neighbour carries another label.", icon=":material/check:")
        return
    pages = pager.pages(len(pairs), PAIRS)
    part = pairs.iloc[pages.slice]
    st.caption(f"{pages.of('pairs')}, the most frequent first. Choose a row to see the images.")
    table = f"pairs-{now.loaded.token}-{pages.page}-{len(pairs)}"
    st.dataframe(
        part.assign(label=part["label"].map(visible), other=part["other"].map(visible)),
        hide_index=True,
        key=table,
        on_select=lambda: choose(table, list(zip(part["label"], part["other"], strict=True))),
        selection_mode=MODE,
        alt=f"Table of {len(part)} pairs of labels with their share of the neighbours",
        column_config={
            "label": st.column_config.TextColumn("Label", pinned=True),
            "other": st.column_config.TextColumn("Label of neighbours"),
            "share": st.column_config.ProgressColumn(
                "Share of neighbours", min_value=0.0, max_value=1.0, format="percent"
            ),
            "count": st.column_config.NumberColumn("Neighbours", format="localized"),
        },
    )
    pager.show(pages, "pairs", keys=False)
    class_panel.show(now)


def choose_cell(key: str) -> None:
    """Put the cell of the chart that was clicked into the URL."""
    cells = st.session_state[key].selection.get(charts.CELL, [])
    label, other = (cells[0].get("label"), cells[0].get("other")) if cells else (None, None)
    other = None if other in (label, OTHERS) else other
    state.put(**{"class": label, "other": other, "images": None})
    reveal(LIST)


def worst(confused: Confusion, most: int = WORST) -> list[str]:
    """List the labels with the fewest neighbours of their own label, the fewest first."""
    return list(confused.own.sort_values(kind="stable").index[:most])


def heatmap(confused: Confusion, most: int = WORST) -> pd.DataFrame:
    """Return columns label, other, share for the ``most`` labels with the fewest neighbours of their own label.

    Shares of labels beyond these are summed up as `OTHERS`.
    """
    labels = worst(confused, most)
    part = confused.pairs[confused.pairs["label"].isin(labels)]
    inside = part[part["other"].isin(labels)][["label", "other", "share"]]
    beyond = part[~part["other"].isin(labels)].groupby("label")["share"].sum()
    own = pd.DataFrame({"label": labels, "other": labels, "share": confused.own[labels].to_numpy()})
    rest = pd.DataFrame({"label": beyond.index, "other": OTHERS, "share": beyond.to_numpy()})
    cells = pd.concat([part for part in (own, inside, rest) if len(part)])
    return cells.sort_values(["label", "other"], kind="stable").reset_index(drop=True)
