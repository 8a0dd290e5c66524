"""Walk along the neighbour graph: an image, its neighbours and theirs; a click goes on."""

from __future__ import annotations

from functools import partial

import numpy as np
import streamlit as st

from dashboards import state
from dashboards.markdown import plain
from dashboards.services import filters, graph_walk
from dashboards.services.format import visible
from dashboards.services.models.loaded_model import Loaded
from dashboards.session import OpenModel, current
from dashboards.views.neighbours.walk_view import walk_view
from dashboards.widgets import sidebar
from dashboards.widgets.details import handle
from dashboards.widgets.sidebar import FILTERS
from dashboards.widgets.unknown import say_unknown

BOUNDS = {"near": (graph_walk.NEAR, 6, graph_walk.MOST_NEAR), "far": (graph_walk.FAR, 2, graph_walk.MOST_FAR)}
"""Of the numbers in the URL: what they are without it, the smallest and the largest."""
_SHOWN_STEPS = 6


def page(now: OpenModel) -> None:
    """Show where the walk is, the way so far, and the picture."""
    sidebar.choose_images(now, "cut", *FILTERS, "same", "collapse")
    st.caption("Follow the neighbour graph from image to image: who is close to whom, who is mutual, and who is a hub.")
    loaded, asked = now.loaded, state.get("at")
    known = loaded.row(asked) if asked else None
    if asked and known is None:
        say_unknown(now, [asked])
    if not len(loaded):
        st.info("This version holds no images. Run the pipeline on a folder with pictures.", icon=":material/hub:")
        return
    here = graph_walk.start(loaded) if known is None else known
    trail = graph_walk.read_trail(loaded, state.get("trail"))
    _bar(now, here, [row for row in trail if row != here])
    _picture(now, here, trail)


def _bar(now: OpenModel, here: int, trail: list[int]) -> None:
    """Show the way so far, a random start, and what is drawn."""
    loaded = now.loaded
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.button(
            "Back",
            icon=":material/arrow_back:",
            disabled=not trail,
            on_click=_back,
            args=(loaded,),
            help="One step back on the walk",
        )
        st.button(
            "Random start",
            icon=":material/casino:",
            on_click=_random,
            args=(now,),
            help="Start a new walk at some image that passes the filters",
        )
        for row in trail[-_SHOWN_STEPS:]:
            st.button(
                plain(_short(loaded, row)),
                key=f"step-{row}",
                type="tertiary",
                on_click=_step,
                args=(loaded, row),
                help=f"Back to {plain(loaded.model.images.paths[row])}",
            )
        if trail:
            st.text(f"›  {visible(_short(loaded, here))}")
        with st.popover("Picture", icon=":material/tune:", help="How much of the graph is drawn"):
            _choices()


def _choices() -> None:
    _slider("Neighbours", "near", "How many neighbours of the centre are shown, as far as the graph has them")
    _slider("Theirs, each", "far", "How many further images each neighbour brings; none is shown twice")
    state.sync("walk-links", state.get("links") == "1")
    st.toggle(
        "Edges between neighbours",
        key="walk-links",
        on_change=state.on_change("walk-links", lambda on: state.put(links="1" if on else None)),
        help="Draw all edges between the images shown, not only those that lead outwards",
    )


def _slider(label: str, name: str, help: str) -> None:
    default, low, high = BOUNDS[name]

    def put(value: int) -> None:
        state.put(**{name: None if value == default else str(value)})

    key = f"walk-{name}"
    state.sync(key, state.get_int(name, *BOUNDS[name]))
    st.slider(label, low, high, key=key, on_change=state.on_change(key, put), help=help)


def _picture(now: OpenModel, here: int, trail: list[int]) -> None:
    loaded, view = now.loaded, now.view
    drawn = graph_walk.walk(
        loaded.model.graph,
        here,
        near=state.get_int("near", *BOUNDS["near"]),
        far=state.get_int("far", *BOUNDS["far"]),
        cut=view.cut,
        groups=loaded.duplicate_group if view.collapse else None,
    )
    dim = left_out(now, here, [node.row for node in drawn.nodes])
    if len(drawn.nodes) == 1:
        st.info(_alone(loaded, view.cut), icon=":material/hub:")
    action = walk_view(
        loaded,
        drawn,
        key="walk",
        on_step=partial(_step, loaded),
        on_back=partial(_back, loaded),
        links=state.get("links") == "1",
        dim=dim,
    )
    shown = f"{len(drawn.nodes) - 1} images around it"
    faint = f", {len(dim)} of them faint because the sidebar's filters leave them out" if dim else ""
    st.caption(
        f"{shown}{faint}. The graph lists {loaded.model.graph.k} neighbours of each image. Click a picture, or press "
        "Enter on it, to go there; Tab and the arrow keys move between pictures."
    )
    handle(now, action)


def left_out(now: OpenModel, here: int, rows: list[int]) -> set[int]:
    """Return the rows that the filters and the choice of labels leave out; never the centre."""
    loaded, view = now.loaded, now.view
    passed = filters.mask(loaded, view.filters)
    codes = loaded.label_codes
    out = {row for row in rows if not passed[row]}
    if view.same != "all" and codes[here] >= 0:
        out |= {row for row in rows if (codes[row] == codes[here]) != (view.same == "same")}
    return out - {here}


def _alone(loaded: Loaded, cut: float) -> str:
    if cut and loaded.model.graph.k:
        return "No neighbour is that close. Move “Only closer than” in the sidebar, or switch it off."
    if loaded.model.graph.k:
        return "Nothing but near-duplicates is around this image. Turn off the collapsing in the sidebar to see them."
    return "This version holds a single image, so that it has no neighbours. Run the pipeline on more pictures."


def _step(loaded: Loaded, to: int) -> None:
    """Go to a row; the URL remembers the way."""
    known = loaded.row(state.get("at"))
    here = graph_walk.start(loaded) if known is None else known
    trail = graph_walk.step(loaded, graph_walk.read_trail(loaded, state.get("trail")), here, to)
    state.put(at=graph_walk.address(loaded, to), trail=trail)


def _back(loaded: Loaded) -> None:
    trail = graph_walk.read_trail(loaded, state.get("trail"))
    if trail:
        _step(loaded, trail[-1])


def _random(now: OpenModel) -> None:
    rows = np.flatnonzero(filters.mask(now.loaded, now.view.filters))
    if len(rows):
        state.put(at=graph_walk.address(now.loaded, int(np.random.default_rng().choice(rows))), trail=None)


def _short(loaded: Loaded, row: int) -> str:
    name = loaded.model.images.paths[row].rsplit("/", 1)[-1]
    return name if len(name) <= 24 else f"{name[:12]}…{name[-10:]}"


page(current())
