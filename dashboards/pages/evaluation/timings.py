"""How long the stages of a run took."""

from __future__ import annotations

import streamlit as st

from dashboards.services import evaluation
from dashboards.session import Open
from dashboards.widgets import charts


@st.cache_data(ttl=600, max_entries=32, show_spinner=False)
def measured(run_id: str | None) -> dict[str, float]:
    """Metrics of a run."""
    return evaluation.run_metrics(run_id)


def show(now: Open) -> None:
    """How long the stages of the run took."""
    table = evaluation.timings(now.loaded, measured(now.version.run_id))
    if not len(table):
        st.info("The run that made this version noted no times.", icon=":material/timer_off:")
        return
    st.altair_chart(charts.timings(table), alt="Seconds of every stage of the run; the table has the values")
    st.dataframe(
        table,
        hide_index=True,
        alt=f"Table of {len(table)} stages with seconds and peak memory",
        column_config={
            "stage": "Stage",
            "seconds": st.column_config.NumberColumn("Seconds", format="%.2f"),
            "cpu_seconds": st.column_config.NumberColumn("Processor seconds", format="%.2f"),
            "peak_memory_mb": st.column_config.NumberColumn("Peak memory in MB", format="%.0f"),
        },
    )
    st.caption("Stages that were reused took the time of looking them up.")
