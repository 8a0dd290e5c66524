"""Images far from everything."""

from __future__ import annotations

import streamlit as st

from dashboards.services.tidy import findings
from dashboards.session import OpenModel
from dashboards.widgets.gallery import tile
from dashboards.widgets.image_list import picture_list, say_missing


def show(now: OpenModel) -> None:
    """Show the images, the most unusual first."""
    insight = now.loaded.insight("outliers")
    if insight is None:
        say_missing("outliers")
        return
    found = findings.outliers(now.loaded)
    found = found.assign(place=range(1, len(found) + 1))
    lead = "Images whose nearest neighbours are unusually far away: often errors, sometimes treasures."
    if not found["outlier"].any():
        lead += " Here none stands out from the rest; these are the furthest."
    st.markdown(lead)
    picture_list(
        now,
        found,
        "images, the most unusual first",
        lambda item: tile(now.loaded, item.row, note=f"unusual (place {item.place:,} of {len(now.loaded):,})"),
    )
