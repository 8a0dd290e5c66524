"""Session of a page: the opened model with the view, or the page that says why there is none."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TypeVar, cast

import streamlit as st

from dashboards import state
from dashboards.markdown import plain
from dashboards.services.models import registry
from dashboards.services.models.loaded_model import Loaded
from dashboards.state import View
from imgsim.errors import RegistryError
from imgsim.mlflow.promotion import CHALLENGER, CHAMPION
from imgsim.mlflow.registry import choose, list_versions
from imgsim.mlflow.version import Version

T = TypeVar("T")

ABOUT = "Finds pictures that look alike in your collection, and what in it is duplicated, mislabelled or odd."
SECONDS = 15
"""For how long an answer of the registry counts."""
_OPEN = "open"
_TITLES = {
    "no_registry": "No registry answers",
    "empty": "Nothing here yet: make a collection",
    "no_model": "There is no such collection",
    "no_version": "There is no such version",
    "broken": "This version cannot be opened",
    "unavailable": "This version cannot be opened at the moment",
}

_ALIASES = {CHAMPION: "Best version", CHALLENGER: "Newest version"}
_COMMANDS = """\
imgsim run                    # the packaged sample
imgsim run path/to/pictures   # your own
imgsim ui                     # Dagster, MLflow and this dashboard"""


@dataclass(frozen=True)
class OpenModel:
    """A page's model and view."""

    loaded: Loaded
    view: View
    version: Version


def current() -> OpenModel:
    """Return the model and view that ``main.py`` opened before this page."""
    return cast(OpenModel, st.session_state[_OPEN])


def last() -> OpenModel | None:
    """Return what was opened last in this session, if anything was."""
    return cast("OpenModel | None", st.session_state.get(_OPEN))


def names() -> list[str]:
    """List registered models, the one that changed last first; asked anew after some seconds."""
    return _answer(_asked_names())


def versions(name: str) -> list[Version]:
    """List versions of a model; asked anew after some seconds."""
    return _answer(_asked_versions(name))


def _answer(found: list[T] | RegistryError) -> list[T]:
    if isinstance(found, RegistryError):
        raise found
    return found


# Problems are kept like answers: a server that hangs costs its time limit once, not with every click.
@st.cache_data(ttl=SECONDS, show_spinner=False)
def _asked_names() -> list[str] | RegistryError:
    try:
        return registry.names()
    except RegistryError as problem:
        return problem


@st.cache_data(ttl=SECONDS, show_spinner=False, max_entries=100)
def _asked_versions(name: str) -> list[Version] | RegistryError:
    try:
        return list_versions(name)
    except RegistryError as problem:
        return problem


def forget() -> None:
    """Ask the registry anew."""
    _asked_names.clear()
    _asked_versions.clear()


def open_model(view: View) -> OpenModel:
    """Open the model that the view asks for; where that fails, the one that was open before, with a warning.

    Raises
    ------
    RegistryError
        There is nothing to show.
    """
    before = last()
    try:
        version = choose(versions(view.model or names()[0]), view.version)
        with st.spinner(f"Opening version {version.version} of {plain(version.name)}", show_time=True):
            loaded = registry.load(version)
    except RegistryError as problem:
        if before is None or not _still_asks_for(view, before):
            raise
        st.warning(
            f"{plain(problem)} Shown is version {before.version.version} of {plain(before.version.name)}, "
            "which was opened before.",
            icon=":material/cloud_off:",
        )
        now = OpenModel(before.loaded, view, before.version)
    else:
        now = OpenModel(loaded, _pinned(view, version), version)
        if before is not None and before.version.name == version.name and _moved(view, before.version, version):
            st.toast(f"{plain(alias_name(view.version))} is now {version.version}.", icon=":material/sync:")
    st.session_state[_OPEN] = now
    return now


def alias_name(alias: str) -> str:
    """Name an alias of the registry as people say it."""
    return _ALIASES.get(alias, alias)


def _pinned(view: View, version: Version) -> View:
    """Name collection and version number, so that a link shows the same tomorrow; an alias that was said stays."""
    view = replace(view, model=version.name, version=view.version or version.version)
    state.remember(model=view.model, version=view.version)
    return view


def replaced(now: OpenModel) -> bool:
    """Tell whether an alias has moved, so that the view means another version; False when the registry fails."""
    try:
        return choose(versions(now.version.name), now.view.version).version != now.version.version
    except RegistryError:
        return False


def _still_asks_for(view: View, before: OpenModel) -> bool:
    return (view.model or before.version.name) == before.version.name and view.version in (
        before.view.version,
        before.version.version,
    )


def _moved(view: View, before: Version, now: Version) -> bool:
    """Tell whether an alias means another version than a moment ago."""
    said = cast(str, st.session_state.get("version-said", ""))
    st.session_state["version-said"] = view.version
    return said == view.version and not view.version.isdecimal() and before.version != now.version


def show_problem(problem: RegistryError) -> None:
    """Show why there is no model, and what to do."""
    st.title(_TITLES[problem.kind], anchor=False)
    if problem.kind == "empty":
        st.markdown(f"imgsim: {ABOUT[0].lower()}{ABOUT[1:]}")
        st.caption(plain(problem))
    else:
        st.error(plain(problem), icon=":material/error:")
    if problem.kind in ("empty", "no_registry"):
        st.markdown("Make a collection, or start the servers over those there are:")
        st.code(_COMMANDS, language=None, wrap_lines=True)
    with st.container(horizontal=True):
        if st.button("Try again", help="Ask the registry once more", type="primary"):
            forget()
            st.rerun()
        if problem.kind == "no_version" and st.button("Open the best version", help="Of the same collection"):
            state.put(version=None)
            st.rerun()
        if problem.kind not in ("empty", "no_registry") and st.button(
            "Open the newest collection", help="Its best version, whatever the link asks for"
        ):
            forget()
            state.put(model=None, version=None)
            st.rerun()


def age(version: Version) -> str:
    """Write when a version was made."""
    days = (datetime.now(UTC) - version.created).days
    return f"{version.created:%Y-%m-%d %H:%M} UTC" + (f", {days} days ago" if days > 1 else "")
