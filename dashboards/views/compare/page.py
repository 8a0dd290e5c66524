"""The page that puts two versions of a model side by side."""

from __future__ import annotations

from dashboards.session import OpenModel, current
from dashboards.views.compare import changed_labels, figures, gains, overlap, side_by_side, verdict
from dashboards.views.compare.pair import choose
from dashboards.widgets import sidebar
from dashboards.widgets.sidebar import ANSWERS, Control
from dashboards.widgets.url_choice import choice

_CONTROLS: dict[str, tuple[Control, ...]] = {"query": ANSWERS, "overlap": ("k",)}
SECTIONS = {
    "query": "Same query",
    "overlap": "All images",
    "gains": "Gains and losses",
    "labels": "Labels",
    "figures": "Figures",
}
_SHOWN = {
    "query": side_by_side,
    "overlap": overlap,
    "gains": gains,
    "labels": changed_labels,
    "figures": figures,
}


def page(now: OpenModel) -> None:
    """Choose the other version, then show the chosen section."""
    pair = choose(now)
    if pair is None:
        return
    verdict.show(pair)
    section = choice(
        "Section",
        SECTIONS,
        "section",
        "query",
        help="One query in both versions, all images at once, what got better and worse, changed labels, or figures",
        hide_label=True,
        resets=("page", "class"),
    )
    sidebar.choose_images(now, *_CONTROLS.get(section, ()))
    _SHOWN[section].show(pair)


page(current())
