"""The button that copies a link to what the page shows, with the number of the version."""

from __future__ import annotations

from typing import Any

from dashboards.widgets.component import component

_component = component(__file__)


def share_view(version: str) -> None:
    """Show the button; ``version`` is the number that stands in the link for an alias, which may move."""
    _component(key="share", data=described(version), width="content", height="content")


def described(version: str) -> dict[str, Any]:
    """Return the data for the browser: ``ShareData`` in ``share_view.js``."""
    return {"version": version}
