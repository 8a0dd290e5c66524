"""Figures of a version with their intervals, as cards."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from imgsim.evaluation import Evaluation, metric_titles


@dataclass(frozen=True)
class Figure:
    """One metric with its 95 % interval (None: it has none) and its meaning."""

    name: str
    title: str
    value: float
    low: float | None
    high: float | None
    meaning: str

    @property
    def interval(self) -> str:
        """``"0.912 to 0.934"``, or nothing."""
        return "" if self.low is None or self.high is None else f"{self.low:.3f} to {self.high:.3f}"


def figures(evaluation: Evaluation) -> list[Figure]:
    """List the metrics that an evaluation holds."""
    metrics = evaluation.metrics
    return [
        Figure(name, title, metrics[name], metrics.get(f"{name}_low"), metrics.get(f"{name}_high"), meaning)
        for name, (title, meaning) in metric_titles(evaluation.k).items()
        if name in metrics
    ]


def show(evaluation: Evaluation) -> None:
    """Show a card for each figure."""
    with st.grid("auto", min_column_width=170):
        for figure in figures(evaluation):
            st.metric(
                figure.title,
                f"{figure.value:.3f}",
                border=True,
                height="stretch",
                delta=f"({figure.interval})" if figure.interval else None,
                delta_color="off",
                delta_arrow="off",
                help=figure.meaning,
            )
