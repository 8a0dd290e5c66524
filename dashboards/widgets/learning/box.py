"""Agreement with the marks of people in words, and the command that learns from them."""

from __future__ import annotations

import streamlit as st

from dashboards.services.commands import learn_command
from dashboards.services.format import counted
from dashboards.services.learning.marks import Marks, marks
from dashboards.session import OpenModel

AGREEMENT = (
    "The share of couples, of an alike pair and one that is not, in which the alike pair is closer; 50 % is chance. "
    "Marks of everybody count"
)
"""Explanation of the figure."""
_TAUGHT = " It has learnt from marks, so this is no proof."


def agreement_words(found: Marks) -> str:
    """Say how well a version agrees with the marks; empty where nothing is marked."""
    if not found.alike and not found.unlike:
        return ""
    pairs = f"{counted(found.alike, 'alike pair')}, {found.unlike:,} not alike"
    if found.agreement is None:
        missing = "not alike" if found.alike else "alike"
        return f"{pairs}: mark some that are {missing}, too, and it is measured how well the distances agree."
    taught = _TAUGHT if found.taught else ""
    return f"Agrees with **{found.agreement:.0%}** of your marks ({pairs}).{taught}"


def show_agreement(now: OpenModel) -> None:
    """Show how well the opened version agrees with the marks, if there are any."""
    words = agreement_words(marks(now.loaded))
    if words:
        st.markdown(words, help=AGREEMENT)


def learn_box(now: OpenModel) -> None:
    """Show what there is to learn from, and the command that learns from it."""
    found = marks(now.loaded)
    with st.expander("Learn from this", icon=":material/school:"):
        pairs = found.alike + found.unlike
        st.markdown(
            f"{counted(found.labels, 'label', mark='**')} and {counted(pairs, 'pair', mark='**')} of this version's "
            "pictures are decided. A metric that is learnt from them, and from the labels that the version has:"
        )
        st.code(learn_command(now.version), language=None, wrap_lines=True)
        st.caption(
            "It is chosen by cross-validation: where nothing is gained, nothing changes. In the pipeline, "
            "`learn: labels` of `embeddings` makes it the next version, to be compared with this one here."
        )
