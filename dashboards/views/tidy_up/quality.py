"""Pictures that are blurred, dark, bright, empty or oddly shaped."""

from __future__ import annotations

import streamlit as st

from dashboards.services.tidy import findings
from dashboards.session import OpenModel
from dashboards.widgets.gallery import tile
from dashboards.widgets.image_list import picture_list, say_missing, say_none
from dashboards.widgets.url_choice import choice


def show(now: OpenModel) -> None:
    """Show the images with an issue, the worst first."""
    if now.loaded.insight("quality") is None:
        say_missing("a look at the pictures' quality")
        return
    counts = findings.issue_counts(now.loaded)
    if not counts:
        say_none("No picture is blurry, dark, too bright, almost empty, or of an odd shape or size.")
        return
    options = {name: f"{findings.ISSUES[name]} {count:,}" for name, count in counts.items()}
    issue = choice(
        "Issue",
        options,
        "issue",
        next(iter(options)),
        help="Measured on thumbnails; a picture may have several issues",
        explicit=True,
        resets=("page",),
    )
    st.markdown(f"Measured is the **{findings.MEASURED[issue]}**; the limit fits this collection.")
    picture_list(
        now,
        findings.issue_rows(now.loaded, issue),
        f"images that are {findings.ISSUES[issue]}, the worst first",
        lambda item: tile(now.loaded, item.row, note=f"{item.value:.3g}, the limit is {item.threshold:.3g}"),
    )
