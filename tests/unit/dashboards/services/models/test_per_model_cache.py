import gc

from dashboards.services.models.loaded_model import Loaded
from dashboards.services.models.per_model_cache import per_model


def named(loaded: Loaded, token: str) -> Loaded:
    return Loaded(loaded.name, loaded.version, token, loaded.model)


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
        import weakref

        made = Result()
        weakref.finalize(made, alive.append, 1)
        return made

    passing = named(loaded, "passing")
    result(passing)
    gc.collect()
    assert not alive
    del passing
    gc.collect()
    assert alive == [1]
