"""The answer to a stored image, as the sidebar wants it."""

from __future__ import annotations

from dashboards.services import search
from dashboards.services.search import Results
from dashboards.session import Open


def neighbours(side: Open, row: int) -> Results:
    """The nearest images of a row, without itself."""
    view, loaded = side.view, side.loaded
    return search.ranked(
        loaded,
        loaded.model.embeddings[row],
        k=view.k,
        filters=view.filters,
        cut=view.cut,
        same=view.same,
        label=loaded.model.images.labels[row],
        collapse=view.collapse,
        exclude=[row],
    )
