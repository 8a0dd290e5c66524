"""The two versions that are compared, and the choice of the second one."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from dashboards import session, state
from dashboards.markdown import plain
from dashboards.services.commands import LARGER, PICTURES, install_needed, other_network_command
from dashboards.services.models import registry
from dashboards.session import OpenModel
from dashboards.widgets.details import Rows, handle
from dashboards.widgets.gallery import Action
from imgsim.errors import RegistryError
from imgsim.mlflow.version import Version


@dataclass(frozen=True)
class Pair:
    """The older version and the newer one; ``now`` is the one of them that the sidebar says."""

    before: OpenModel
    after: OpenModel
    now: OpenModel

    @property
    def sides(self) -> tuple[OpenModel, OpenModel]:
        """Both, the older one first."""
        return self.before, self.after


def name(side: OpenModel) -> str:
    """Name a version as this page does."""
    return f"version {side.version.version}"


def choose(now: OpenModel) -> Pair | None:
    """Let the user choose what to compare with; None, said on the page, where that is not possible."""
    try:
        others = [item for item in session.versions(now.version.name) if item.version != now.version.version]
    except RegistryError as problem:
        st.warning(plain(problem), icon=":material/cloud_off:")
        return None
    if not others:
        _alone(now)
        return None
    chosen = _chosen(now, others)
    try:
        with st.spinner(f"Opening version {chosen.version}", show_time=True):
            other = OpenModel(registry.load(chosen), now.view, chosen)
    except RegistryError as problem:
        st.error(plain(problem), icon=":material/error:")
        st.button("Try again", help="Download the other version anew")
        return None
    older = int(chosen.version) < int(now.version.version)
    return Pair(other, now, now) if older else Pair(now, other, now)


def _alone(now: OpenModel) -> None:
    """Say how a second version comes about."""
    st.info(
        "This model has one version so far. The pipeline over changed pictures, or with another network, makes a "
        "second one to compare with it:",
        icon=":material/compare:",
    )
    command = other_network_command(now.version)
    st.code(command, language=None, wrap_lines=True)
    if PICTURES in command:
        st.caption(f"`{PICTURES}` stands for the images of this version; the registry does not keep where they are.")
    if LARGER in command and (install := install_needed(LARGER)):
        st.caption(f"The weights of {plain(LARGER)} are on the package index: `{install}`")


def _chosen(now: OpenModel, others: list[Version]) -> Version:
    """Choose the version of the URL; else the newest older one, else the oldest newer one."""
    numbers = {item.version: item for item in others}
    texts = {number: _described(item) for number, item in numbers.items()}
    older = [item for item in others if int(item.version) < int(now.version.version)]
    usual = older[0] if older else others[-1]
    asked = numbers.get(state.get("with"), usual)
    key = state.key("with", texts.values())
    state.sync(key, asked.version)
    st.selectbox(
        f"Compare version {now.version.version} with",
        list(texts),
        key=key,
        on_change=state.on_change(key, lambda value: state.put(**{"with": value})),
        format_func=lambda number: texts[number],
        help="Another version of this model; the sidebar says the first one",
        width=360,
    )
    return asked


def _described(version: Version) -> str:
    aliases = f" ({', '.join(version.aliases)})" if version.aliases else ""
    return f"version {version.version}{aliases}, {version.tags.get('imgsim.backbone', 'unknown network')}"


def act(side: OpenModel, action: Action | None, among: Rows | None = None) -> None:
    """Carry out an action on a picture of one of the versions, as `handle` does; a query is one of both."""
    if action is not None and action.kind == "query":
        state.put(q=side.loaded.key(action.row), section=None)
        st.rerun()
    handle(side, action, among)
