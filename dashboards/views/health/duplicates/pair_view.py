"""Dialog of two copies side by side: their original files pixel by pixel, moved together."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
import streamlit as st

from dashboards.markdown import plain
from dashboards.services import originals
from dashboards.services.format import visible
from dashboards.services.models.loaded_model import Loaded
from dashboards.widgets.component import component

_component = component(__file__)


@st.dialog("Side by side", width="large")
def show(loaded: Loaded, row: int, other: int) -> None:
    """Open the dialog; where an original is not there, it says why."""
    problems = {one: originals.problem(loaded, one) for one in (row, other)}
    for one, problem in problems.items():
        if problem is not None:
            why = problem or "This machine does not know where the original files are."
            st.warning(f"{plain(visible(loaded.model.images.paths[one]))}: {plain(why)}", icon=":material/hide_image:")
    if all(problem is None for problem in problems.values()):
        _component(key="pair", data=described(loaded, row, other))
        st.caption(
            "Both are drawn as large as the larger one is, one pixel of it on one of the screen"
            f" (pictures over {originals.WHOLE:,} pixels a side are reduced). Both scroll together."
        )


def described(loaded: Loaded, row: int, other: int) -> dict[str, Any]:
    """Return the data for the browser: ``PairData`` in ``pair_view.js``."""
    images = loaded.model.images
    sizes = [originals.shown_size(loaded, one, originals.WHOLE) for one in (row, other)]
    width, height = max(sizes, key=math.prod)
    pictures = [
        {"src": originals.original_url(loaded, one, originals.WHOLE), "title": visible(images.paths[one])}
        for one in (row, other)
    ]
    return {"pictures": pictures, "width": width, "height": height}


def beside(groups: list[pd.DataFrame], row: int) -> int | None:
    """Find the copy to compare a row with: the first other one of its group to keep, else the first other one."""
    for group in groups:
        others = group[group["row"] != row]
        if len(others) < len(group) and len(others):
            return int(others.sort_values("keep", ascending=False, kind="stable")["row"].iloc[0])
    return None
