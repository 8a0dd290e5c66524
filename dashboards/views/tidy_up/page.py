"""Problems of a collection: a section for each kind."""

from __future__ import annotations

import streamlit as st

from dashboards.markdown import plain
from dashboards.services import decided
from dashboards.services.tidy import findings
from dashboards.services.tidy.counts import counts
from dashboards.session import OpenModel, current
from dashboards.views.tidy_up import any_insight, hubs, leaks, outliers, quality, rejected
from dashboards.views.tidy_up.duplicates import section as duplicates
from dashboards.views.tidy_up.labels import section as labels
from dashboards.widgets import sidebar
from dashboards.widgets.sidebar import FILTERS
from dashboards.widgets.url_choice import choice
from imgsim.errors import DecisionsError

_SHOWN = {
    "rejected": rejected,
    "outliers": outliers,
    "labels": labels,
    "duplicates": duplicates,
    "leaks": leaks,
    "quality": quality,
    "hubs": hubs,
}
_OWN = ("page", "reason", "show", "doubt", "tier", "part", "threshold", "issue", "kind")
_DECIDED = ("labels", "duplicates")
"""Sections that are about decisions."""


def page(now: OpenModel) -> None:
    """Show the chosen section."""
    found, problem = _counts(now)
    titles = findings.sections()
    options = {
        name: f"{title} {found[name]:,}" if found.get(name) is not None else title for name, title in titles.items()
    }
    default = next((name for name in ("labels", "duplicates", "rejected") if found.get(name)), "rejected")
    section = choice(
        "Section",
        options,
        "section",
        default,
        help="What of the collection is looked at; the numbers are what was found, and is not decided yet",
        hide_label=True,
        explicit=True,
        resets=_OWN,
    )
    sidebar.choose_images(now, *(("path",) if section == "rejected" else FILTERS))
    if problem and section in _DECIDED:
        st.error(plain(problem), icon=":material/error:")
    elif section in _SHOWN:
        _SHOWN[section].show(now)
    else:
        any_insight.show(now, section)


def _counts(now: OpenModel) -> tuple[dict[str, int | None], str]:
    """Count what each section shows, or say why decisions cannot be read."""
    try:
        return counts(now.loaded, decided.decided(now.loaded)), ""
    except DecisionsError as problem:
        return {}, str(problem)


page(current())
