from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from dashboards.services.models import model_cache
from dashboards.services.models.loaded_model import Loaded


@pytest.fixture(autouse=True)
def _empty() -> Iterator[None]:
    model_cache.clear()
    yield
    model_cache.clear()


def named(loaded: Loaded, token: str) -> Loaded:
    return Loaded(loaded.name, loaded.version, token, loaded.model)


def test_sessions_share_one_load(loaded: Loaded):
    calls, start = [], Barrier(4)

    def load() -> Loaded:
        calls.append(1)
        return named(loaded, "a")

    def ask() -> Loaded:
        start.wait()
        return model_cache.get("a", load)

    with ThreadPoolExecutor(4) as pool:
        got = [future.result() for future in [pool.submit(ask) for _ in range(4)]]
    assert len(calls) == 1
    assert all(item is got[0] for item in got)
    assert model_cache.by_token("a") is got[0]


def test_the_model_used_longest_ago_makes_room(loaded: Loaded):
    tokens = [f"t{i}" for i in range(model_cache.MOST)]
    for token in tokens:
        model_cache.get(token, lambda token=token: named(loaded, token))
    model_cache.get("t0", lambda: pytest.fail("it was in memory"))
    model_cache.get("new", lambda: named(loaded, "new"))
    assert model_cache.by_token("t1") is None
    assert model_cache.by_token("t0") is not None
    assert model_cache.by_token("new") is not None


def test_a_failed_load_can_be_tried_again(loaded: Loaded):
    def fail() -> Loaded:
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        model_cache.get("a", fail)
    assert model_cache.get("a", lambda: named(loaded, "a")).token == "a"
