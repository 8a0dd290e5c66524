"""Models in memory: the few that were used last, each loaded once for all sessions."""

from __future__ import annotations

import gc
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock

from dashboards.services.models.loaded_model import Loaded

MOST = 4

_lock = Lock()
_loading: dict[str, Lock] = {}
_models: OrderedDict[str, Loaded] = OrderedDict()


def by_token(token: str) -> Loaded | None:
    """A model that is in memory."""
    with _lock:
        return _models.get(token)


def get(token: str, load: Callable[[], Loaded]) -> Loaded:
    """The model of this token; ``load`` is called when it is not in memory, by one thread at a time."""
    with _lock:
        if token in _models:
            _models.move_to_end(token)
            return _models[token]
        turn = _loading.setdefault(token, Lock())
    with turn:
        known = by_token(token)
        if known is not None:
            return known
        loaded = load()
        _settle()
        with _lock:
            _models[token] = loaded
            _loading.pop(token, None)
            while len(_models) > MOST:
                _models.popitem(last=False)
        return loaded


def _settle() -> None:
    """Take what is in memory now out of the garbage collection.

    Streamlit collects after every rerun of a page, which took five times as long as the page itself: 0.25 s instead of
    0.05 s for each click. Models and modules stay anyway; a model that is put away is freed by reference counting.
    """
    gc.collect()
    gc.freeze()


def clear() -> None:
    """Forget all models."""
    with _lock:
        _models.clear()
