"""Results that are kept with the model they were computed from, and go with it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from functools import wraps
from threading import Lock
from typing import Any, Concatenate, ParamSpec, TypeVar
from weakref import WeakKeyDictionary

from dashboards.services.models.loaded_model import Loaded

P = ParamSpec("P")
T = TypeVar("T")
_Function = Callable[Concatenate[Loaded, P], T]


def per_model(most: int = 8) -> Callable[[_Function[P, T]], _Function[P, T]]:
    """Keep the last ``most`` results of a function of a model; another model as argument counts by its token.

    All sessions share a result, so nobody may change it. Two threads may compute the same one at the same time.
    """

    def decorate(function: _Function[P, T]) -> _Function[P, T]:
        lock = Lock()
        kept: WeakKeyDictionary[Loaded, OrderedDict[Hashable, T]] = WeakKeyDictionary()

        @wraps(function)
        def remembered(loaded: Loaded, /, *args: P.args, **kwargs: P.kwargs) -> T:
            key = (tuple(map(_name, args)), tuple((name, _name(value)) for name, value in sorted(kwargs.items())))
            with lock:
                known = kept.setdefault(loaded, OrderedDict())
                if key in known:
                    known.move_to_end(key)
                    return known[key]
            value = function(loaded, *args, **kwargs)
            with lock:
                known[key] = value
                while len(known) > most:
                    known.popitem(last=False)
            return value

        return remembered

    return decorate


def _name(value: Any) -> Hashable:
    return ("model", value.token) if isinstance(value, Loaded) else value
