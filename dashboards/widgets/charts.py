"""Charts, as functions of tables; colours, fonts, light and dark come from Streamlit's theme."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    import altair as alt

CELL = "cell"
"""Name of the selection of a cell in `confusion`."""
_LABELS = 130


def ranks(curve: pd.DataFrame) -> alt.LayerChart:
    """Draw precision at every rank with its interval, from `imgsim.evaluation.precision_by_rank`."""
    import altair as alt

    y = alt.Y("precision:Q", title="precision@k", scale=alt.Scale(zero=False))
    tip = [alt.Tooltip("k:Q"), *(alt.Tooltip(f"{name}:Q", format=".3f") for name in ("precision", "low", "high"))]
    base = alt.Chart(curve).encode(alt.X("k:Q", title="k nearest", axis=alt.Axis(tickMinStep=1)))
    band = base.mark_area(opacity=0.2).encode(alt.Y("low:Q", title="precision@k"), alt.Y2("high:Q"))
    chart: alt.LayerChart = (band + base.mark_line(point=True).encode(y, tooltip=tip)).properties(height=320)
    return chart


def confusion(cells: pd.DataFrame, order: Sequence[str], others: Sequence[str]) -> alt.Chart:
    """Draw shares of neighbours by label and neighbour's label, in the given order of rows and columns."""
    import altair as alt

    chosen = alt.selection_point(name=CELL, fields=["label", "other"])
    tip = [alt.Tooltip("label:N"), alt.Tooltip("other:N", title="neighbour's"), alt.Tooltip("share:Q", format=".1%")]
    axis = alt.Axis(labelLimit=_LABELS, labelAngle=-45, labelOverlap=False)
    base = alt.Chart(cells).encode(
        alt.X("other:N", sort=list(others), title="label of the neighbours", axis=axis),
        alt.Y("label:N", sort=list(order), title=None, axis=alt.Axis(labelLimit=_LABELS, labelOverlap=False)),
        tooltip=tip,
    )
    colour = alt.Color("share:Q", title="share", scale=alt.Scale(type="sqrt"), legend=alt.Legend(format=".0%"))
    tiles = base.mark_rect(cursor="pointer").encode(colour).add_params(chosen)
    chart: alt.Chart = tiles.properties(height=24 * len(order) + 170)
    return chart


def history(lines: pd.DataFrame) -> alt.LayerChart:
    """Draw figures of the versions over time, from `dashboards.views.evaluation.versions.history_lines`."""
    import altair as alt

    base = alt.Chart(lines).encode(
        alt.X("version:O", title="version", axis=alt.Axis(labelAngle=0)),
        alt.Color("metric:N", title=None, legend=alt.Legend(orient="top")),
    )
    y = alt.Y("value:Q", title=None, scale=alt.Scale(zero=False))
    tip = [alt.Tooltip("version:O"), alt.Tooltip("metric:N"), alt.Tooltip("value:Q", format=".3f")]
    tip += [alt.Tooltip("promotion:N", title="why")]
    spans = base.mark_rule(strokeWidth=2, opacity=0.5).encode(alt.Y("low:Q", title=None), alt.Y2("high:Q"))
    values = base.mark_line(point=alt.OverlayMarkDef(size=70)).encode(y, tooltip=tip)
    chart: alt.LayerChart = (spans + values).properties(height=280)
    return chart


def timings(table: pd.DataFrame) -> alt.Chart:
    """Draw seconds of the stages, from `dashboards.views.evaluation.timings.timings`."""
    import altair as alt

    kinds = {"seconds": "time passed", "cpu_seconds": "processor time"}
    long = table.melt("stage", [name for name in kinds if name in table], "kind", "value").dropna()
    long["kind"] = long["kind"].map(kinds)
    chart: alt.Chart = (
        alt.Chart(long)
        .mark_bar()
        .encode(
            alt.X("value:Q", title="seconds"),
            alt.Y("stage:N", sort=table["stage"].tolist(), title=None),
            alt.YOffset("kind:N", sort=list(kinds.values())),
            alt.Color("kind:N", title=None, sort=list(kinds.values()), legend=alt.Legend(orient="top")),
            [alt.Tooltip("stage:N"), alt.Tooltip("kind:N"), alt.Tooltip("value:Q", format=",.2f", title="seconds")],
        )
        .properties(height=34 * len(table) + 70)
    )
    return chart


def distances(bins: pd.DataFrame, threshold: float, bound: float) -> alt.LayerChart:
    """Draw a histogram of the distance to the nearest other image, from 0 to ``bound``, and a threshold."""
    import altair as alt

    x = alt.X(
        "low:Q",
        title="distance to the nearest other image",
        bin="binned",
        scale=alt.Scale(domain=[0, bound], clamp=True),
    )
    tip = [alt.Tooltip("low:Q", format=".3f", title="from"), alt.Tooltip("high:Q", format=".3f", title="to")]
    tip += [alt.Tooltip("images:Q", format=",")]
    near = alt.condition(alt.datum.low < threshold, alt.value(1.0), alt.value(0.35))
    bars = alt.Chart(bins).mark_bar().encode(x, alt.X2("high:Q"), alt.Y("images:Q"), opacity=near, tooltip=tip)
    rule = (
        alt.Chart(pd.DataFrame({"low": [threshold]})).mark_rule(strokeWidth=2, color="#e8590c").encode(alt.X("low:Q"))
    )
    chart: alt.LayerChart = (bars + rule).properties(height=200)
    return chart


def whole(table: pd.DataFrame, name: str, value: str, title: str, height: int = 200) -> alt.Chart:
    """Draw bars of whole numbers, such as how many images have so many neighbours in common."""
    import altair as alt

    tip = [alt.Tooltip(f"{name}:O", title=title), alt.Tooltip(f"{value}:Q", format=",")]
    x = alt.X(f"{name}:O", title=title, axis=alt.Axis(labelAngle=0))
    y = alt.Y(f"{value}:Q", title=value)
    chart: alt.Chart = alt.Chart(table).mark_bar().encode(x, y, tooltip=tip).properties(height=height)
    return chart


def shares(table: pd.DataFrame, name: str, title: str) -> alt.Chart:
    """Draw a bar for each row: its ``share`` of a whole, 0 to 1, and its ``count``, in the order of the table."""
    import altair as alt

    tip = [
        alt.Tooltip(f"{name}:N", title=title),
        alt.Tooltip("share:Q", format=".1%"),
        alt.Tooltip("count:Q", format=","),
    ]
    y = alt.Y(f"{name}:N", sort=list(table[name]), title=None, axis=alt.Axis(labelLimit=_LABELS, labelOverlap=False))
    x = alt.X("share:Q", title=f"share, by {title}", axis=alt.Axis(format=".0%"))
    chart: alt.Chart = alt.Chart(table).mark_bar().encode(x, y, tooltip=tip).properties(height=24 * len(table) + 80)
    return chart
