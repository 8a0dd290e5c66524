import asyncio
from collections.abc import Iterator

import pytest
from starlette.requests import Request
from starlette.responses import Response

from dashboards.services import thumbnails
from dashboards.services.models import registry
from dashboards.services.models.loaded_model import Loaded
from imgsim.decoding.decode import decode


@pytest.fixture(autouse=True)
def _in_memory(loaded: Loaded) -> Iterator[None]:
    registry.MODELS.clear()
    registry.MODELS.get(loaded.token, lambda: loaded)
    yield
    registry.MODELS.clear()


def ask(token: str, row: int) -> Response:
    return asyncio.run(thumbnails.answer(Request({"type": "http", "path_params": {"token": token, "row": row}})))


def test_a_thumbnail_by_its_address(loaded: Loaded):
    assert thumbnails.thumbnail_url(loaded, 3) == f"thumbnails/{loaded.token}/3.jpg"
    answer = ask(loaded.token, 3)
    assert answer.status_code == 200
    assert answer.body == loaded.model.thumbnails([3])[0]
    assert max(decode(bytes(answer.body)).shape[:2]) <= 160


def test_the_browser_may_keep_it_and_run_nothing_of_it(loaded: Loaded):
    headers = ask(loaded.token, 0).headers
    assert headers["content-type"] == "image/jpeg"
    assert "immutable" in headers["cache-control"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-security-policy"] == "default-src 'none'"


def test_what_is_not_there(loaded: Loaded):
    assert ask(loaded.token, len(loaded)).status_code == 404
    assert ask("../../etc", 0).status_code == 404
