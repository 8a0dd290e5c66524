"""A name for each browser, in a cookie: by it the basket is found again after a reload."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeGuard
from uuid import uuid4

if TYPE_CHECKING:
    from starlette.types import Message, Scope, Send

COOKIE = "imgsim-browser"
_SECONDS = 365 * 24 * 3600
_NAME = re.compile(r"[0-9a-f]{32}")


def is_browser(name: object) -> TypeGuard[str]:
    """Tell whether something is a name as this module gives them."""
    return isinstance(name, str) and _NAME.fullmatch(name) is not None


def named(scope: Scope, send: Send, path: str) -> Send:
    """Return ``send`` that gives a browser a name with a page below ``path``, unless it has one; no script reads it."""
    if scope["method"] != "GET" or is_browser(_sent(scope)):
        return send
    cookie = f"{COOKIE}={uuid4().hex}; Path={path}/; Max-Age={_SECONDS}; HttpOnly; SameSite=Lax"

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start" and _is_page(message):
            message["headers"] = [*message.get("headers", ()), (b"set-cookie", cookie.encode("latin-1"))]
        await send(message)

    return sending


def _is_page(message: Message) -> bool:
    return any(
        name.lower() == b"content-type" and value.startswith(b"text/html") for name, value in message.get("headers", ())
    )


def _sent(scope: Scope) -> str:
    """Return the name that a browser sent, or an empty text."""
    text = ";".join(value.decode("latin-1") for name, value in scope["headers"] if name == b"cookie")
    pairs = (pair.strip().partition("=") for pair in text.split(";"))  # other cookies of this host may be anything
    return next((value for name, _, value in pairs if name == COOKIE), "")
