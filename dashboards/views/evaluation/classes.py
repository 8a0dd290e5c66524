"""The table of classes; a click on a row shows its images."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray
from streamlit.elements.lib.column_types import ColumnConfig

from dashboards import state
from dashboards.markdown import plain
from dashboards.services.format import visible
from dashboards.services.models.cache import per_model
from dashboards.services.models.loaded_model import Loaded
from dashboards.session import OpenModel
from dashboards.widgets import pager
from dashboards.widgets.details import handle
from dashboards.widgets.gallery import gallery, tile
from dashboards.widgets.url_choice import choice
from imgsim.evaluation import Evaluation, images_of_class

CLASSES, IMAGES = 100, 24
"""Rows and pictures of a page."""
ORDERS = {
    "weakest": ("Weakest first", "precision", True),
    "strongest": ("Strongest first", "precision", False),
    "largest": ("Most images first", "images", False),
    "name": ("By name", "label", True),
}
"""Orders of the table of classes: title, column, and whether it rises."""


def show(now: OpenModel) -> None:
    """Show the table of classes; a click on a row shows its images."""
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
    st.caption(f"{pages.words} classes. Choose a row to see its images, the hardest first.")
    key = f"classes-{now.loaded.token}-{order}-{pages.page}-{len(table)}"
    st.dataframe(
        part.assign(label=part["label"].map(visible)),
        hide_index=True,
        height=min(38 + 35 * len(part), 423),
        key=key,
        on_select=lambda: choose(key, [(label, None) for label in part["label"]]),
        selection_mode="single-row",
        alt=f"Table of {len(part)} classes with images, precision, average precision and 1-NN accuracy",
        column_config={
            "label": st.column_config.TextColumn("Label", pinned=True),
            "images": st.column_config.NumberColumn("Images", format="localized"),
            "precision": share(f"Precision@{found.k}"),
            "map": share(f"mAP@{found.k}"),
            "nn1": share("1-NN accuracy"),
        },
    )
    pager.show(pages, "classes", keys=False)
    images(now)


def class_table(evaluation: Evaluation, order: str = "weakest") -> pd.DataFrame:
    """Return a row per class in one of `ORDERS`: label, images, precision, map, nn1."""
    _, column, rising = ORDERS.get(order, ORDERS["weakest"])
    table = evaluation.per_class.sort_values([column, "label"], ascending=[rising, True], kind="stable")
    return table.reset_index(drop=True)


@per_model()
def class_rows(loaded: Loaded, label: str, other: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Find rows of a label with their counts; see `imgsim.evaluation.images_of_class`."""
    return images_of_class(loaded.model.graph, loaded.model.images.labels, label, other or None)


def share(title: str) -> ColumnConfig:
    """Describe a column of numbers between 0 and 1, with bars."""
    return st.column_config.ProgressColumn(title, min_value=0.0, max_value=1.0, format="%.3f")


def choose(key: str, named: list[tuple[str, str | None]]) -> None:
    """Put the row that was chosen into the URL: a label, and perhaps the one it is taken for."""
    rows = st.session_state[key].selection.rows
    label, other = named[rows[0]] if rows else (None, None)
    state.put(**{"class": label, "other": other, "images": None})


def images(now: OpenModel) -> None:
    """Show the images of the chosen class, or those of it that lie among another one."""
    label, other = state.get("class"), state.get("other")
    if not label:
        return
    rows, counts = class_rows(now.loaded, label, other)
    k = now.loaded.model.graph.k
    if other:
        st.subheader(f"{plain(label)} among {plain(other)}")
        text = f"images of this label list one of {plain(other)} among their {k} neighbours, those that list most first"
    else:
        st.subheader(plain(label))
        text = f"images, each with how many of its {k} neighbours share the label, the hardest first"
    if not len(rows):
        st.info("No image fits. Choose another row.", icon=":material/label_off:")
        return
    pages = pager.pages(len(rows), IMAGES, "images")
    st.caption(f"{pages.words} {text}.")
    tiles = [
        tile(now.loaded, row, note=f"{count} of {k} {f'are {visible(other)}' if other else 'share the label'}")
        for row, count in zip(rows[pages.slice], counts[pages.slice], strict=True)
    ]
    handle(now, gallery(now.loaded, tiles, key="class-images", label=f"Images of {visible(label)}"))
    pager.show(pages, "images")
