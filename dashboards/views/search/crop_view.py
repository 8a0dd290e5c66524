"""The crop editor: a rectangle over a picture, moved by pointer or keys, around the part that counts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import streamlit as st

from dashboards.services.query_text import WHOLE, Crop, sound_crop
from dashboards.widgets.component import component

_component = component(__file__)


def crop_view(src: str, name: str, crop: Crop | None, *, key: str, on_crop: Callable[[Crop | None], None]) -> None:
    """Show a picture with its crop.

    Parameters
    ----------
    src : str
        URL of the picture.
    name : str
        Its name, shown as text.
    crop : (int, int, int, int), optional
        Left, top, right and bottom edge in percent; None for all of it.
    key : str
        Unique on the page.
    on_crop : callable
        Called with each new crop before the page runs; with None for all of the picture.
    """

    def act() -> None:
        sent = cast(dict[str, Any], st.session_state[key]).get("crop")
        if sent is not None:
            on_crop(parse_crop(sent))

    _component(key=key, data={"src": src, "name": name, "crop": list(crop or WHOLE)}, on_crop_change=act)


def parse_crop(value: object) -> Crop | None:
    """Return what the browser sent as a crop; None for all of the picture, and for anything that is no crop."""
    if (
        not isinstance(value, list)
        or len(value) != 4
        or not all(type(edge) is int and 0 <= edge <= 100 for edge in value)
    ):
        return None
    return sound_crop(*value)
