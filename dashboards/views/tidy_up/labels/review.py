"""Review of doubtful labels, one by one: take the suggestion, keep the label, give another one, or skip."""

from __future__ import annotations

from functools import partial
from typing import cast

import numpy as np
import streamlit as st

from dashboards import state
from dashboards.markdown import plain
from dashboards.services.commands import pipeline_command
from dashboards.services.decided import Decided, decided
from dashboards.services.format import counted, visible
from dashboards.services.models.loaded_model import Loaded
from dashboards.services.tidy import findings
from dashboards.services.tidy.findings import Suspect
from dashboards.services.tidy.label_queue import Queue, label_queue, outcome
from dashboards.session import OpenModel
from dashboards.views.tidy_up.labels.suspect_card import Answer, suspect_card
from dashboards.views.tidy_up.labels.suspect_list import voter
from dashboards.widgets import details
from dashboards.widgets.decide import decide
from dashboards.widgets.gallery import gallery
from dashboards.widgets.image_list import filtered, say_none

EVERYTHING = "doubt"
"""Parameter of the URL: ``any`` takes labels in that some neighbours disagree with."""
_SKIPPED = "labels-skipped"
_CHANGES = 5


def show(now: OpenModel) -> None:
    """Show the suspect that is next; after the last, what was decided."""
    loaded, known = now.loaded, decided(now.loaded)
    table = filtered(now, findings.suspects_table(loaded))
    if not len(table):
        say_none("No image has a neighbour with another label.")
        return
    queue = label_queue(known, table, everything=state.get(EVERYTHING) == "any")
    following = queue.following(_skipped(loaded))
    if not len(following):
        _end(now, known, queue)
        return
    suspect = findings.suspects(loaded, following.head(1))[0]
    picture, neighbours = st.columns([2, 3], gap="medium")
    with picture:
        asked = suspect_card(
            loaded,
            suspect,
            reviewed=queue.reviewed,
            total=len(queue),
            following=following["row"].tolist()[1:],
            answered=partial(_answer, loaded, suspect),
        )
        if asked:
            details.show(now, suspect.row, queue.table["row"].to_numpy(np.int64)[~queue.done])
    with neighbours:
        st.markdown("**Its neighbours**, those that vote against its label first")
        tiles = [voter(loaded, near.row, near.distance, near.against, known) for near in suspect.voters]
        details.handle(now, gallery(loaded, tiles, key="suspect-voters", label="Neighbours of the suspect"))


def _answer(loaded: Loaded, suspect: Suspect, answer: Answer) -> None:
    """Record an answer; for callbacks."""
    row = suspect.row
    known = {visible(label): label for label in loaded.labels}
    label = suspect.suggestion if answer.kind == "take" else known.get(answer.label, answer.label)
    if answer.kind == "skip":
        skipped = [one for one in _skipped(loaded) if one != row]
        st.session_state[_SKIPPED] = (loaded.token, [*skipped, row])
    elif answer.kind == "keep":
        decide(loaded, [row], lambda store, keys, seen: store.mark(keys, "reviewed", version=seen), "1 label kept")
    elif label:
        decide(
            loaded,
            [row],
            lambda store, keys, seen: store.set_label(keys, label, version=seen),
            f"1 labelled {label}",
        )


def _skipped(loaded: Loaded) -> list[int]:
    """Return the rows that were skipped in this session, in this order."""
    token, rows = cast("tuple[str, list[int]]", st.session_state.get(_SKIPPED, ("", [])))
    return rows if token == loaded.token else []


def _end(now: OpenModel, known: Decided, queue: Queue) -> None:
    """Say what was decided, and what comes next."""
    found = outcome(now.loaded, known, queue)
    total = counted(len(queue), "doubtful label is", "doubtful labels are")
    st.success(f"Done: {total} reviewed.", icon=":material/check_circle:")
    changes = ", ".join(f"{plain(old)} → {plain(new)} {count:,}" for old, new, count in found.changed[:_CHANGES])
    more = "" if len(found.changed) <= _CHANGES else f", and {len(found.changed) - _CHANGES:,} other changes"
    st.markdown(
        f"- **{found.count:,}** labelled anew{': ' if changes else ''}{changes}{more}\n"
        f"- **{found.kept:,}** kept as they are\n\n"
        "The next version has these labels. Let it learn from them, or make it over the same pictures:"
    )
    command = pipeline_command(now.version)
    st.code(f"imgsim learn {now.version.uri} -o learnt.imgsim\n{command}", language=None, wrap_lines=True)
    if queue.beyond:
        st.button(
            f"Go on with {counted(queue.beyond, 'label')} that some neighbours doubt",
            on_click=partial(state.put, **{EVERYTHING: "any"}),
            icon=":material/arrow_forward:",
            help="Most of these labels are right",
        )
