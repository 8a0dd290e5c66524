"""Verdict on the two versions: what differs, which is better, how both agree with marks; and what to do next."""

from __future__ import annotations

import streamlit as st

from dashboards.services.commands import best_command
from dashboards.services.learning.marks import Marks, marks
from dashboards.session import OpenModel
from dashboards.views.compare.comparison import better_of, changed_labels, difference_words, verdict_words
from dashboards.views.compare.pair import Pair, name
from dashboards.widgets.learning.box import AGREEMENT, learn_box
from imgsim.mlflow.promotion import CHAMPION


def show(pair: Pair) -> None:
    """Show the verdict, then how to act on it."""
    before, after = (side.loaded for side in pair.sides)
    st.markdown(difference_words(before, after))
    words = verdict_words(before, after, pair.before.version.version, pair.after.version.version)
    if words:
        changed = " Labels differ, too: a better figure need not mean a better model." if _relabelled(pair) else ""
        st.markdown(words + changed)
    agreed = agreement_words(pair)
    if agreed:
        st.markdown(agreed, help=AGREEMENT)
    best = {"before": pair.before, "after": pair.after}.get(better_of(before, after), pair.now)
    if CHAMPION not in best.version.aliases:
        _make_best(best)
    learn_box(pair.now)


def _relabelled(pair: Pair) -> bool:
    return bool(len(changed_labels(pair.before.loaded, pair.after.loaded)))


def agreement_words(pair: Pair) -> str:
    """Say how well each version agrees with the marks of people; empty where that is not measured in both."""
    found = [marks(side.loaded) for side in pair.sides]
    shares = [one.agreement for one in found]
    if any(share is None for share in shares):
        return ""
    parts = [_agrees(side, one) for side, one in zip(pair.sides, found, strict=True)]
    return f"{', '.join(parts)}: {found[1].alike:,} alike, {found[1].unlike:,} not alike."


def _agrees(side: OpenModel, found: Marks) -> str:
    taught = " (it has learnt from marks)" if found.taught else ""
    return f"{name(side).capitalize()} agrees with **{found.agreement:.0%}** of your marks{taught}"


def _make_best(side: OpenModel) -> None:
    with st.expander(f"Make {name(side)} the best version", icon=":material/star:"):
        st.markdown("Whoever asks for the best version then gets this one. On a machine with the registry:")
        st.code(best_command(side.version), language=None, wrap_lines=True)
