from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from dashboards.services import shelf
from dashboards.services.loaded import Loaded


@pytest.fixture(autouse=True)
def _empty() -> Iterator[None]:
    shelf.clear()
    yield
    shelf.clear()


def named(loaded: Loaded, token: str) -> Loaded:
    return Loaded(loaded.name, loaded.version, token, loaded.model)


def test_sessions_share_one_load(loaded: Loaded):
    calls, start = [], Barrier(4)

    def load() -> Loaded:
        calls.append(1)
        return named(loaded, "a")

    def ask() -> Loaded:
        start.wait()
        return shelf.get("a", load)

    with ThreadPoolExecutor(4) as pool:
        got = [future.result() for future in [pool.submit(ask) for _ in range(4)]]
    assert len(calls) == 1
    assert all(item is got[0] for item in got)
    assert shelf.by_token("a") is got[0]


def test_the_model_used_longest_ago_makes_room(loaded: Loaded):
    tokens = [f"t{i}" for i in range(shelf.MOST)]
    for token in tokens:
        shelf.get(token, lambda token=token: named(loaded, token))
    shelf.get("t0", lambda: pytest.fail("it was in memory"))
    shelf.get("new", lambda: named(loaded, "new"))
    assert shelf.by_token("t1") is None
    assert shelf.by_token("t0") is not None
    assert shelf.by_token("new") is not None


def test_a_failed_load_can_be_tried_again(loaded: Loaded):
    def fail() -> Loaded:
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        shelf.get("a", fail)
    assert shelf.get("a", lambda: named(loaded, "a")).token == "a"
