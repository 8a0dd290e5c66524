"""Images far from everything."""

from __future__ import annotations

import streamlit as st

from dashboards.services import health
from dashboards.session import Open
from dashboards.widgets.gallery import tile
from dashboards.widgets.image_list import absent, pictures


def show(now: Open) -> None:
    """Show the images, the most unusual first."""
    insight = now.loaded.insight("outliers")
    if insight is None:
        absent("outliers")
        return
    found = health.outliers(now.loaded)
    lead = "Images whose nearest neighbours are unusually far away: often errors, sometimes treasures."
    if not found["outlier"].any():
        lead += " Here none stands out from the rest; these are the furthest."
    st.markdown(lead)
    pictures(
        now,
        found,
        "images, the most unusual first",
        lambda item: tile(now.loaded, item.row, note=f"{item.score:.1f} deviations beyond the usual"),
    )
