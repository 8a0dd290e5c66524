"""Saved views: a name for a page with all that its address says; for everybody who uses this server."""

from __future__ import annotations

import json
from dataclasses import dataclass

from dashboards.services.page_names import RENAMED
from dashboards.services.saved.database import reading, writing

MOST_LENGTH = 60
"""Characters of a name."""

Query = dict[str, list[str]]


@dataclass(frozen=True)
class SavedView:
    """A view by its name: the page, and the parameters of its address."""

    name: str
    page: str
    query: Query


def saved_views() -> list[SavedView]:
    """List all saved views by name; each page by the name that it has now."""
    with reading() as connection:
        if connection is None:
            return []
        found = connection.execute("SELECT name, page, query FROM views ORDER BY name COLLATE NOCASE, name")
        return [SavedView(str(name), RENAMED.get(page, page), json.loads(query)) for name, page, query in found]


def save_view(view: SavedView) -> None:
    """Save a view; one of the same name is replaced."""
    with writing() as connection:
        connection.execute(
            "INSERT OR REPLACE INTO views (name, page, query) VALUES (?, ?, ?)",
            (view.name, view.page, json.dumps(view.query)),
        )


def remove_view(name: str) -> None:
    """Remove a saved view; nothing where there is none."""
    with writing() as connection:
        connection.execute("DELETE FROM views WHERE name = ?", (name,))
