"""The page that puts two versions of a model side by side."""

from __future__ import annotations

from dashboards.session import OpenModel, current
from dashboards.views.compare import figures, overlap, side_by_side
from dashboards.views.compare.pair import choose
from dashboards.widgets.url_choice import choice

SECTIONS = {"query": "Same query", "overlap": "All images", "figures": "Figures"}
_SHOWN = {"query": side_by_side, "overlap": overlap, "figures": figures}


def page(now: OpenModel) -> None:
    """Choose the other version, then show the chosen section."""
    pair = choose(now)
    if pair is None:
        return
    section = choice(
        "Section",
        SECTIONS,
        "section",
        "query",
        help="One query in both versions, all images at once, or the figures of both",
        hide_label=True,
        resets=("page",),
    )
    _SHOWN[section].show(pair)


page(current())
