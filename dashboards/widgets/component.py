"""Components with their own JavaScript and CSS, which lie beside the Python file under the same name."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

_IMPORT = re.compile(r'^import \{[^}]*\} from "([^"]+)";\n', re.MULTILINE)
_COMMENT = re.compile(r"^ *(//[^\n]*|/\*\*((?!\*/).)*\*/)\n", re.MULTILINE | re.DOTALL)  # of whole lines
_EXPORT = re.compile(r"^export (?!default )", re.MULTILINE)


def component(file: str, *, isolated: bool = True) -> Callable[..., Any]:
    """Register the component of a Python file.

    Parameters
    ----------
    file : str
        Path of the Python file. Beside ``walk_view.py`` lie ``walk_view.js`` and ``walk_view.css``; a module that the
        script imports may have a style sheet beside it too, which comes before.
    isolated : bool
        Whether its styles are for the component alone; else they are for the whole page.

    Returns
    -------
    callable
        Shows the component on the page; takes ``key``, ``data`` and a callback for each of its events.
    """
    script = Path(file).with_suffix(".js")
    css, js = style_sheet(script), bundle(script)
    return st.components.v2.component(f"imgsim_{script.stem}", js=js, css=css, isolate_styles=isolated)


def style_sheet(script: Path) -> str:
    """Join the style sheets that lie beside a module and beside those that it imports, its own last."""
    sheets = [path.with_suffix(".css") for path in modules(script.resolve())]
    return "\n".join(sheet.read_text("utf-8") for sheet in sheets if sheet.exists())


def bundle(script: Path) -> str:
    """Join a module and all modules that it imports into one script, as Streamlit takes it, without their comments.

    Each module is in it once, before those that import it. All share one scope: no two of them may declare one name,
    and no import may rename. The tests of this file hold both.

    Parameters
    ----------
    script : Path
        The module with the default export.

    Returns
    -------
    str
    """
    text = "\n".join(path.read_text("utf-8") for path in modules(script.resolve()))
    for pattern in (_COMMENT, _IMPORT, _EXPORT):
        text = pattern.sub("", text)
    return text


def modules(script: Path) -> list[Path]:
    """Return the path of a module after those of all modules that it imports."""
    paths: list[Path] = []
    for address in _IMPORT.findall(script.read_text("utf-8")):
        paths += [path for path in modules((script.parent / address).resolve()) if path not in paths]
    return [*paths, script]
