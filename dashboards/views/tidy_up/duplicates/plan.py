"""The plan to download: which files to keep and which to move, as people decided."""

from __future__ import annotations

from functools import partial

import streamlit as st

from dashboards.services import tables
from dashboards.services.decided import decided
from dashboards.services.tidy import duplicate_groups
from dashboards.services.tidy.duplicate_groups import NAMES
from dashboards.session import OpenModel
from imgsim.insights.duplicates.cleanup import CERTAIN


def offer(now: OpenModel, tier: str, threshold: float) -> None:
    """Offer the plan, which files to keep and which to move."""
    version = now.version
    with st.popover("Export choices", icon=":material/checklist:", help="Download what to keep and what to move"):
        st.markdown(
            "A list of every image in a group: keep or move, and why. What you decided counts; of groups that are left "
            "to decide, what is proposed. Nothing is moved or deleted here."
        )
        tiers = st.multiselect(
            "How alike",
            list(NAMES),
            [*CERTAIN, *(["look_alike"] if tier == "look_alike" else [])],
            format_func=lambda name: NAMES[name],
            help="Look-alikes are for you to judge: look at the groups before you add them",
        )
        st.download_button(
            "Download as CSV",
            partial(_csv, now, tuple(tiers), threshold),
            f"{version.name}-{version.version}-duplicates.csv",
            "text/csv",
            icon=":material/download:",
            on_click="ignore",
            disabled=not tiers,
            help="Columns tier, group, action, path, bytes, kept_path, reason",
        )
        st.markdown("The same, with a script that moves the files and can be run dry first:")
        st.code(
            f"imgsim duplicates {version.uri} --plan plan.csv \\\n  --script tidy.sh --move-to spare",
            language=None,
            wrap_lines=True,
        )


def _csv(now: OpenModel, tiers: tuple[str, ...], threshold: float) -> bytes:
    return tables.csv(duplicate_groups.plan(now.loaded, decided(now.loaded), tiers, threshold))
