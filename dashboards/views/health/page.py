"""Health of a collection: a section for each kind of problem."""

from __future__ import annotations

from dashboards.services import health
from dashboards.session import OpenModel, current
from dashboards.views.health import any_insight, duplicates, hubs, labels, leaks, outliers, quality, rejected
from dashboards.widgets.url_choice import choice

_SHOWN = {
    "rejected": rejected,
    "outliers": outliers,
    "labels": labels,
    "duplicates": duplicates,
    "leaks": leaks,
    "quality": quality,
    "hubs": hubs,
}
_OWN = ("page", "reason", "least", "tier", "threshold", "issue", "kind")


def page(now: OpenModel) -> None:
    """Show the chosen section."""
    counts = health.counts(now.loaded)
    options = {
        name: title if counts[name] is None else f"{title} {counts[name]:,}"
        for name, title in health.sections().items()
    }
    default = next((name for name in ("labels", "duplicates", "rejected") if counts[name]), "rejected")
    section = choice(
        "Section",
        options,
        "section",
        default,
        help="What of the collection is looked at; the numbers are what was found",
        hide_label=True,
        explicit=True,
        resets=_OWN,
    )
    if section in _SHOWN:
        _SHOWN[section].show(now)
    else:
        any_insight.show(now, section)


page(current())
