"""The basket of this session: rows of a version that the user put aside, in the order they were chosen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import cast

import streamlit as st

from dashboards.services.models.loaded_model import Loaded

MOST = 10_000
"""Rows that one basket holds; more are not taken."""
_BASKET = "basket"

Baskets = dict[tuple[str, str], list[int]]


def _baskets() -> Baskets:
    return cast(Baskets, st.session_state.setdefault(_BASKET, {}))


def rows(loaded: Loaded) -> tuple[int, ...]:
    """Return the rows of this version in the basket."""
    return rows_of(loaded.name, loaded.version)


def versions() -> list[tuple[str, str]]:
    """List model and version of everything in the basket, in the order in which they came."""
    return [place for place, there in _baskets().items() if there]


def rows_of(name: str, version: str) -> tuple[int, ...]:
    """Return the rows of a version in the basket, without opening it."""
    return tuple(_baskets().get((name, version), ()))


def toggle(loaded: Loaded, row: int) -> bool:
    """Put a row into the basket, or take it out; return whether it is in now."""
    basket = _baskets().setdefault((loaded.name, loaded.version), [])
    if row in basket:
        basket.remove(row)
        return False
    return add(loaded, [row]) == 1


def flip(loaded: Loaded, row: int) -> None:
    """Put a row into the basket, or take it out, and say so."""
    _say("Added to" if toggle(loaded, row) else "Removed from", loaded)


def add_all(loaded: Loaded, more: Sequence[int]) -> None:
    """Put rows into the basket, and say how many were new."""
    there = set(rows(loaded))
    missing = sum(row not in there for row in more)
    new = add(loaded, more)
    _say(f"{new:,} added to" if new == missing else f"Only {new:,} of {missing:,} fitted into", loaded)


def _say(what: str, loaded: Loaded) -> None:
    st.toast(f"{what} the basket: {len(rows(loaded)):,} now.", icon=":material/shopping_basket:")


def add(loaded: Loaded, more: Iterable[int]) -> int:
    """Put rows into the basket; return how many were new."""
    basket = _baskets().setdefault((loaded.name, loaded.version), [])
    there = set(basket)
    new = [row for row in dict.fromkeys(int(row) for row in more) if row not in there and 0 <= row < len(loaded)]
    taken = new[: max(MOST - len(basket), 0)]
    basket.extend(taken)
    return len(taken)


def clear(name: str, version: str) -> None:
    """Empty the basket of a version."""
    _baskets().pop((name, version), None)
