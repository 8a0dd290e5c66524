"""Components with their own JavaScript: scripts and styles lie beside the Python file; `common.js` is in each."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

_COMMON = Path(__file__).parent / "common.js"


def component(name: str, folder: Path, style: str, *scripts: str) -> Callable[..., Any]:
    """Register ``imgsim_<name>``; gives what shows it.

    Parameters
    ----------
    name : str
    folder : Path
        Where its files lie.
    style : str
        Name of its CSS file, without the ending.
    *scripts : str
        Names of its JavaScript files, without the ending; without any, that of the style.
    """
    files = [_COMMON, *(folder / f"{part}.js" for part in scripts or [style])]
    return st.components.v2.component(
        f"imgsim_{name}",
        js="\n".join(file.read_text("utf-8") for file in files),
        css=(folder / f"{style}.css").read_text("utf-8"),
    )
