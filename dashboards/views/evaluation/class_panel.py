"""Panel of a class: its confusions, its hardest images beside their neighbours, its doubtful labels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st

from dashboards import state
from dashboards.markdown import plain
from dashboards.services.format import counted, visible
from dashboards.session import OpenModel
from dashboards.views.evaluation.class_counts import class_rows, doubtful_labels, labels_of_neighbours
from dashboards.widgets import charts, pager
from dashboards.widgets.details import Rows, handle
from dashboards.widgets.gallery import gallery, tile
from dashboards.widgets.url_choice import choice
from imgsim.evaluation import labels_met

IMAGES, HARDEST, NEIGHBOURS, DOUBTFUL = 24, 5, 5, 12
"""Pictures of a page; hardest images and their neighbours, and doubtful labels, that are shown."""
MET, NAMED = 6, 2
"""Other labels of a class that are offered, and of an image that are named."""
LIST = "class-list"
"""Key of the container of the panel."""


def show(now: OpenModel) -> None:
    """Show the panel of the chosen class, or of those of its images that lie among another one."""
    label, other = state.get("class"), state.get("other")
    if label:
        with st.container(key=LIST):
            _panel(now, label, other)


def _panel(now: OpenModel, label: str, other: str) -> None:
    st.header(f"{plain(label)} among {plain(other)}" if other else plain(label))
    _confused(now, label, other)
    rows, counts = class_rows(now.loaded, label, other)
    if not len(rows):
        st.info("No image fits. Choose another row.", icon=":material/label_off:")
        return
    _hardest(now, rows[:HARDEST].tolist(), other, rows)
    if not other:
        _doubtful(now, label)
    _images(now, label, other, rows, counts)


def _confused(now: OpenModel, label: str, other: str) -> None:
    """Show which labels the neighbours have instead, the most frequent first, and the way to both on the map."""
    met = labels_of_neighbours(now.loaded, label)
    if not len(met):
        return
    shown = met.head(MET)
    st.altair_chart(
        charts.shares(shown.assign(other=shown["other"].map(visible)), "other", "label of the neighbours"),
        alt=f"{visible(label)} is confused with: "
        + ", ".join(f"{visible(item.other)} {item.share:.1%}" for item in shown.itertuples()),
    )
    shares = dict(zip(met["other"], met["share"], strict=True))
    named = [*shown["other"], *([other] if other in shares else [])]
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        choice(
            "Labels of its neighbours",
            {"": "all images"} | {name: f"{visible(name)} {shares[name]:.0%}" for name in named},
            "other",
            "",
            help="Shares of all neighbours of this label's images. Choose one to see the images that lie among it",
            resets=("images",),
        )
        both = [label, other or named[0]]
        names = " and ".join(map(plain, both))
        if st.button("Both on the map", icon=":material/scatter_plot:", help=f"Where the images of {names} lie"):
            state.go("map", label=both, color="label")


def _hardest(now: OpenModel, rows: Sequence[int], other: str, among: Rows) -> None:
    """Show the images with the fewest neighbours of their label, each before its nearest ones."""
    graph, labels = now.loaded.evaluated_graph, now.loaded.model.images.labels
    what = f"with most neighbours labelled {plain(other)}" if other else "with the fewest neighbours of their label"
    st.subheader(f"{counted(len(rows), 'image')} {what}", anchor=False)
    st.caption(f"The first picture of a row, then its {min(NEIGHBOURS, graph.k)} nearest.")
    for row in rows:
        near = zip(graph.neighbors[row].tolist(), graph.distances[row].tolist(), strict=True)
        tiles = [tile(now.loaded, row, note=_note(now, labels[row] or "", row))]
        tiles += [
            tile(
                now.loaded,
                place,
                distance=distance,
                same=None if labels[place] is None else labels[place] == labels[row],
            )
            for place, distance in list(near)[:NEIGHBOURS]
            if place >= 0
        ]
        name = visible(now.loaded.model.images.paths[row])
        action = gallery(now.loaded, tiles, key=f"hardest-{row}", size="small", label=f"{name} and its neighbours")
        handle(now, action, among if action is not None and action.row == row else None)


def _doubtful(now: OpenModel, label: str) -> None:
    """Show images of the class that are likely of another one, and the way to their review."""
    table = doubtful_labels(now.loaded, label)
    if not len(table):
        return
    more = f", the first {DOUBTFUL} shown" if len(table) > DOUBTFUL else ""
    st.subheader(f"{counted(len(table), 'doubtful label')}{more}", anchor=False)
    tiles = [
        tile(now.loaded, item.row, note=f"{visible(item.suggestion)}? {item.votes} to {item.votes_given} votes")
        for item in table.head(DOUBTFUL).itertuples()
    ]
    name = f"{visible(label)}: doubtful labels"
    action = gallery(now.loaded, tiles, key="class-doubtful", size="small", label=name)
    handle(now, action, among=table["row"].to_numpy())
    if st.button("Review these labels", icon=":material/rule:", help="On the page Tidy up, this label only"):
        state.go("tidy_up", section="labels", label=[label])


def _images(now: OpenModel, label: str, other: str, rows: Rows, counts: Rows) -> None:
    """Show all images of the class, or those among the other one, page by page."""
    k = now.loaded.evaluated_graph.k
    if other:
        text = f"images of this label with {plain(other)} among their {k} neighbours, those with most of it first"
    else:
        text = f"images, each with how many of its {k} neighbours share the label, the hardest first"
    pages = pager.pages(len(rows), IMAGES, "images")
    st.subheader("All its images" if not other else "All these images", anchor=False)
    st.caption(f"{pages.of(text)}.")
    tiles = [
        tile(now.loaded, row, note=f"{count} of {k} are {visible(other)}" if other else _note(now, label, row))
        for row, count in zip(rows[pages.slice], counts[pages.slice], strict=True)
    ]
    handle(
        now, gallery(now.loaded, tiles, key="class-images", label=f"Images of {visible(label)}", among=rows), among=rows
    )
    pager.show(pages, "images")


def _note(now: OpenModel, label: str, row: int) -> str:
    """Say how many neighbours share the label, and which other labels most of the rest have."""
    graph = now.loaded.evaluated_graph
    met = labels_met(graph, now.loaded.model.images.labels, np.array([row]))
    others = [f"{times} {visible(name)}" for name, times in met.items() if name != label][:NAMED]
    return f"{dict(met).get(label, 0)} of {graph.k} share the label" + (f"; {', '.join(others)}" if others else "")
