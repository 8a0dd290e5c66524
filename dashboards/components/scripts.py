"""Components with their own JavaScript: scripts and styles lie beside the Python files, and `common.js` is in each."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

_FOLDER = Path(__file__).parent


def component(name: str, style: str, *scripts: str) -> Callable[..., Any]:
    """Register ``imgsim_<name>``; gives what shows it.

    Parameters
    ----------
    name : str
    style : str
        Name of its CSS file, without the ending.
    *scripts : str
        Names of its JavaScript files, without the ending; without any, that of the style.
    """
    parts = ["common", *(scripts or [style])]
    return st.components.v2.component(
        f"imgsim_{name}",
        js="\n".join((_FOLDER / f"{part}.js").read_text("utf-8") for part in parts),
        css=(_FOLDER / f"{style}.css").read_text("utf-8"),
    )
