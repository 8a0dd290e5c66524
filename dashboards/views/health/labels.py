"""Labels that are probably wrong, each with the neighbours that vote against it."""

from __future__ import annotations

import streamlit as st

from dashboards import state
from dashboards.markdown import plain
from dashboards.services import health
from dashboards.services.format import visible
from dashboards.services.health import Suspect
from dashboards.services.models.loaded_model import Loaded
from dashboards.session import OpenModel
from dashboards.widgets import pager
from dashboards.widgets.details import handle
from dashboards.widgets.gallery import Tile, gallery, tile
from dashboards.widgets.image_list import GROUPS, caption, filtered, say_missing, say_none
from imgsim.insights.labels.errors import LIKELY

_LEAST = round(100 * LIKELY)


def show(now: OpenModel) -> None:
    """Show suspects page by page, the surest first."""
    insight = now.loaded.insight("label_errors")
    if insight is None:
        say_missing("a look at the labels")
        return
    expected, judged = insight.metrics.get("expected_errors", 0), insight.metrics.get("judged", 0)
    st.markdown(
        f"About **{expected:,.0f}** of {judged:,.0f} labels are wrong by chance. Each probability was calibrated on "
        "errors planted in this very collection. The first picture of a row is the suspect; those that vote against "
        "its label follow, the nearest first."
    )
    least = state.get_int("least", _LEAST, 1, 99)
    state.sync("health-least", least)
    st.slider(
        "Least probability",
        1,
        99,
        key="health-least",
        on_change=state.on_change(
            "health-least", lambda value: state.put(least=None if value == _LEAST else str(value), page=None)
        ),
        format="%d %%",
        help="Labels that are less probably wrong are left out",
        width=360,
    )
    table = filtered(now, health.suspects_table(now.loaded, least / 100))
    if not len(table):
        say_none(f"No label is wrong with a probability of {least} % or more.")
        return
    pages = pager.pages(len(table), GROUPS)
    caption(now, pages, "labels, the surest first")
    for suspect in health.suspects(now.loaded, table.iloc[pages.slice]):
        _suspect(now, suspect)
    pager.show(pages, "labels")


def _suspect(now: OpenModel, suspect: Suspect) -> None:
    loaded = now.loaded
    with st.container(border=True):
        rather = f"rather **{plain(suspect.suggestion)}**" if suspect.suggestion else "no other label fits better"
        st.markdown(
            f"**{suspect.probability:.0%}** wrong: labelled **{plain(suspect.label)}**, {rather} "
            f"({suspect.votes} votes against {suspect.votes_given})"
        )
        first = tile(loaded, suspect.row, note="the suspect")
        tiles = [first, *(voter(loaded, near.row, near.distance, near.against) for near in suspect.voters)]
        name = visible(loaded.model.images.paths[suspect.row])
        handle(now, gallery(loaded, tiles, key=f"suspect-{suspect.row}", size="small", label=f"{name} and its voters"))


def voter(loaded: Loaded, row: int, distance: float, against: bool) -> Tile:
    """Make the tile of a neighbour, marked by its vote."""
    labelled = loaded.model.images.labels[row] is not None
    return tile(loaded, row, distance=distance, same=not against if labelled else None)
