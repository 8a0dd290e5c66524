"""Duplicates in three tiers: groups with the image to keep first, and the plan to download."""

from __future__ import annotations

from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from dashboards import state
from dashboards.services import filters, tables
from dashboards.services.format import counted, size_of, visible
from dashboards.session import OpenModel
from dashboards.views.health import duplicate_groups
from dashboards.views.health.duplicate_groups import MEANINGS, NAMES
from dashboards.widgets import charts, pager
from dashboards.widgets.details import handle
from dashboards.widgets.gallery import gallery, tile
from dashboards.widgets.image_list import GROUPS, say_missing, say_none
from dashboards.widgets.url_choice import choice
from imgsim.insights.duplicates.cleanup import CERTAIN
from imgsim.insights.duplicates.look_alikes import NearPairs

TILES = 24
"""Pictures of a group that are shown."""
_STEPS = 200


def show(now: OpenModel) -> None:
    """Show one tier, its groups page by page."""
    loaded = now.loaded
    if loaded.insight("duplicates") is None:
        say_missing("a search for duplicates; look-alikes can be found in its graph all the same")
    counts = {tier: duplicate_groups.tier_groups(loaded, tier)["group"].nunique() for tier in CERTAIN}
    options = {tier: f"{name} {counts[tier]:,}" if tier in counts else name for tier, name in NAMES.items()}
    default = next((tier for tier in CERTAIN if counts[tier]), "look_alike")
    with st.container(horizontal=True, vertical_alignment="bottom", horizontal_alignment="distribute"):
        tier = choice(
            "Tier",
            options,
            "tier",
            default,
            help="How sure it is that a group is one picture",
            explicit=True,
            resets=("page",),
        )
        threshold = asked_threshold(duplicate_groups.near_pairs(loaded))
        _plan(now, tier, threshold)
    st.markdown(MEANINGS[tier])
    if tier == "look_alike":
        _look_alikes(now, threshold)
        return
    table = duplicate_groups.tier_groups(loaded, tier)
    table = table[table["group"].isin(table.loc[filters.mask(loaded, now.view.filters)[table["row"]], "group"])]
    if not len(table):
        say_none("There is none, or the sidebar's filters leave none.")
        return
    numbers = table["group"].nunique()
    pages = pager.pages(numbers, GROUPS)
    spare = table[~table["keep"]]
    st.caption(
        f"{pages.words} {'group' if numbers == 1 else 'groups'}; besides the images to keep "
        f"{counted(len(spare), 'file')}, {size_of(spare['bytes'].sum())}."
    )
    for group in duplicate_groups.groups_page(table, pages.page, GROUPS):
        _group(now, group)
    pager.show(pages, "duplicates")


def asked_threshold(pairs: NearPairs) -> float:
    """Read the threshold of the URL, within what is known; by default the one that fits the collection."""
    try:
        asked = float(state.get("threshold", str(pairs.threshold)))
    except ValueError:
        return pairs.threshold
    return min(max(asked, 0.0), pairs.bound) if asked == asked else pairs.threshold  # noqa: PLR0124  NaN


def _look_alikes(now: OpenModel, threshold: float) -> None:
    """Show a threshold over the histogram of distances, and the groups it makes."""
    pairs = duplicate_groups.near_pairs(now.loaded)
    if not len(pairs.nearest) or not pairs.bound:
        say_none("There are no neighbours to compare.")
        return
    st.altair_chart(
        charts.distances(pairs.histogram(), threshold),
        alt=f"How many images have their nearest other one at what distance; the threshold is at {threshold:.3f}",
    )
    _slider(pairs, threshold)
    groups = duplicate_groups.look_alike_groups(now.loaded, threshold)
    passed = filters.mask(now.loaded, now.view.filters)
    groups = [group for group in groups if passed[group].any()]
    if not groups:
        say_none("But for duplicates of the other tiers, no images are that near each other. Raise the threshold.")
        return
    count, images = len(groups), sum(map(len, groups))
    pages = pager.pages(count, GROUPS)
    st.caption(f"{pages.words} {'group' if count == 1 else 'groups'} of {images:,} images.")
    part = duplicate_groups.group_table(now.loaded, groups[pages.slice])
    for _, group in part.groupby("group", sort=True):
        _group(now, group)
    pager.show(pages, "duplicates")


def _slider(pairs: NearPairs, threshold: float) -> None:
    step = pairs.bound / _STEPS
    if abs(st.session_state.get("health-threshold", -1.0) - threshold) > step / 2:  # else rounding would move it back
        st.session_state["health-threshold"] = threshold

    def put(value: float) -> None:
        usual = abs(value - pairs.threshold) < step / 2
        state.put(threshold=None if usual else f"{value:.6g}", page=None)

    st.slider(
        "Threshold",
        0.0,
        pairs.bound,
        step=step,
        key="health-threshold",
        on_change=state.on_change("health-threshold", put),
        format="%.3f",
        help=f"Images up to this distance from each other form groups; {pairs.threshold:.3f} fits this collection",
    )


def _group(now: OpenModel, group: pd.DataFrame) -> None:
    """Show the image to keep, then the others and what it has over them."""
    tiles = [
        tile(now.loaded, item.row, note=_note(item), keep=bool(item.keep)) for item in group.head(TILES).itertuples()
    ]
    with st.container(border=True):
        more = f", the first {TILES} shown" if len(group) > TILES else ""
        label = f"{len(group)} images{more}"
        spare = size_of(group.loc[~group["keep"], "bytes"].sum())
        st.caption(f"{label}; {spare} besides the one to keep")
        handle(now, gallery(now.loaded, tiles, key=f"group-{group['row'].iloc[0]}", label=label))


def _note(item: Any) -> str:
    facts = f"{item.width:,} × {item.height:,}, {size_of(item.bytes)}"
    return f"{facts} · {visible(item.reason)}"


def _plan(now: OpenModel, tier: str, threshold: float) -> None:
    """Offer the plan, which files to keep and which to move."""
    version = now.version
    with st.popover("Plan", icon=":material/checklist:", help="Download what to keep and what to move"):
        st.markdown("A list of every image in a group: keep or move, and why. Nothing is moved or deleted here.")
        tiers = st.multiselect(
            "Tiers",
            list(NAMES),
            [*CERTAIN, *(["look_alike"] if tier == "look_alike" else [])],
            format_func=lambda name: NAMES[name],
            help="Look-alikes are for you to judge: look at the groups before you add them",
        )
        st.download_button(
            "Download plan as CSV",
            partial(_csv, now, tuple(tiers), threshold),
            f"{version.name}-{version.version}-duplicates.csv",
            "text/csv",
            icon=":material/download:",
            on_click="ignore",
            disabled=not tiers,
            help="Columns tier, group, action, path, bytes, kept_path, reason",
        )
        st.markdown("The same, with a script that moves the files and can be run dry first:")
        model = f"models:/{version.name}/{version.version}"
        st.code(f"imgsim duplicates {model} --plan plan.csv \\\n  --script tidy.sh --move-to spare", language="shell")


def _csv(now: OpenModel, tiers: tuple[str, ...], threshold: float) -> bytes:
    return tables.csv(duplicate_groups.plan(now.loaded, tiers, threshold))
