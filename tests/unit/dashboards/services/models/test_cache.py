import gc
import weakref
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from dashboards.services.models.cache import Cache, per_model
from dashboards.services.models.loaded_model import Loaded


def named(loaded: Loaded, token: str) -> Loaded:
    return Loaded(loaded.name, loaded.version, token, loaded.model)


def test_sessions_share_one_result():
    cache: Cache[object] = Cache(4)
    calls, start = [], Barrier(4)

    def make() -> object:
        calls.append(1)
        return object()

    def ask() -> object:
        start.wait()
        return cache.get("a", make)

    with ThreadPoolExecutor(4) as pool:
        got = [future.result() for future in [pool.submit(ask) for _ in range(4)]]
    assert len(calls) == 1
    assert all(item is got[0] for item in got)
    assert cache.known("a") is got[0]


def test_the_result_used_longest_ago_makes_room():
    cache: Cache[str] = Cache(3)
    for key in ("a", "b", "c"):
        cache.get(key, lambda key=key: key)
    cache.get("a", lambda: pytest.fail("it was known"))
    cache.get("new", lambda: "new")
    assert [cache.known(key) for key in ("a", "b", "c", "new")] == ["a", None, "c", "new"]
    cache.clear()
    assert cache.known("a") is None


def test_a_failed_result_can_be_tried_again():
    cache: Cache[str] = Cache(1)

    def fail() -> str:
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        cache.get("a", fail)
    assert cache.get("a", lambda: "a") == "a"


def test_a_result_is_computed_once_per_model_and_arguments(loaded: Loaded):
    calls = []

    @per_model()
    def size(loaded: Loaded, times: int, more: int = 0) -> int:
        calls.append((loaded.token, times, more))
        return len(loaded) * times + more

    other = named(loaded, "other")
    for _ in range(2):
        assert size(loaded, 2) == 2 * len(loaded)
        assert size(loaded, 2, more=1) == 2 * len(loaded) + 1
        assert size(other, 2) == 2 * len(loaded)
    assert calls == [(loaded.token, 2, 0), (loaded.token, 2, 1), ("other", 2, 0)]


def test_nothing_is_a_result_too(loaded: Loaded):
    calls = []

    @per_model()
    def nothing(loaded: Loaded) -> None:
        calls.append(1)

    assert nothing(loaded) is nothing(loaded) is None
    assert calls == [1]


def test_only_the_last_results_are_kept(loaded: Loaded):
    calls = []

    @per_model(most=2)
    def double(loaded: Loaded, value: int) -> int:
        calls.append(value)
        return 2 * value

    for value in (1, 2, 1, 3, 1, 2):
        assert double(loaded, value) == 2 * value
    assert calls == [1, 2, 3, 2]


def test_another_model_as_argument_counts_by_its_token(loaded: Loaded):
    calls = []

    @per_model()
    def pair(loaded: Loaded, other: Loaded) -> str:
        calls.append(other.token)
        return loaded.token + other.token

    pair(loaded, named(loaded, "b"))
    pair(loaded, named(loaded, "b"))
    pair(loaded, named(loaded, "c"))
    assert calls == ["b", "c"]


def test_results_go_with_their_model(loaded: Loaded):
    class Result:
        pass

    alive: list[int] = []

    @per_model()
    def result(loaded: Loaded) -> Result:
        made = Result()
        weakref.finalize(made, alive.append, 1)
        return made

    passing = named(loaded, "passing")
    result(passing)
    gc.collect()
    assert not alive
    gc.disable()
    try:
        del passing
        assert alive == [1], "by reference counting alone: the dashboard takes models out of the garbage collection"
    finally:
        gc.enable()


def test_all_results_the_latest_first():
    cache: Cache[int] = Cache(3)
    for key in (1, 2, 3):
        cache.get(key, lambda key=key: 10 * key)
    cache.get(1, lambda: 0)
    assert cache.all() == [10, 30, 20]
