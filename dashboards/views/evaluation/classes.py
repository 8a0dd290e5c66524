"""The table of classes; a click on a row opens what is known of the class."""

from __future__ import annotations

import pandas as pd
import streamlit as st
from streamlit.elements.lib.column_types import ColumnConfig

from dashboards import state
from dashboards.services.format import visible
from dashboards.session import OpenModel
from dashboards.views.evaluation import class_panel
from dashboards.views.evaluation.class_panel import LIST
from dashboards.widgets import pager
from dashboards.widgets.shell.shell import reveal
from dashboards.widgets.table_choice import MODE, chosen_row
from dashboards.widgets.url_choice import choice
from imgsim.evaluation import Evaluation

CLASSES = 100
"""Rows of a page."""
ORDERS = {
    "weakest": ("Weakest first", "precision", True),
    "strongest": ("Strongest first", "precision", False),
    "largest": ("Most images first", "images", False),
    "name": ("By name", "label", True),
}
"""Orders of the table of classes: title, column, and whether it rises."""


def show(now: OpenModel) -> None:
    """Show the table of classes; a click on a row opens what is known of the class."""
    found = now.loaded.model.evaluation
    assert found is not None
    if not len(found.per_class):
        return
    order = choice(
        "Order",
        {name: title for name, (title, *_) in ORDERS.items()},
        "order",
        "weakest",
        help="Of the whole table; a click on a column's head sorts the rows of this page",
        resets=("page",),
    )
    table = class_table(found, order)
    table = table[table["label"].isin(now.view.labels)] if now.view.labels else table
    pages = pager.pages(len(table), CLASSES)
    part = table.iloc[pages.slice]
    st.caption(f"{pages.of('classes')}. Choose a row to see what the class is confused with.")
    key = f"classes-{now.loaded.token}-{order}-{pages.page}-{len(table)}"
    st.dataframe(
        part.assign(label=part["label"].map(visible)),
        hide_index=True,
        height=min(38 + 35 * len(part), 423),
        key=key,
        on_select=lambda: choose(key, [(label, None) for label in part["label"]]),
        selection_mode=MODE,
        alt=f"Table of {len(part)} classes with images, precision, average precision and 1-NN accuracy",
        column_order=["label", "images", "precision", "precision_low", "precision_high", "map", "nn1"],
        column_config={
            "label": st.column_config.TextColumn("Label", pinned=True),
            "images": st.column_config.NumberColumn("Images", format="localized"),
            "precision": share(f"Precision@{found.k}"),
            "precision_low": st.column_config.NumberColumn("95 % from", format="%.3f"),
            "precision_high": st.column_config.NumberColumn("to", format="%.3f"),
            "map": share(f"mAP@{found.k}"),
            "nn1": share("1-NN accuracy"),
        },
    )
    pager.show(pages, "classes", keys=False)
    class_panel.show(now)


def class_table(evaluation: Evaluation, order: str = "weakest") -> pd.DataFrame:
    """Return a row per class in one of `ORDERS`: the columns of `imgsim.evaluation.Evaluation.per_class`."""
    _, column, rising = ORDERS.get(order, ORDERS["weakest"])
    table = evaluation.per_class.sort_values([column, "label"], ascending=[rising, True], kind="stable")
    return table.reset_index(drop=True)


def share(title: str) -> ColumnConfig:
    """Describe a column of numbers between 0 and 1, with bars."""
    return st.column_config.ProgressColumn(title, min_value=0.0, max_value=1.0, format="%.3f")


def choose(key: str, named: list[tuple[str, str | None]]) -> None:
    """Put the row that was chosen into the URL: a label, and perhaps the one it is taken for."""
    place = chosen_row(key)
    label, other = (None, None) if place is None else named[place]
    state.put(**{"class": label, "other": other, "images": None})
    reveal(LIST)
