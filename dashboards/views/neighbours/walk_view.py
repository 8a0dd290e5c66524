"""A walk along the graph as a component: thumbnails as nodes, facts of the chosen one, and the neighbours as a list.

`dashboards.services.graph_walk` places the nodes, the browser only draws them. Names and labels are sent as data and
shown as text. An action of the user comes back as an `Action`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import streamlit as st

from dashboards.services.format import visible
from dashboards.services.graph_walk import SIDE, Edge, Node, Walk, hub
from dashboards.services.models.loaded_model import Loaded
from dashboards.services.thumbnails import thumbnail_url
from dashboards.widgets import basket_state
from dashboards.widgets.component import component
from dashboards.widgets.gallery import Action, Kind, parse

ACTIONS: tuple[Kind, ...] = ("walk", "query", "details", "basket")
WIDTHS = (1.6, 7.0)
"""Line widths of the longest and of the shortest edge."""
_component = component(__file__)


def walk_view(
    loaded: Loaded,
    walk: Walk,
    *,
    key: str,
    on_step: Callable[[int], None],
    on_back: Callable[[], None],
    links: bool = False,
    dim: set[int] | None = None,
) -> Action | None:
    """Show a walk and return the user's latest action.

    Steps and the basket are done before the page runs, and not returned: the whole page then shows the new centre.

    Parameters
    ----------
    loaded : Loaded
    walk : Walk
    key : str
        Unique on the page.
    on_step : callable
        Called with the row of the next centre.
    on_back : callable
        Called when the user goes one step back.
    links : bool
        Draw the edges between the neighbours too.
    dim : set of int, optional
        Rows that the filters leave out; they are drawn faintly.

    Returns
    -------
    Action or None
        ``"query"`` or ``"details"``; None when the user asked for neither since the last run of the page.
    """
    rows = {node.row for node in walk.nodes}
    result = _component(
        key=key,
        data=described(loaded, walk, links, dim or set()),
        on_action_change=_before(loaded, key, on_step),
        on_back_change=on_back,
    )
    action = parse(result.action, ACTIONS, rows)
    return action if action is not None and action.kind in ("query", "details") else None


def _before(loaded: Loaded, key: str, on_step: Callable[[int], None]) -> Callable[[], None]:
    def act() -> None:
        sent = cast(dict[str, Any], st.session_state[key]).get("action")
        action = parse(sent, ACTIONS, set(range(len(loaded))))
        if action is None:
            return
        if action.kind == "walk":
            on_step(action.row)
        elif action.kind == "basket":
            basket_state.flip(loaded, action.row)

    return act


def described(loaded: Loaded, walk: Walk, links: bool, dim: set[int]) -> dict[str, Any]:
    """Return the data for the browser: ``WalkData`` in ``walk_view.js``."""
    basket, center = set(basket_state.rows(loaded)), walk.nodes[0]
    return {
        "side": SIDE,
        "center": center.row,
        "nodes": [_node(loaded, node, center, node.row in basket, node.row in dim) for node in walk.nodes],
        "edges": [_edge(edge) for edge in walk.edges if links or edge.kind == "tree"],
    }


def _node(loaded: Loaded, node: Node, center: Node, in_basket: bool, dim: bool) -> dict[str, Any]:
    images, score = loaded.model.images, hub(loaded, node.row)
    label, wanted = images.labels[node.row], images.labels[center.row]
    known = label is not None and wanted is not None and node.ring > 0
    return {
        "row": node.row,
        "ring": node.ring,
        "parent": node.parent,
        "x": node.x,
        "y": node.y,
        "r": node.radius,
        "src": thumbnail_url(loaded, node.row),
        "title": visible(images.paths[node.row]),
        "label": None if label is None else visible(label),
        "same": label == wanted if known else None,
        "distance": round(node.distance, 4),
        "mutual": node.mutual,
        "hub": score.words,
        "kind": score.kind,
        "basket": in_basket,
        "dim": dim,
    }


def _edge(edge: Edge) -> dict[str, Any]:
    thin, thick = WIDTHS
    return {
        "from": edge.source,
        "to": edge.target,
        "width": round(thin + (thick - thin) * edge.closeness, 2),
        "mutual": edge.mutual,
        "cross": edge.kind == "cross",
        "title": f"distance {edge.distance:.3f}, {'mutual' if edge.mutual else 'one way'}",
    }
