"""Pictures of a link that the opened version does not have."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from dashboards import state
from dashboards.markdown import plain
from dashboards.services.models import registry
from dashboards.services.models.loaded_model import Loaded
from dashboards.session import OpenModel
from imgsim.mlflow.registry import PREFIX


def say_unknown(now: OpenModel, keys: Sequence[str]) -> None:
    """Say that the opened version has no such pictures, and offer a version in memory that has the first of them."""
    there = registry.in_memory_with(keys[0])
    which = "This picture is" if len(keys) == 1 else f"{len(keys)} pictures are"
    where = f"; it was in {_place(there)}" if there is not None else f" ({plain(', '.join(keys))})"
    st.warning(f"{which} not in {_place(now.loaded)}{where}.", icon=":material/help:")
    if there is not None and st.button(
        f"Open {_place(there)}", icon=":material/open_in_new:", help="The same page in the version that has it"
    ):
        state.put(model=there.name, version=there.version)
        st.rerun()  # all of the page: Search is a fragment


def _place(loaded: Loaded) -> str:
    return f"version {plain(loaded.version)} of {plain(loaded.name.removeprefix(PREFIX))}"
