"""Answers of both versions to the same query, side by side."""

from __future__ import annotations

import numpy as np
import streamlit as st

from dashboards import state
from dashboards.markdown import plain
from dashboards.services.format import counted, visible
from dashboards.services.search import Results
from dashboards.session import OpenModel
from dashboards.views.compare import comparison
from dashboards.views.compare.pair import Pair, act, name
from dashboards.widgets.answer import neighbours
from dashboards.widgets.gallery import Kind, gallery, tile
from imgsim.comparison import Agreement, Move, agreement, moves

ACTIONS: tuple[Kind, ...] = ("query", "details")


def show(pair: Pair) -> None:
    """Show the query, then both answers with what became of each image."""
    before, after = pair.sides
    row = _asked(pair)
    if row is None:
        st.info("The two versions share no image, so that there is nothing to ask both.", icon=":material/join_inner:")
        return
    _bar(pair, row)
    across = comparison.counterparts(before.loaded, after.loaded)
    there = int(across[row])
    answers = neighbours(before, row), neighbours(after, there)
    old, new = ([hit.row for hit in answer.hits] for answer in answers)
    back = comparison.counterparts(after.loaded, before.loaded)
    marks = (
        moves(old, new, across),
        moves(new, old, back, forward=False),
    )
    _summary(agreement(*marks), len(old), len(new))
    picture, left, right = st.columns([2, 5, 5], gap="medium")
    with picture:
        st.header("Query")
        _picture(before, row)
    for column, side, answer, moved, key in zip(
        (left, right), pair.sides, answers, marks, ("left", "right"), strict=True
    ):
        with column:
            _list(pair, side, answer, moved, key)


def _picture(side: OpenModel, row: int) -> None:
    images = side.loaded.model.images
    data = side.loaded.model.thumbnails([row])[0]
    path = visible(images.paths[row])
    if data is None:
        st.caption("no picture kept")
    else:
        st.image(data, width="stretch", alt=path)
    st.markdown(f"**{plain(images.labels[row] or 'no label')}**  \n{plain(path)}")


def _asked(pair: Pair) -> int | None:
    """Find the row of the query in the older version; by default the image whose neighbours changed most."""
    before, after = (side.loaded for side in pair.sides)
    across = comparison.counterparts(before, after)
    asked = state.get("q")
    row = before.row(asked) if asked else None
    if row is not None and across[row] >= 0:
        return row
    if asked:
        st.warning(f"{_missing(pair, asked)} Shown is the one whose neighbours changed most.", icon=":material/help:")
    found = comparison.overlap(before, after, pair.now.view.k)
    shared = np.flatnonzero(across >= 0)
    if found is not None:
        return int(found.rows[0])
    return int(shared[0]) if len(shared) else None


def _missing(pair: Pair, asked: str) -> str:
    """Say why both versions cannot be asked with it."""
    for side in pair.sides:
        row = side.loaded.row(asked)
        if row is not None:
            return f"{plain(side.loaded.model.images.paths[row])} is in {name(side)} only."
    return f"No image of either version is called {plain(asked)}."


def _bar(pair: Pair, row: int) -> None:
    loaded = pair.before.loaded
    path = visible(loaded.model.images.paths[row])
    with st.container(horizontal=True, vertical_alignment="bottom"):
        state.sync("compare-q", path)
        st.text_input(
            "Image",
            key="compare-q",
            on_change=state.on_change("compare-q", lambda value: state.put(q=_key(pair, value))),
            help="Path, id or key of an image that both versions have",
            width=360,
        )
        st.button(
            "Random",
            icon=":material/casino:",
            on_click=_random,
            args=(pair,),
            help="Some image that both versions have and the sidebar's filters leave",
        )


def _key(pair: Pair, text: str) -> str:
    row = pair.before.loaded.row(text)
    return text if row is None else pair.before.loaded.key(row)


def _random(pair: Pair) -> None:
    row = comparison.random_row(pair.before.loaded, pair.after.loaded, pair.now.view.filters)
    if row is not None:
        state.put(q=pair.before.loaded.key(row))


def _summary(found: Agreement, old: int, new: int) -> None:
    lists = f"{old}" if old == new else f"{old} and {new}"
    st.markdown(
        f"**{found.overlap}** of {lists} neighbours are in both lists ({found.share:.0%}); "
        f"{counted(found.moved, 'of these has', 'of these have')} another rank."
    )


def _list(pair: Pair, side: OpenModel, answer: Results, marks: list[Move], key: str) -> None:
    forward = side is pair.before
    other = name(pair.after if forward else pair.before)
    st.header(f"{name(side).capitalize()}: {plain(side.loaded.model.backbone.name)}")
    if not answer.hits:
        st.info("No image passes the filters of the sidebar.", icon=":material/filter_alt_off:")
        return
    tiles = [
        tile(
            side.loaded,
            hit.row,
            rank=hit.rank,
            distance=hit.distance,
            same=hit.same,
            duplicate=hit.duplicate,
            note=comparison.move_words(move, other, forward),
        )
        for hit, move in zip(answer.hits, marks, strict=True)
    ]
    label = f"Neighbours in {name(side)}"
    act(side, gallery(side.loaded, tiles, key=f"compare-{key}", actions=ACTIONS, size="small", label=label))
