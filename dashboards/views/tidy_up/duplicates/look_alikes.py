"""Threshold of look-alikes: a slider below the histogram of distances."""

from __future__ import annotations

import streamlit as st

from dashboards import state
from dashboards.services.tidy import duplicate_groups
from dashboards.session import OpenModel
from dashboards.widgets import charts
from dashboards.widgets.image_list import say_none
from imgsim.insights.duplicates.look_alikes import NearPairs

_STEPS = 200


def asked_threshold(pairs: NearPairs) -> float:
    """Read the threshold of the URL, within what is known; by default the one that fits the collection."""
    try:
        asked = float(state.get("threshold", str(pairs.threshold)))
    except ValueError:
        return pairs.threshold
    return min(max(asked, 0.0), pairs.bound) if asked == asked else pairs.threshold  # noqa: PLR0124  NaN


def threshold(now: OpenModel, limit: float) -> bool:
    """Show the threshold over the histogram of distances; False where there is nothing to compare."""
    pairs = duplicate_groups.near_pairs(now.loaded)
    if not len(pairs.nearest) or not pairs.bound:
        say_none("There are no neighbours to compare.")
        return False
    st.altair_chart(
        charts.distances(pairs.histogram(), limit, pairs.bound),
        alt=f"How many images have their nearest other one at what distance; the threshold is at {limit:.3f}",
    )
    _slider(pairs, limit)
    return True


def _slider(pairs: NearPairs, limit: float) -> None:
    step = pairs.bound / _STEPS
    if abs(st.session_state.get("look-alike-threshold", -1.0) - limit) > step / 2:  # else rounding would move it back
        st.session_state["look-alike-threshold"] = limit

    def put(value: float) -> None:
        usual = abs(value - pairs.threshold) < step / 2
        state.put(threshold=None if usual else f"{value:.6g}", page=None)

    st.slider(
        "Threshold",
        0.0,
        pairs.bound,
        step=step,
        key="look-alike-threshold",
        on_change=state.on_change("look-alike-threshold", put),
        format="%.3f",
        help=f"Images up to this distance from each other form groups; {pairs.threshold:.3f} fits this collection",
    )
