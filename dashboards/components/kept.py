"""The basket of this session: rows of a version that the user put aside, in the order they were chosen."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

import streamlit as st

from dashboards.services.loaded import Loaded

MOST = 10_000
"""Rows that one basket holds; more are not taken."""
_BASKET = "basket"

Baskets = dict[tuple[str, str], list[int]]


def _baskets() -> Baskets:
    return cast(Baskets, st.session_state.setdefault(_BASKET, {}))


def rows(loaded: Loaded) -> tuple[int, ...]:
    """Rows of this version in the basket."""
    return tuple(_baskets().get((loaded.name, loaded.version), ()))


def toggle(loaded: Loaded, row: int) -> bool:
    """Put a row into the basket, or take it out; true when it is in now."""
    basket = _baskets().setdefault((loaded.name, loaded.version), [])
    if row in basket:
        basket.remove(row)
        return False
    return add(loaded, [row]) == 1


def add(loaded: Loaded, more: Iterable[int]) -> int:
    """Put rows into the basket; how many were new."""
    basket = _baskets().setdefault((loaded.name, loaded.version), [])
    there = set(basket)
    new = [row for row in dict.fromkeys(int(row) for row in more) if row not in there and 0 <= row < len(loaded)]
    taken = new[: max(MOST - len(basket), 0)]
    basket.extend(taken)
    return len(taken)


def clear(loaded: Loaded) -> None:
    """Empty the basket of this version."""
    _baskets().pop((loaded.name, loaded.version), None)
