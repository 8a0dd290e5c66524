"""A choice among a few options, kept in the URL."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from dashboards import state
from dashboards.markdown import plain


def choice(
    label: str,
    options: Mapping[str, str],
    name: str,
    default: str,
    *,
    help: str,
    hide_label: bool = False,
    explicit: bool = False,
    resets: tuple[str, ...] = (),
) -> str:
    """Show a few options side by side; return what the URL says, or ``default``.

    Parameters
    ----------
    label : str
    options : mapping of str to str
        Value in the URL to what people read.
    name : str
        Of the parameter in the URL; ``default`` is left out of it.
    default : str
    help : str
    hide_label : bool
        From sight; screen readers still read it.
    explicit : bool
        Whether a chosen ``default`` is written all the same: because it depends on the model, and a link should not.
    resets : tuple of str
        Parameters that mean nothing any more once another option is chosen.
    """
    said = state.get(name)
    current = said if said in options else default

    def put(value: Any) -> None:
        said = None if value is None or (value == default and not explicit) else str(value)
        state.put(**{name: said}, **dict.fromkeys(resets))

    texts = {option: plain(text) for option, text in options.items()}
    key = state.key(name, texts.values())
    state.sync(key, current)
    st.segmented_control(
        label,
        list(texts),
        required=True,
        key=key,
        on_change=state.on_change(key, put),
        format_func=lambda option: texts[option],
        help=help,
        label_visibility="collapsed" if hide_label else "visible",
    )
    return current
