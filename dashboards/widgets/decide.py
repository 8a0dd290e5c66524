"""Decisions that people take on the pages: each is one action, which can be undone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import cast

import streamlit as st

from dashboards.markdown import plain
from dashboards.services import decided
from dashboards.services.models.loaded_model import Loaded
from dashboards.widgets.decisions.person import person
from imgsim.decisions import Decisions
from imgsim.errors import ImgsimError

_DONE = "decisions-done"
_MOST = 100

Act = Callable[[Decisions, list[str], str], int]
"""Records decisions about pictures (sha256) from a version (``models:/name/version``); returns the action's number."""
Reverse = Callable[[], "tuple[int, Reverse]"]
"""Undoes or redoes an act; returns the number of that action, 0 outside of the store, and the reverse of that."""


@dataclass(frozen=True)
class Done:
    """An act of this session, for the offer to undo it.

    Parameters
    ----------
    action : int
        Its number, or that of the last undo or redo of it.
    words : str
        Such as ``12 labelled tree``.
    undone : bool
        It was undone, and can be redone.
    reverse : callable
        See `Reverse`.
    """

    action: int
    words: str
    undone: bool
    reverse: Reverse = field(repr=False, compare=False)


def decide(loaded: Loaded, rows: Sequence[int], act: Act, words: str) -> bool:
    """Record a decision about rows, and offer to undo it; for callbacks, before the page runs.

    >>> decide(loaded, rows, lambda store, keys, seen: store.set_label(keys, "tree", version=seen), "12 labelled tree")
    ... # doctest: +SKIP

    Parameters
    ----------
    loaded : Loaded
    rows : sequence of int
    act : callable
        See `Act`. The store that it gets knows who decides.
    words : str
        What was done, for the offer to undo it.

    Returns
    -------
    bool
        False where nothing could be recorded, which the page then says.
    """
    keys = list(dict.fromkeys(filter(None, (loaded.model.images.sha256[row] for row in rows))))
    if not keys:
        st.toast("Images without a file cannot be decided about.", icon=":material/block:")
        return False
    return _record(lambda: act(_store(), keys, f"models:/{loaded.name}/{loaded.version}"), words)


def undo(action: int, words: str) -> bool:
    """Undo or redo an action of anybody, and offer the reverse; False where that could not be done."""
    return _record(lambda: _store().undo(action).action, words)


def offer(words: str, reverse: Reverse) -> None:
    """Offer to undo something that is no decision about pictures, such as an emptied basket."""
    _push(Done(0, words, False, reverse))


def last() -> Done | None:
    """Return this session's last act; after an undo or redo, the one that it was about."""
    return _stack().newest


def step(back: bool) -> bool:
    """Undo this session's last act that counts, or redo the last one that was undone; False where there is none."""
    stack = _stack()
    found = [place for place, done in enumerate(stack.acts) if done.undone is not back]
    if not found:
        return False
    place = found[-1 if back else 0]
    done = stack.acts[place]
    try:
        action, reverse = done.reverse()
    except ImgsimError as problem:
        del stack.acts[place]
        _refused(problem)
        return False
    stack.acts[place] = stack.newest = Done(action, done.words, back, reverse)
    stack.turn += 1
    return True


def turn() -> int:
    """Return how many times something was done, undone or redone in this session."""
    return _stack().turn


@dataclass
class _Stack:
    acts: list[Done] = field(default_factory=list)
    newest: Done | None = None
    turn: int = 0


def _stack() -> _Stack:
    return cast(_Stack, st.session_state.setdefault(_DONE, _Stack()))


def _push(done: Done) -> None:
    """Add an act; what was undone before cannot be redone after it."""
    stack = _stack()
    stack.acts = [*(act for act in stack.acts if not act.undone), done][-_MOST:]
    stack.newest = done
    stack.turn += 1


def _record(act: Callable[[], int], words: str) -> bool:
    try:
        action = act()
    except ImgsimError as problem:
        _refused(problem)
        return False
    _push(Done(action, words, False, _reverse_of(action)))
    return True


def _reverse_of(action: int) -> Reverse:
    def reverse() -> tuple[int, Reverse]:
        number = _store().undo(action).action
        return number, _reverse_of(number)

    return reverse


def _store() -> Decisions:
    return decided.store().as_person(person())


def _refused(problem: ImgsimError) -> None:
    st.toast(f"Nothing was recorded: {plain(problem)}", icon=":material/error:")
