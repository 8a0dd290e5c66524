"""An insight that has no section of its own: its pictures and its first table."""

from __future__ import annotations

import streamlit as st

from dashboards.session import OpenModel
from dashboards.widgets.gallery import tile
from dashboards.widgets.image_list import filtered, picture_list, say_missing, say_none
from imgsim.insights.registry import INSIGHTS, highlights, tiles


def show(now: OpenModel, name: str) -> None:
    """Show the images of the insight, then all rows of its table."""
    kind, insight = INSIGHTS[name], now.loaded.insight(name)
    if insight is None:
        say_missing(kind.title.lower())
        return
    found = highlights(insight)
    st.markdown(kind.description)
    if not len(found):
        say_none("Nothing found.")
        return
    if "row" not in found:
        st.dataframe(found, hide_index=True, alt=f"{kind.title}: all rows")
        return
    captions = dict(tiles(insight, len(found)))
    picture_list(now, found, "images", lambda item: tile(now.loaded, item.row, note=captions.get(item.row, "")))
    st.dataframe(filtered(now, found).drop(columns="row"), hide_index=True, alt=f"{kind.title}: all rows")
