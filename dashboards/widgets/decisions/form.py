"""Label and tags of one picture, shown and changed."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from dashboards import state
from dashboards.markdown import plain
from dashboards.services.decided import names
from dashboards.services.format import visible
from dashboards.services.models.loaded_model import Loaded
from dashboards.widgets.decide import decide
from dashboards.widgets.decisions.known import known
from imgsim.decisions import Decisions, Kind
from imgsim.decisions.arguments import tag as checked_tag
from imgsim.decisions.events import Event
from imgsim.decisions.kinds import TAGGED


def label_and_tags(loaded: Loaded, row: int) -> None:
    """Show a field for the label of a picture and one for its tags; nothing where the store cannot be read."""
    found = known(loaded)
    if found is None:
        return
    labels, tags = names(loaded)
    label, mine = found.labels[row] or loaded.model.images.labels[row], found.tags.get(row, ())
    keys = f"label-of-{loaded.token}-{row}", f"tags-of-{loaded.token}-{row}"
    state.sync(keys[0], label)
    state.sync(keys[1], list(mine))
    left, right = st.columns(2)
    left.selectbox(
        "Label",
        sorted({*labels, *([] if label is None else [label])}),
        index=None,
        key=keys[0],
        format_func=visible,
        accept_new_options=True,
        placeholder="no label",
        on_change=state.on_change(keys[0], lambda value: _set_label(loaded, row, value)),
        help=f"Decide it; an empty field goes back to the model's: {plain(loaded.model.images.labels[row] or 'none')}",
    )
    right.multiselect(
        "Tags",
        sorted({*tags, *mine}),
        key=keys[1],
        format_func=visible,
        accept_new_options=True,
        placeholder="no tags",
        on_change=state.on_change(keys[1], lambda value: _set_tags(loaded, row, mine, value)),
        help="Words of your own; pictures can be found by them",
    )


def _set_label(loaded: Loaded, row: int, label: str | None) -> None:
    words = "label taken back" if label is None else f"1 labelled {visible(label)}"
    decide(loaded, [row], lambda store, keys, seen: store.set_label(keys, label, version=seen), words)


def _set_tags(loaded: Loaded, row: int, before: Sequence[str], after: Sequence[str]) -> None:
    """Record the tags that came and went as one action."""
    new, gone = set(after) - set(before), set(before) - set(after)

    def act(store: Decisions, keys: list[str], seen: str) -> int:
        rows = [Event(Kind.TAG, key, TAGGED, key=checked_tag(tag)) for key in keys for tag in sorted(new)]
        rows += [Event(Kind.TAG, key, None, key=tag) for key in keys for tag in sorted(gone)]
        return store.record("tag" if new else "untag", rows, version=seen)

    if new or gone:
        words = [f"tagged {tag}" for tag in sorted(new)] + [f"tag {tag} removed" for tag in sorted(gone)]
        decide(loaded, [row], act, visible(", ".join(words)))
