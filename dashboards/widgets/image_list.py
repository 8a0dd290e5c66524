"""Lists of images that page by page show a table, for the sections of the page Tidy up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import streamlit as st

from dashboards.services import filters
from dashboards.services.commands import pipeline_command
from dashboards.session import OpenModel, current
from dashboards.widgets import pager
from dashboards.widgets.details import handle
from dashboards.widgets.gallery import Tile, gallery
from dashboards.widgets.pager import Pages

IMAGES, GROUPS = 40, 8
"""Pictures, and groups of pictures, of a page."""


def say_missing(what: str) -> None:
    """Say that a version carries nothing about something."""
    st.info(
        f"This version was registered without {what}. Run the pipeline again "
        f"(`{pipeline_command(current().version)}`, or the job `pipeline` in Dagster): the next version carries it, "
        "and features that are known are not computed again.",
        icon=":material/history:",
    )


def say_none(words: str) -> None:
    """Say that all is well."""
    st.success(words, icon=":material/check_circle:")


def filtered(now: OpenModel, table: pd.DataFrame) -> pd.DataFrame:
    """Keep the rows of a table about images that the sidebar's filters leave."""
    return table[filters.mask(now.loaded, now.view.filters)[table["row"].to_numpy()]] if len(table) else table


def caption(now: OpenModel, pages: Pages, unit: str) -> None:
    """Say which part of a list is shown, and that the sidebar narrows it."""
    narrowed = " that pass the filters of the sidebar" if now.view.filters else ""
    st.caption(f"{pages.of(unit)}{narrowed}.")


def picture_list(
    now: OpenModel, table: pd.DataFrame, unit: str, tile: Callable[[Any], Tile], *, name: str = "page"
) -> None:
    """Show a table about images as a paged gallery; ``tile`` makes each picture's tile of a row of the table."""
    shown = filtered(now, table)
    pages = pager.pages(len(shown), IMAGES, name)
    caption(now, pages, unit)
    tiles = [tile(item) for item in shown.iloc[pages.slice].itertuples()]
    rows = shown["row"].to_numpy()
    handle(now, gallery(now.loaded, tiles, key=f"tidy-up-{name}", label=unit, among=rows), among=rows)
    pager.show(pages, name)
