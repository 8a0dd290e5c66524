"""Pictures that are in two splits."""

from __future__ import annotations

import streamlit as st

from dashboards.services.format import visible
from dashboards.services.tidy import findings
from dashboards.services.tidy.duplicate_groups import NAMES
from dashboards.session import OpenModel
from dashboards.widgets import pager
from dashboards.widgets.details import handle
from dashboards.widgets.gallery import gallery, tile
from dashboards.widgets.image_list import GROUPS, caption, filtered, say_missing, say_none


def show(now: OpenModel) -> None:
    """Show a table of counts of each kind, and the pairs."""
    insight = now.loaded.insight("leaks")
    if insight is None:
        say_missing("a look for leaks")
        return
    st.markdown("A picture that is in two splits, such as train and test, makes a test look better than it is.")
    note = findings.leak_note(now.loaded)
    if note:
        st.info("No train/test split known.", icon=":material/call_split:")
        return
    counts, pairs = insight.tables["counts"], insight.tables["pairs"]
    if not len(pairs):
        say_none("No picture is in two splits.")
        return
    st.dataframe(
        counts.assign(tier=counts["tier"].map(NAMES), share=100 * counts["share"]),
        hide_index=True,
        alt=f"Table of {len(counts)} pairs of splits with how many images they share",
        column_config={
            "split": "Split",
            "other_split": "Also in",
            "tier": "As",
            "images": st.column_config.NumberColumn("Images", format="localized"),
            "share": st.column_config.NumberColumn("Share of the split", format="%.1f %%"),
        },
    )
    table = filtered(now, pairs)
    pages = pager.pages(len(table), GROUPS)
    caption(now, pages, "pairs")
    for item in table.iloc[pages.slice].itertuples():
        tiles = [
            tile(now.loaded, item.row, note=f"in {visible(item.split)}"),
            tile(now.loaded, item.other, note=f"in {visible(item.other_split)}", duplicate=NAMES[item.tier].lower()),
        ]
        key = f"leak-{item.row}-{item.other}"
        with st.container(border=True):
            handle(now, gallery(now.loaded, tiles, key=key, label="A picture in two splits"))
    pager.show(pages, "leaks")
