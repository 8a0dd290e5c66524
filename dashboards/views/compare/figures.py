"""Metrics and facts of both versions, and differences that are more than chance."""

from __future__ import annotations

import streamlit as st

from dashboards.services.format import counted
from dashboards.views.compare.comparison import changed_labels, counterparts, metric_table
from dashboards.views.compare.pair import Pair, name
from imgsim.comparison import facts


def show(pair: Pair) -> None:
    """Show metrics and facts, a table each."""
    before, after = pair.sides
    numbers = (before.version.version, after.version.version)
    table = metric_table(before.loaded, after.loaded, *numbers)
    titles = {"before": name(before).capitalize(), "after": name(after).capitalize()}
    changed = len(changed_labels(before.loaded, after.loaded))
    if changed:
        st.info(
            f"{counted(changed, 'label differs', 'labels differ')} between the versions, so figures that count labels "
            "differ for that reason, too. A better one need not mean a better model.",
            icon=":material/label:",
        )
    if len(table):
        st.dataframe(
            table,
            hide_index=True,
            alt=f"Table of {len(table)} metrics of both versions",
            column_config={
                "metric": st.column_config.TextColumn("Metric", pinned=True),
                **{side: st.column_config.NumberColumn(title, format="%.3f") for side, title in titles.items()},
                "difference": st.column_config.NumberColumn("Difference", format="%+.3f"),
                "low": st.column_config.NumberColumn("95 % from", format="%+.3f"),
                "high": st.column_config.NumberColumn("to", format="%+.3f"),
                "verdict": st.column_config.TextColumn("Verdict", width="large"),
            },
        )
    else:
        st.info("Neither version was evaluated.", icon=":material/query_stats:")
    st.dataframe(
        facts(before.loaded.model, after.loaded.model, counterparts(before.loaded, after.loaded)),
        hide_index=True,
        alt="Table of what the versions are made of",
        column_config={"fact": st.column_config.TextColumn("Fact", pinned=True), **titles},
    )
