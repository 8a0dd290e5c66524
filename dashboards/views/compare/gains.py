"""Gains and losses between the versions: by class, and the queries that lost and gained most, with pictures."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboards import state
from dashboards.markdown import plain
from dashboards.services.format import counted, visible
from dashboards.views.compare import comparison
from dashboards.views.compare.pair import Pair, act, name
from dashboards.widgets.gallery import gallery, tile
from dashboards.widgets.shell.shell import reveal
from dashboards.widgets.table_choice import MODE, chosen_row
from imgsim.comparison import class_differences

IMAGES = 12
"""Pictures of each list."""
LIST = "gains-list"


def show(pair: Pair) -> None:
    """Show the classes, the largest loss first; a click on one leaves its queries only."""
    before, after = (side.loaded for side in pair.sides)
    classes = class_differences(before.model, after.model)
    queries = comparison.query_differences(before, after)
    if not len(classes) and not len(queries):
        st.info("The two versions were not evaluated with the same number of neighbours.", icon=":material/help:")
        return
    _classes(pair, classes)
    label = state.get("class")
    if label:
        labels = before.model.images.labels
        queries = queries[[labels[row] == label for row in queries["row"]]]
    with st.container(key=LIST):
        if label:
            st.header(plain(label), anchor=False)
            st.button(
                "All labels", on_click=lambda: state.put(**{"class": None}), help="Show the queries of all labels"
            )
        _queries(pair, queries[queries["difference"] < 0], "lost")
        _queries(pair, queries[queries["difference"] > 0].iloc[::-1], "gained")


def _classes(pair: Pair, classes: pd.DataFrame) -> None:
    if not len(classes):
        return
    before, after = pair.sides
    lost, gained = ((classes["difference"] < 0).sum(), (classes["difference"] > 0).sum())
    st.caption(
        f"{counted(len(classes), 'class', 'classes')}, the largest loss of precision first: {lost:,} lost, {gained:,} "
        "gained. Choose a row to see its queries."
    )
    key = f"gains-{before.loaded.token}-{after.loaded.token}"
    labels = classes["label"].tolist()
    st.dataframe(
        classes.assign(label=classes["label"].map(visible)),
        hide_index=True,
        key=key,
        on_select=lambda: _choose(key, labels),
        selection_mode=MODE,
        height=min(38 + 35 * len(classes), 388),
        alt=f"Table of {len(classes)} classes with their precision in both versions",
        column_config={
            "label": st.column_config.TextColumn("Label", pinned=True),
            "images_before": st.column_config.NumberColumn("Images", format="localized"),
            "images_after": st.column_config.NumberColumn(f"Images, {name(after)}", format="localized"),
            "before": st.column_config.NumberColumn(name(before).capitalize(), format="%.3f"),
            "after": st.column_config.NumberColumn(name(after).capitalize(), format="%.3f"),
            "difference": st.column_config.NumberColumn("Difference", format="%+.3f"),
        },
    )


def _choose(key: str, labels: list[str]) -> None:
    place = chosen_row(key)
    state.put(**{"class": None if place is None else labels[place]})
    reveal(LIST)


def _queries(pair: Pair, part: pd.DataFrame, what: str) -> None:
    """Show the first queries of a table; a click asks both versions with one."""
    st.header(f"{counted(len(part), 'query', 'queries')} {what}", anchor=False)
    if not len(part):
        st.caption(f"None has {what} neighbours of its label.")
        return
    shown, before = part.head(IMAGES), pair.before.loaded
    evaluation = before.model.evaluation
    k = 0 if evaluation is None else evaluation.k
    more = f"The {len(shown)} that {what} most" if len(part) > len(shown) else "All"
    st.caption(f"{more}: how many of the {k} neighbours share the label, before and after.")
    tiles = [
        tile(before, int(item.row), note=f"{item.before * k:.0f} → {item.after * k:.0f} of {k}")
        for item in shown.itertuples()
    ]
    label = f"Queries that {what} most, as in {name(pair.before)}"
    action = gallery(before, tiles, key=f"queries-{what}", actions=("query", "details"), size="small", label=label)
    act(pair.before, action, part["row"].to_numpy())
