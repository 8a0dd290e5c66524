"""What every page is given: an opened model and the view; and what is shown when there is none."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import cast

import streamlit as st

from dashboards import state
from dashboards.services import registry
from dashboards.services.loaded import Loaded
from dashboards.services.registry import RegistryProblem, Version
from dashboards.state import View
from dashboards.text import plain

_OPEN = "open"
_TITLES = {
    "no_registry": "No registry answers",
    "no_model": "There is no model yet",
    "no_version": "There is no such version",
    "broken": "This version cannot be opened",
}


@dataclass(frozen=True)
class Open:
    """A page's model and view."""

    loaded: Loaded
    view: View
    version: Version


def opened() -> Open:
    """What ``main.py`` opened before this page."""
    return cast(Open, st.session_state[_OPEN])


@st.cache_data(ttl=15, show_spinner=False)
def names() -> list[str]:
    """Registered models; asked anew after some seconds."""
    return registry.names()


@st.cache_data(ttl=15, show_spinner=False)
def versions(name: str) -> list[Version]:
    """Versions of a model; asked anew after some seconds."""
    return registry.versions(name)


def open_model(view: View) -> Open:
    """The model that the view asks for; when the registry fails meanwhile, the one that is open already.

    Raises
    ------
    RegistryProblem
        There is nothing to show.
    """
    before = cast("Open | None", st.session_state.get(_OPEN))
    try:
        there = names()
        known = versions(view.model or _newest(there))
        version = registry.chosen(known, view.version)
    except RegistryProblem as problem:
        if before is None or not _still_asks_for(view, before):
            raise
        st.warning(
            f"{plain(problem)} Shown is version {before.version.version} of {plain(before.version.name)}, "
            "which was opened before.",
            icon=":material/cloud_off:",
        )
        now = Open(before.loaded, view, before.version)
    else:
        if before is not None and before.version.name == version.name and _moved(view, before.version, version):
            st.toast(f"{plain(view.version or 'champion')} is now version {version.version}.")
        with st.spinner(f"Opening version {version.version} of {plain(version.name)}", show_time=True):
            now = Open(registry.load(version), view, version)
    st.session_state[_OPEN] = now
    return now


def _newest(there: list[str]) -> str:
    """The model whose newest version is the youngest."""
    return there[0] if len(there) == 1 else max(there, key=lambda name: versions(name)[0].created)


def _still_asks_for(view: View, before: Open) -> bool:
    return (view.model or before.version.name) == before.version.name and view.version in (
        before.view.version,
        before.version.version,
    )


def _moved(view: View, before: Version, now: Version) -> bool:
    """Whether an alias means another version than a moment ago."""
    said = cast(str, st.session_state.get("version-said", ""))
    st.session_state["version-said"] = view.version
    return said == view.version and not view.version.isdecimal() and before.version != now.version


def show_problem(problem: RegistryProblem) -> None:
    """The page that says why there is no model, and what to do."""
    st.title(_TITLES[problem.kind])
    st.error(plain(problem), icon=":material/error:")
    if problem.kind in ("no_registry", "no_model"):
        st.markdown("Build a model of the packaged sample, or of your own pictures, and come back:")
        st.code("make demo\nmake demo IMAGES=path/to/pictures", language="shell")
    again, reset = st.columns([1, 4])
    if again.button("Try again", help="Ask the registry once more", type="primary"):
        st.cache_data.clear()
        st.rerun()
    if problem.kind != "no_registry" and reset.button(
        "Open the default model", help="The newest model's champion, whatever the link asks for"
    ):
        st.cache_data.clear()
        state.put(model=None, version=None)
        st.rerun()


def age(version: Version) -> str:
    """When a version was made, for people."""
    days = (datetime.now(UTC) - version.created).days
    return f"{version.created:%Y-%m-%d %H:%M} UTC" + (f", {days} days ago" if days > 1 else "")
