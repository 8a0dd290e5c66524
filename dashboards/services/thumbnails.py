"""Thumbnails by URL: the browser fetches what it shows, keeps it, and no page sends pictures through Python."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashboards.services.models import registry

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from dashboards.services.models.loaded_model import Loaded

ROUTE = "/thumbnails/{token}/{row:int}.jpg"
HEADERS = {
    "Cache-Control": "private, max-age=31536000, immutable",  # the token names the content
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def thumbnail_url(loaded: Loaded, row: int) -> str:
    """Return the address of a row's thumbnail, relative to the page: behind a proxy all lies below a path."""
    return f"thumbnails/{loaded.token}/{row}.jpg"


async def answer(request: Request) -> Response:
    """Answer the route with a JPEG of a model in memory, else with 404; no thread is needed."""
    from starlette.responses import Response

    loaded = registry.MODELS.known(request.path_params["token"])
    row = request.path_params["row"]
    data = loaded.model.thumbnails([row])[0] if loaded is not None and row < len(loaded) else None
    if data is None:
        return Response(status_code=404)
    return Response(data, media_type="image/jpeg", headers=HEADERS)
