"""Names of browsers: given once, with a page, and to be read by the server alone."""

import asyncio
from typing import Any

import pytest

from dashboards.services.saved.browser import COOKIE, is_browser, named

NAME = "0123456789abcdef" * 2


def cookies(kind: str = "text/html; charset=utf-8", method: str = "GET", sent: str = "") -> list[str]:
    """Answer a request with a response of a kind; return the cookies that are set."""
    messages: list[Any] = []

    async def send(message: Any) -> None:
        messages.append(message)

    scope = {"method": method, "headers": [(b"cookie", sent.encode())] if sent else []}
    start = {"type": "http.response.start", "status": 200, "headers": [(b"content-type", kind.encode())]}
    asyncio.run(named(scope, send, "/team")(start))  # type: ignore[arg-type]
    return [value.decode() for name, value in messages[0]["headers"] if name == b"set-cookie"]


def test_a_page_names_the_browser():
    (cookie,) = cookies()
    name, _, rest = cookie.partition("=")
    assert name == COOKIE
    assert is_browser(rest.split(";")[0])
    assert rest.split("; ")[1:] == ["Path=/team/", "Max-Age=31536000", "HttpOnly", "SameSite=Lax"]
    assert cookies() != [cookie]


def test_a_browser_with_a_name_keeps_it():
    assert cookies(sent=f'other="a b"; {COOKIE}={NAME}; [x]=1') == []
    assert len(cookies(sent=f"{COOKIE}=made-up")) == 1


@pytest.mark.parametrize(("kind", "method"), [("image/jpeg", "GET"), ("text/html", "POST")])
def test_only_pages_do(kind: str, method: str):
    assert cookies(kind, method) == []
