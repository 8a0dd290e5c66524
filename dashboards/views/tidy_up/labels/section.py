"""Doubtful labels: one by one, or all in a list."""

from __future__ import annotations

import streamlit as st

from dashboards.session import OpenModel
from dashboards.views.tidy_up.labels import review, suspect_list
from dashboards.widgets.image_list import say_missing
from dashboards.widgets.url_choice import choice
from imgsim.insights.labels.errors import words


def show(now: OpenModel) -> None:
    """Show the queue, or the list that the URL asks for."""
    insight = now.loaded.insight("label_errors")
    if insight is None:
        say_missing("a look at the labels")
        return
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.markdown(words(insight), width="content")
        shown = choice(
            "Labels",
            {"queue": "One by one", "list": "List"},
            "show",
            "queue",
            help="Review one label after the other, or look at all that a neighbour disagrees with",
            hide_label=True,
            resets=("page",),
        )
    if shown == "list":
        suspect_list.show(now)
    else:
        review.show(now)
