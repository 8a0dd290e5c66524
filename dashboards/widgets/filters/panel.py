"""Panel of the sidebar's further filters, each with the number of its images; those without a choice are not there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Literal, get_args

import streamlit as st

from dashboards import state
from dashboards.services import filters
from dashboards.services.decided import Decided, known
from dashboards.services.format import visible
from dashboards.services.models.loaded_model import Loaded
from dashboards.services.tidy.findings import ISSUES
from dashboards.session import OpenModel
from dashboards.widgets.url_choice import choice

More = Literal["tags", "clusters", "reviewed", "quality", "sizes", "dates"]
SIZES = {
    "tiny": "below 0.05 megapixels",
    "small": "0.05 to 0.5 megapixels",
    "middle": "0.5 to 4 megapixels",
    "large": "4 megapixels and more",
}
_REVIEWED = {"": "all", "yes": "reviewed", "no": "not reviewed"}


def counts_of(loaded: Loaded, decided: Decided, control: More) -> dict[str, int]:
    """Count the images of each value of a filter, or the days of dates; no values where there is nothing to choose."""
    if control == "tags":
        return filters.tag_counts(decided)
    if control == "clusters":
        return filters.cluster_counts(decided)
    if control == "reviewed":
        return {"yes": len(decided.reviewed)} if decided.reviewed else {}
    if control == "dates":
        days = filters.date_range(loaded)
        return {"days": (days[1] - days[0]).days + 1} if days and days[0] < days[1] else {}
    masks = filters.quality_masks(loaded) if control == "quality" else filters.size_masks(loaded)
    return {name: int(flags.sum()) for name, flags in masks.items()}


def more_filters(now: OpenModel, controls: Sequence[str]) -> None:
    """Show those of the further filters that are among a page's controls, and have something to choose."""
    wanted: list[More] = [control for control in get_args(More) if control in controls]
    if not wanted:
        return
    decided = known(now.loaded)
    offered = {control: found for control in wanted if (found := counts_of(now.loaded, decided, control))}
    if not offered:
        return
    view = now.view
    active = view.tags or view.clusters or view.reviewed or view.quality or view.sizes or view.dates
    with st.expander("More filters", expanded=bool(active)):
        for control, found in offered.items():
            _SHOWN[control](now, found)


def _several(
    title: str, parameter: str, help: str, chosen: Callable[[OpenModel], tuple[str, ...]], names: Mapping[str, str]
) -> Callable[[OpenModel, dict[str, int]], None]:
    """Make the control of a filter of which several values may be chosen."""

    def show(now: OpenModel, counts: dict[str, int]) -> None:
        texts = {name: f"{names.get(name, visible(name))} ({count:,})" for name, count in counts.items()}
        key = state.key(parameter, texts.values())
        state.sync(key, [name for name in chosen(now) if name in texts])
        st.multiselect(
            title,
            list(texts),
            key=key,
            format_func=lambda name: texts[name],
            on_change=state.on_change(key, lambda value: state.narrow(**{parameter: value})),
            placeholder="all",
            help=help,
        )

    return show


def _reviewed(now: OpenModel, counts: dict[str, int]) -> None:
    options = {**_REVIEWED, "yes": f"{_REVIEWED['yes']} ({counts['yes']:,})"}
    choice("Reviewed", options, "reviewed", "", help="By anybody, in any version", resets=state.PAGES)


def _dates(now: OpenModel, _: dict[str, int]) -> None:
    key = f"choice-date-{now.view.dates}"  # a link, or a chip that goes, makes it anew
    first, last = filters.date_range(now.loaded) or (date.min, date.max)
    chosen = filters.parse_dates(now.view.dates)
    if chosen is not None:
        chosen = min(max(chosen[0], first), last), max(min(chosen[1], last), first)
    st.date_input(
        "Changed",
        list(chosen or ()),
        min_value=first,
        max_value=last,
        key=key,
        format="YYYY-MM-DD",
        on_change=state.on_change(key, _choose_dates),
        help="Only images whose file was changed on these days (UTC), the last one included",
    )


def _choose_dates(days: tuple[date, ...]) -> None:
    if len(days) != 1:  # else the second day is still to be chosen
        state.narrow(date="..".join(day.isoformat() for day in days))


_SHOWN: dict[str, Callable[[OpenModel, dict[str, int]], None]] = {
    "tags": _several("Tags", "tag", "Only images with one of these tags", lambda now: now.view.tags, {}),
    "clusters": _several(
        "Clusters", "cluster", "Only images of one of these named clusters", lambda now: now.view.clusters, {}
    ),
    "reviewed": _reviewed,
    "quality": _several(
        "Picture quality", "quality", "Only images with one of these issues", lambda now: now.view.quality, ISSUES
    ),
    "sizes": _several("Size", "pixels", "Only images of one of these sizes", lambda now: now.view.sizes, SIZES),
    "dates": _dates,
}
