"""The URL is the state: what all pages share (`View`), and the parameters of each page."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, cast

import streamlit as st

from dashboards.services.decided import stamp
from dashboards.services.filters import Filters, Reviewed, parse_dates

Same = Literal["all", "same", "other"]

K = 20
MOST_K = 100
FILTERS = ("label", "path", "tag", "cluster", "reviewed", "quality", "pixels", "date")
"""Parameters that say which images a page is about."""
SHARED = ("model", "version", "k", "cut", *FILTERS, "same", "collapse")
PAGES = ("page", "images")
"""Parameters that say which page of a list is shown; another filter begins at the first."""
_ANY_COLLECTION = ("k", "same", "collapse", "size", "sort", "section")
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
    tags: tuple[str, ...] = ()
    clusters: tuple[str, ...] = ()
    reviewed: Reviewed = ""
    quality: tuple[str, ...] = ()
    sizes: tuple[str, ...] = ()
    dates: str = ""
    same: Same = "all"
    collapse: bool = False

    @property
    def filters(self) -> Filters:
        """The images the filters leave, by what is decided now."""
        found = Filters(
            self.labels, self.path, self.tags, self.clusters, self.reviewed, self.quality, self.sizes, self.dates
        )
        return replace(found, seen=stamp()) if found.about_decisions else found


def get(name: str, default: str = "") -> str:
    """Read one parameter of the URL."""
    return st.query_params.get(name, default)


def get_int(name: str, default: int, low: int, high: int) -> int:
    """Read one parameter of the URL as a whole number within bounds."""
    text = get(name)
    return min(max(int(text), low), high) if text.isdecimal() and len(text) < 10 else default


def put(**values: str | Sequence[str] | None) -> None:
    """Set parameters of the URL, all in one step of the browser's history; None and empty ones are taken out of it."""
    before = {name: st.query_params.get_all(name) for name in st.query_params}
    new = {name: [value] if value and isinstance(value, str) else list(value or ()) for name, value in values.items()}
    after = {name: value for name, value in (before | new).items() if value}
    if after != before:
        st.query_params.from_dict(after)


def narrow(**values: str | Sequence[str] | None) -> None:
    """Set parameters that change which images a list holds; it is shown from its first page."""
    put(**values, **dict.fromkeys(PAGES))


def clear_filters(**values: str | None) -> None:
    """Take all filters out of the URL, and set parameters that change the list as they do."""
    narrow(**dict.fromkeys(FILTERS), **values)


def open_collection(model: str) -> None:
    """Open another collection; parameters that name images, labels or paths of the one before are taken out."""
    own = [name for name in st.query_params if name not in _ANY_COLLECTION]
    put(**{**dict.fromkeys(own), "model": model})


def restore(page: str) -> None:
    """Put the shared parameters back that a change of page took out of the URL, and remember those there are."""
    known: dict[str, list[str]] = st.session_state.get(_REMEMBERED, {})
    if st.session_state.get(_PAGE, page) != page:
        put(**{name: values for name, values in known.items() if name not in st.query_params})
    st.session_state[_PAGE] = page
    st.session_state[_REMEMBERED] = shared()


def remember(**values: str) -> None:
    """Let parameters go along to other pages that are not in the URL as Python knows it."""
    st.session_state[_REMEMBERED] = {name: [value] for name, value in values.items()} | shared()


def shared() -> dict[str, list[str]]:
    """Collect the shared parameters, for links to other pages."""
    return {name: st.query_params.get_all(name) for name in SHARED if name in st.query_params}


def read() -> View:
    """Read the view from the URL; what makes no sense in it counts as not said."""
    same, reviewed = get("same", "all"), get("reviewed")
    return View(
        model=get("model"),
        version=get("version"),
        k=min(max(int(_number(get("k"), K)), 1), MOST_K),
        cut=max(_number(get("cut"), 0.0), 0.0),
        labels=tuple(st.query_params.get_all("label")),
        path=get("path"),
        tags=tuple(st.query_params.get_all("tag")),
        clusters=tuple(st.query_params.get_all("cluster")),
        reviewed=cast(Reviewed, reviewed if reviewed in ("yes", "no") else ""),
        quality=tuple(st.query_params.get_all("quality")),
        sizes=tuple(st.query_params.get_all("pixels")),
        dates=get("date") if parse_dates(get("date")) else "",
        same=cast(Same, same if same in ("all", "same", "other") else "all"),
        collapse=get("collapse") == "1",
    )


def _number(text: str, default: float) -> float:
    try:
        value = float(text)
    except ValueError:
        return default
    return value if abs(value) < 1e9 else default


def go(page: str, **values: str | Sequence[str] | None) -> None:
    """Open another page with the shared view and these parameters of its own."""
    mine = {name: [value] if isinstance(value, str) else list(value) for name, value in values.items() if value}
    st.switch_page(f"views/{page}/page.py", query_params={**shared(), **mine})


def open_view(page: str, query: Mapping[str, Sequence[str]]) -> None:
    """Open a page with just these parameters, those of all pages included."""
    st.session_state[_REMEMBERED] = {}
    st.switch_page(f"views/{page}/page.py", query_params={name: list(values) for name, values in query.items()})


def key(name: str, texts: Iterable[str]) -> str:
    """Return the key of a widget with options that read so.

    The browser keeps what is chosen as text. Once an option reads otherwise, as its count has changed, it would send a
    text that is no option, or say that nothing is chosen. With another key it is another widget.
    """
    return f"choice-{name}-{hashlib.sha256(chr(0).join(texts).encode()).hexdigest()[:8]}"


def sync(key: str, value: Any) -> None:
    """Make a widget show what the URL says, also when another page or a link changed it."""
    if st.session_state.get(key) != value:
        st.session_state[key] = value


def on_change(key: str, write: Callable[[Any], None]) -> Callable[[], None]:
    """Make a callback for ``on_change`` that hands the widget's new value to ``write``, which puts it into the URL."""

    def act() -> None:
        write(st.session_state[key])

    return act
