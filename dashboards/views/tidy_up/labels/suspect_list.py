"""List of doubtful labels, each with the neighbours that vote against it, and with what was decided about it."""

from __future__ import annotations

import streamlit as st

from dashboards.markdown import plain
from dashboards.services.decided import Decided, decided
from dashboards.services.format import counted, visible
from dashboards.services.models.loaded_model import Loaded
from dashboards.services.tidy import findings
from dashboards.services.tidy.findings import Suspect
from dashboards.session import OpenModel
from dashboards.widgets import pager
from dashboards.widgets.details import Rows, handle
from dashboards.widgets.gallery import Tile, gallery, tile
from dashboards.widgets.image_list import GROUPS, caption, filtered, say_none
from imgsim.insights.labels.errors import LIKELY


def show(now: OpenModel) -> None:
    """Show suspects page by page, the most doubtful first: as long as a neighbour disagrees, the list goes on."""
    st.markdown(
        "Each probability was calibrated on errors planted in this very collection. The first picture of a row is the "
        "suspect; those that vote against its label follow, the nearest first."
    )
    table = filtered(now, findings.suspects_table(now.loaded))
    if not len(table):
        say_none("No image has a neighbour with another label.")
        return
    likely, doubtful = int((table["probability"] >= LIKELY).sum()), int(findings.is_doubtful(table).sum())
    pages = pager.pages(len(table), GROUPS)
    caption(now, pages, "labels, the most doubtful first")
    st.caption(
        f"{likely:,} of them are wrong with {LIKELY:.0%} or more; {counted(doubtful, 'has', 'have')} "
        "more neighbours of another label than of their own."
    )
    known = decided(now.loaded)
    for suspect in findings.suspects(now.loaded, table.iloc[pages.slice]):
        _suspect(now, suspect, table["row"].to_numpy(), known)
    pager.show(pages, "labels")


def _suspect(now: OpenModel, suspect: Suspect, among: Rows, known: Decided) -> None:
    loaded = now.loaded
    with st.container(border=True):
        st.markdown(suspect_words(suspect) + decided_words(suspect, known))
        first = tile(loaded, suspect.row, note="the suspect")
        tiles = [first, *(voter(loaded, near.row, near.distance, near.against, known) for near in suspect.voters)]
        name = visible(loaded.model.images.paths[suspect.row])
        action = gallery(loaded, tiles, key=f"suspect-{suspect.row}", size="small", label=f"{name} and its voters")
        handle(now, action, among if action is not None and action.row == suspect.row else None)


def suspect_words(suspect: Suspect) -> str:
    """Ask the question of a suspect in a line of markdown: its label, what its neighbours are, how sure that is."""
    chance = f"{suspect.probability:.0%}" if suspect.probability >= 0.01 else "under 1%"
    question = f"**{plain(suspect.label)}?**"
    if not suspect.suggestion:
        return f"{question} No other label fits better; wrong with {chance}."
    return (
        f"{question} {suspect.votes} of {len(suspect.voters)} neighbours are **{plain(suspect.suggestion)}**, "
        f"{suspect.votes_given} {'is' if suspect.votes_given == 1 else 'are'} {plain(suspect.label)}; "
        f"wrong with {chance}."
    )


def decided_words(suspect: Suspect, known: Decided) -> str:
    """Say in markdown what was decided about a suspect; empty if nothing was."""
    label = known.labels[suspect.row]
    if label is not None:
        return f" :green-badge[labelled {plain(label)}]"
    return " :green-badge[kept]" if suspect.row in known.reviewed else ""


def voter(loaded: Loaded, row: int, distance: float, against: bool, known: Decided) -> Tile:
    """Make the tile of a neighbour, marked by its vote, with the label that people gave it since."""
    labelled, label = loaded.model.images.labels[row], known.labels[row]
    note = "" if label is None or label == labelled else f"now {visible(label)}"
    return tile(loaded, row, distance=distance, same=None if labelled is None else not against, note=note)
