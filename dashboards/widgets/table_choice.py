"""The row that a user chose in a table, by a click anywhere in it or by the arrow keys."""

from __future__ import annotations

from typing import Literal

import streamlit as st

MODE: Literal["single-cell"] = "single-cell"
"""Selection of the table: a row's own box is 16 pixels wide, and nothing else in the row would answer."""


def chosen_row(key: str) -> int | None:
    """Return the place of the row chosen in the table with this key; None when none is."""
    cells = st.session_state[key].selection.cells
    return int(cells[0][0]) if cells else None
