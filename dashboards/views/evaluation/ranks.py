"""Precision by rank, and how the recall of the graph was measured."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboards.services.models.cache import per_model
from dashboards.services.models.loaded_model import Loaded
from dashboards.session import OpenModel
from dashboards.widgets import charts
from imgsim.evaluation import SAMPLE, precision_by_rank


def show(now: OpenModel) -> None:
    """Show precision by rank, and how recall was measured."""
    curve = precision_curve(now.loaded)
    if len(curve):
        st.altair_chart(charts.ranks(curve), alt="Precision for every number of nearest images, with its interval")
        st.caption("How many of the nearest images carry the label of the query, the more of them are looked at.")
    st.markdown(recall_words(now.loaded))


@per_model()
def precision_curve(loaded: Loaded) -> pd.DataFrame:
    """Compute precision at every rank that was evaluated; no rows without labels."""
    found = loaded.model.evaluation
    if found is None:
        return pd.DataFrame()
    classes, labels = found.per_class["label"].tolist(), loaded.model.images.labels
    return precision_by_rank(loaded.evaluated_graph, labels, found.k, classes, found.pictures)


def recall_words(loaded: Loaded) -> str:
    """Say in a sentence how graph recall was measured."""
    n = len(loaded)
    graph = loaded.model.graph
    if graph.method == "exact":
        return "The graph was built by exact search, so it lists the true neighbours."
    return (
        f"The graph was built by NN-Descent. Recall was measured on {min(n, SAMPLE):,} of {n:,} images drawn by a seed "
        "(unless the pipeline was told another number), each against exact search over all."
    )
