"""Seconds that the stages of a run took."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from dashboards import session
from dashboards.markdown import plain
from dashboards.services.models.loaded_model import Loaded
from dashboards.session import OpenModel
from dashboards.widgets import charts
from imgsim.errors import RegistryError
from imgsim.mlflow import registry

SECONDS = "seconds."
"""Prefix of the metrics of a run that are times of stages."""


@st.cache_data(ttl=session.SECONDS, max_entries=32, show_spinner=False)
def measured(run_id: str) -> dict[str, float] | RegistryError:
    """Read the metrics of a run, or why they cannot be read at the moment."""
    try:
        return registry.run_metrics(run_id)
    except RegistryError as problem:
        return problem


def show(now: OpenModel) -> None:
    """Show how long the stages of the run took."""
    run = measured(now.version.run_id) if now.version.run_id else {}
    if isinstance(run, RegistryError):
        st.warning(f"The times of the run cannot be read at the moment. {plain(run)}", icon=":material/cloud_off:")
        return
    table = timings(now.loaded, run)
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


def timings(loaded: Loaded, run: dict[str, float]) -> pd.DataFrame:
    """Return columns stage, seconds, cpu_seconds, peak_memory_mb as the run that made this version measured them.

    Parameters
    ----------
    loaded : Loaded
    run : dict of str to float
        Metrics of the MLflow run; empty when it is not known.
    """
    stages = [name.removeprefix(SECONDS) for name in run if name.startswith(SECONDS)]
    if not stages and loaded.model.graph.seconds:
        return pd.DataFrame({"stage": ["graph"], "seconds": [loaded.model.graph.seconds]})
    columns: dict[str, list[object]] = {"stage": list(stages)}
    for name in ("seconds", "cpu_seconds", "peak_memory_mb"):
        columns[name] = [run.get(f"{name}.{stage}", np.nan) for stage in stages]
    return pd.DataFrame(columns).sort_values("seconds", ascending=False, kind="stable").reset_index(drop=True)
