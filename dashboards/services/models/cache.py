"""A cache of the results that were used last, and a decorator that keeps results with their model."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from functools import wraps
from threading import Lock
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar

from dashboards.services.models.loaded_model import Loaded

P = ParamSpec("P")
T = TypeVar("T")
_Function = Callable[Concatenate[Loaded, P], T]


class Cache(Generic[T]):
    """The results that were used last, for all sessions; each is made by one thread at a time.

    Parameters
    ----------
    most : int
        Results that are kept.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = Lock()
        self._making: dict[Hashable, Lock] = {}
        self._results: OrderedDict[Hashable, T] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return the result of a key; ``make`` is called where there is none, and called again after it failed."""
        with self._lock:
            if key in self._results:
                self._results.move_to_end(key)
                return self._results[key]
            turn = self._making.setdefault(key, Lock())
        with turn:
            with self._lock:
                if key in self._results:
                    return self._results[key]
            result = make()
            with self._lock:
                self._results[key] = result
                self._making.pop(key, None)
                while len(self._results) > self._most:
                    self._results.popitem(last=False)
            return result

    def known(self, key: Hashable) -> T | None:
        """Return the result of a key if there is one."""
        with self._lock:
            return self._results.get(key)

    def all(self) -> list[T]:
        """Return all results, the one that was used last first."""
        with self._lock:
            return list(reversed(self._results.values()))

    def clear(self) -> None:
        """Forget all results."""
        with self._lock:
            self._results.clear()


def per_model(most: int = 8) -> Callable[[_Function[P, T]], _Function[P, T]]:
    """Keep the last ``most`` results of a function of a model, with the model; another model counts by its token.

    All sessions share a result, so nobody may change it.
    """

    def decorate(function: _Function[P, T]) -> _Function[P, T]:
        @wraps(function)
        def remembered(loaded: Loaded, /, *args: P.args, **kwargs: P.kwargs) -> T:
            cache = loaded.results.setdefault(function, Cache(most))
            key = (tuple(map(_name, args)), tuple((name, _name(value)) for name, value in sorted(kwargs.items())))
            result: T = cache.get(key, lambda: function(loaded, *args, **kwargs))
            return result

        return remembered

    return decorate


def _name(value: Any) -> Hashable:
    return ("model", value.token) if isinstance(value, Loaded) else value
