"""Decisions about copies, as each page of groups takes them; for callbacks."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from dashboards.services.format import counted
from dashboards.services.models.loaded_model import Loaded
from dashboards.views.tidy_up.duplicates.copies import Choices, OfGroup
from dashboards.widgets.decide import decide
from imgsim.decisions.copies import decide_copies
from imgsim.decisions.kinds import NOT_DUPLICATES


def choose(loaded: Loaded, tier: str, groups: Sequence[pd.DataFrame], choices: Choices) -> None:
    """Keep some copies and spare others; of each group at least one stays."""
    wanted: dict[int, bool] = {**dict.fromkeys(choices.keep, True), **dict.fromkeys(choices.spare, False)}
    allowed: dict[int, bool] = dict.fromkeys(choices.keep, True)
    for group in groups:
        keep = dict(zip(group["row"].tolist(), group["keep"].tolist(), strict=True))
        mine = {row: one for row, one in wanted.items() if row in keep}
        if any((keep | mine).values()):
            allowed |= mine
    if len(allowed) < len(wanted):
        st.toast("One copy of a group has to stay.", icon=":material/block:")
    _record(loaded, tier, groups, allowed)


def of_group(loaded: Loaded, tier: str, groups: Sequence[pd.DataFrame], group: OfGroup) -> None:
    """Decide about a whole group."""
    table = next(table for table in groups if int(table["row"].iloc[0]) == group.row)
    rows = [int(row) for row in table["row"]]
    if group.act == "accept":
        accept(loaded, tier, [table])
    elif group.act == "keep_all":
        _record(loaded, tier, [table], dict.fromkeys(rows, True))
    elif group.act == "different":
        decide(
            loaded,
            rows,
            lambda store, keys, seen: store.mark(keys, NOT_DUPLICATES, version=seen),
            f"{counted(len(rows), 'image')} not duplicates",
        )
    else:
        decide(
            loaded,
            rows,
            lambda store, keys, seen: store.unmark(keys, NOT_DUPLICATES, version=seen),
            f"{counted(len(rows), 'image')} duplicates again",
        )


def accept(loaded: Loaded, tier: str, groups: Sequence[pd.DataFrame]) -> None:
    """Decide about all copies of groups as they are shown."""
    _record(
        loaded,
        tier,
        groups,
        {int(row): bool(keep) for table in groups for row, keep in zip(table["row"], table["keep"], strict=True)},
    )


def _record(loaded: Loaded, tier: str, groups: Sequence[pd.DataFrame], keep: dict[int, bool]) -> None:
    """Record which rows are kept: of files with the same bytes by their paths, else by their contents.

    What is decided so already stays as it is, with the person who decided it and the tier.
    """
    images = loaded.model.images
    there = {int(item.row): bool(item.keep) for table in groups for item in table.itertuples() if item.decided}
    rows = [row for row, one in keep.items() if images.sha256[row] and there.get(row) is not one]
    if not rows:
        return
    hashes, values = [images.sha256[row] for row in rows], [keep[row] for row in rows]
    paths = [images.paths[row] for row in rows] if tier == "same_bytes" else None
    counts = [(sum(values), "kept"), (len(values) - sum(values), "spared")]
    decide(
        loaded,
        rows,
        lambda store, keys, seen: decide_copies(store, hashes, values, paths, tier, version=seen),
        ", ".join(f"{count:,} {word}" for count, word in counts if count),
    )
