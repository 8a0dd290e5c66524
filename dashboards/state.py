"""The URL is the state: what all pages share (`View`), and the parameters of each page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, cast

import streamlit as st

from dashboards.services.filters import Filters

Same = Literal["all", "same", "other"]

K = 20
MOST_K = 100
SHARED = ("model", "version", "k", "cut", "label", "path", "same", "collapse")
_REMEMBERED, _PAGE = "shared-parameters", "page-before"


@dataclass(frozen=True)
class View:
    """Settings of the sidebar."""

    model: str = ""
    version: str = ""
    k: int = K
    cut: float = 0.0
    labels: tuple[str, ...] = ()
    path: str = ""
    same: Same = "all"
    collapse: bool = False

    @property
    def filters(self) -> Filters:
        """The images the filters leave."""
        return Filters(self.labels, self.path)


def get(name: str, default: str = "") -> str:
    """Read one parameter of the URL."""
    return st.query_params.get(name, default)


def get_int(name: str, default: int, low: int, high: int) -> int:
    """Read one parameter of the URL as a whole number within bounds."""
    text = get(name)
    return min(max(int(text), low), high) if text.isdecimal() and len(text) < 10 else default


def put(**values: str | None) -> None:
    """Set parameters of the URL; None and empty ones are taken out of it."""
    for name, value in values.items():
        if value:
            if st.query_params.get(name) != value:
                st.query_params[name] = value
        elif name in st.query_params:
            del st.query_params[name]


def put_labels(labels: list[str]) -> None:
    """Set the labels that are shown."""
    if labels:
        st.query_params["label"] = labels
    elif "label" in st.query_params:
        del st.query_params["label"]


def restore(page: str) -> None:
    """Put the shared parameters back that a change of page took out of the URL, and remember those there are."""
    known: dict[str, list[str]] = st.session_state.get(_REMEMBERED, {})
    if st.session_state.get(_PAGE, page) != page:
        for name, values in known.items():
            if name not in st.query_params:
                st.query_params[name] = values
    st.session_state[_PAGE] = page
    st.session_state[_REMEMBERED] = shared()


def shared() -> dict[str, list[str]]:
    """Collect the shared parameters, for links to other pages."""
    return {name: st.query_params.get_all(name) for name in SHARED if name in st.query_params}


def read() -> View:
    """Read the view from the URL; what makes no sense in it counts as not said."""
    same = get("same", "all")
    return View(
        model=get("model"),
        version=get("version"),
        k=min(max(int(_number(get("k"), K)), 1), MOST_K),
        cut=max(_number(get("cut"), 0.0), 0.0),
        labels=tuple(st.query_params.get_all("label")),
        path=get("path"),
        same=cast(Same, same if same in ("all", "same", "other") else "all"),
        collapse=get("collapse") == "1",
    )


def _number(text: str, default: float) -> float:
    try:
        value = float(text)
    except ValueError:
        return default
    return value if abs(value) < 1e9 else default


def go(page: str, **values: str | None) -> None:
    """Open another page with the shared view and these parameters of its own."""
    mine = {name: [value] for name, value in values.items() if value}
    st.switch_page(f"views/{page}/page.py", query_params={**shared(), **mine})


def sync(key: str, value: Any) -> None:
    """Make a widget show what the URL says, also when another page or a link changed it."""
    if st.session_state.get(key) != value:
        st.session_state[key] = value


def on_change(key: str, write: Callable[[Any], None]) -> Callable[[], None]:
    """Make a callback for ``on_change`` that hands the widget's new value to ``write``, which puts it into the URL."""

    def act() -> None:
        write(st.session_state[key])

    return act
