"""Duplicates in three tiers: groups to decide about, those that are decided, and those that are no duplicates."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from dashboards.services import filters
from dashboards.services.decided import Decided, decided
from dashboards.services.format import counted, size_of
from dashboards.services.tidy import duplicate_groups
from dashboards.services.tidy.duplicate_groups import MEANINGS, NAMES, Part, Rows
from dashboards.session import OpenModel
from dashboards.views.tidy_up.duplicates import decisions, look_alikes, plan
from dashboards.views.tidy_up.duplicates.copies import Act, copies
from dashboards.widgets import details, pager
from dashboards.widgets.image_list import GROUPS, say_missing, say_none
from dashboards.widgets.url_choice import choice
from imgsim.insights.duplicates.cleanup import CERTAIN

_PARTS: dict[Part, str] = {"left": "To decide", "decided": "Decided", "different": "Not duplicates"}
_NONE: dict[Part, str] = {
    "left": "Nothing is left to decide.",
    "decided": "Nothing is decided yet.",
    "different": "No group was marked as no duplicates.",
}


def show(now: OpenModel) -> None:
    """Show one tier and one part of its groups, page by page."""
    loaded = now.loaded
    if loaded.insight("duplicates") is None:
        say_missing("a search for duplicates; look-alikes can be found in its graph all the same")
    limit = look_alikes.asked_threshold(duplicate_groups.near_pairs(loaded))
    known = decided(loaded)
    left = {tier: len(duplicate_groups.parts(loaded, known, tier, limit)["left"]) for tier in NAMES}
    default = next((tier for tier in CERTAIN if left[tier]), "look_alike")
    with st.container(horizontal=True, vertical_alignment="bottom", horizontal_alignment="distribute"):
        tier = choice(
            "How alike",
            {tier: f"{name} {left[tier]:,}" for tier, name in NAMES.items()},
            "tier",
            default,
            help="How sure it is that a group is one picture; the numbers are the groups that are left to decide",
            explicit=True,
            resets=("page", "part"),
        )
        plan.offer(now, tier, limit)
    st.markdown(MEANINGS[tier])
    if tier == "look_alike" and not look_alikes.threshold(now, limit):
        return
    _groups(now, known, tier, limit)


def _groups(now: OpenModel, known: Decided, tier: str, threshold: float) -> None:
    """Show the groups of the part that the URL asks for."""
    parts = duplicate_groups.parts(now.loaded, known, tier, threshold)
    part = _part(parts)
    found = _passing(now, parts[part])
    if not found:
        narrowed = " Some groups do not pass the filters of the sidebar." if parts[part] else ""
        say_none(_NONE[part] + narrowed)
        return
    pages = pager.pages(len(found), GROUPS)
    as_decided = None if part == "different" else known
    table = duplicate_groups.group_table(now.loaded, as_decided, tier, found[pages.slice])
    shown = [group for _, group in table.groupby("group", sort=True)]
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        words = f"{pages.of('groups')} of {counted(sum(map(len, found)), 'image')}.{_spare(now, known, tier)}"
        st.caption(words, width="content")
        if part == "left":
            _accept(now, tier, shown, "top")
    asked = copies(
        now.loaded,
        shown,
        _acts(tier, part),
        choose=lambda choices: decisions.choose(now.loaded, tier, shown, choices),
        decide=lambda group: decisions.of_group(now.loaded, tier, shown, group),
    )
    if asked is not None:
        details.show(now, asked, np.concatenate(found))
    with st.container(horizontal=True, vertical_alignment="center"):
        if part == "left":
            _accept(now, tier, shown, "bottom")
        pager.show(pages, "duplicates")


def _part(parts: dict[Part, list[Rows]]) -> Part:
    """Let people choose between what is left and what is decided, and say how far they are."""
    done, count = len(parts["decided"]) + len(parts["different"]), sum(map(len, parts.values()))
    options = {str(part): f"{name} {len(parts[part]):,}" for part, name in _PARTS.items()}
    with st.container(horizontal=True, vertical_alignment="center"):
        shown = choice(
            "Decided",
            options,
            "part",
            "left",
            help="Groups that are left to decide, those that are decided, and those that hold no copies",
            hide_label=True,
            resets=("page",),
        )
        st.caption(f"{done:,} of {counted(count, 'group')} decided", width="content")
    return next(part for part in _PARTS if part == shown)


def _passing(now: OpenModel, groups: list[Rows]) -> list[Rows]:
    """Keep the groups with an image that passes the filters of the sidebar."""
    if not now.view.filters:
        return groups
    passed = filters.mask(now.loaded, now.view.filters)
    return [group for group in groups if passed[group].any()]


def _spare(now: OpenModel, known: Decided, tier: str) -> str:
    if tier not in CERTAIN:
        return ""
    files, size = duplicate_groups.spare(now.loaded, known, tier)
    return f" In all {counted(files, 'file')}, {size_of(size)} can go."


def _acts(tier: str, part: Part) -> tuple[Act, ...]:
    if part == "different":
        return ("copies",)
    certain: tuple[Act, ...] = ("accept", "keep_all")
    return certain if tier == "same_bytes" else (*certain, "different")


def _accept(now: OpenModel, tier: str, shown: list[pd.DataFrame], place: str) -> None:
    st.button(
        "Accept this page",
        key=f"accept-{place}",
        icon=":material/done_all:",
        on_click=decisions.accept,
        args=(now.loaded, tier, shown),
        help="Keep and spare the copies of all groups shown, as they are marked; only then the next ones come",
    )
