"""Overlap of the neighbours of all images, and the images whose neighbours changed most."""

from __future__ import annotations

import streamlit as st

from dashboards.services.format import counted
from dashboards.views.compare import comparison
from dashboards.views.compare.pair import Pair, act, name
from dashboards.widgets import charts, pager
from dashboards.widgets.gallery import gallery, tile

IMAGES = 24
"""Pictures of a page."""


def show(pair: Pair) -> None:
    """Show mean and spread, and the images, those with the fewest neighbours in common first."""
    before, after = (side.loaded for side in pair.sides)
    found = comparison.overlap(before, after, pair.now.view.k)
    if found is None:
        st.info("The two versions share no image, or list no neighbours.", icon=":material/join_inner:")
        return
    images, equal = counted(len(found.rows), "image"), counted(found.same, "image lists", "images list")
    interval = "" if found.exact else f" (95 %: {found.low:.0%} to {found.high:.0%})"
    st.markdown(
        f"Of the {found.k} neighbours of an image, **{found.mean:.0%}** are the same in both versions{interval}, "
        f"measured on {images} of {found.shared:,} in both. "
        f"{equal} the very same ones in the same order."
    )
    st.altair_chart(
        charts.whole(found.spread, "common", "images", f"neighbours in common, of {found.k}"),
        alt=f"How many images have how many of their {found.k} neighbours in common",
    )
    pages = pager.pages(len(found.rows), IMAGES)
    st.caption(f"{pages.of('images')}, those whose neighbours changed most first. Choose one to see both lists.")
    tiles = [tile(before, row) for row in found.rows[pages.slice]]
    label = f"Images whose neighbours changed most, as in {name(pair.before)}"
    act(pair.before, gallery(before, tiles, key="changed", actions=("query", "details"), label=label), found.rows)
    pager.show(pages, "changed")
