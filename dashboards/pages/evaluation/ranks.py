"""Precision by rank, and how the recall of the graph was measured."""

from __future__ import annotations

import streamlit as st

from dashboards.services import evaluation
from dashboards.session import Open
from dashboards.widgets import charts


def show(now: Open) -> None:
    """Precision by rank, and how recall was measured."""
    curve = evaluation.precision_curve(now.loaded)
    if len(curve):
        st.altair_chart(charts.ranks(curve), alt="Precision for every number of nearest images, with its interval")
        st.caption("How many of the nearest images carry the label of the query, the more of them are looked at.")
    st.markdown(evaluation.recall_words(now.loaded))
