"""Images whose label differs between the versions."""

from __future__ import annotations

import streamlit as st

from dashboards.services.format import visible
from dashboards.views.compare import comparison
from dashboards.views.compare.pair import Pair, act, name
from dashboards.widgets import pager
from dashboards.widgets.gallery import gallery, tile

IMAGES = 24
"""Pictures of a page."""


def show(pair: Pair) -> None:
    """Show the images with both labels."""
    before, after = pair.sides
    changed = comparison.changed_labels(before.loaded, after.loaded)
    if len(changed):
        pages = pager.pages(len(changed), IMAGES)
        st.caption(f"{pages.of('images')} with another label.")
        tiles = [
            tile(before.loaded, item.row, note=f"{visible(item.before)} → {visible(item.after)}")
            for item in changed.iloc[pages.slice].fillna("no label").itertuples()
        ]
        label = f"Images with another label, as in {name(before)}"
        rows = changed["row"].to_numpy()
        act(before, gallery(before.loaded, tiles, key="relabelled", actions=("query", "details"), label=label), rows)
        pager.show(pages, "relabelled")
    else:
        st.success("Every image of both versions has the same label in both.", icon=":material/check_circle:")
