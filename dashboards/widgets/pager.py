"""Long lists in pages: the page is in the URL, N and P turn it."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

import streamlit as st

from dashboards import state


@dataclass(frozen=True)
class Pages:
    """A page of a list of ``count`` things.

    Parameters
    ----------
    count, size : int
        Of the list and of a page.
    page : int
        From 1.
    name : str
        The parameter of the URL.
    """

    count: int
    size: int
    page: int
    name: str = "page"

    @property
    def last(self) -> int:
        """The last page; an empty list has one, too."""
        return max(1, math.ceil(self.count / self.size))

    @property
    def slice(self) -> slice:
        """The things on this page; a page beyond the last is the last."""
        page = min(max(self.page, 1), self.last)
        return slice((page - 1) * self.size, min(page * self.size, self.count))

    @property
    def words(self) -> str:
        """Part of the list in words: ``"61 to 120 of 9,144"``."""
        part = self.slice
        return f"{part.start + 1:,} to {part.stop:,} of {self.count:,}" if self.last > 1 else f"{self.count:,}"

    def of(self, unit: str, mark: str = "") -> str:
        """Name the part with its unit, given in the plural: ``"61 to 120 of 9,144 images"``, ``"1 image"``."""
        plural = re.match(r"\w*", unit)[0]  # type: ignore[index]  # it matches in any case
        one = plural.removesuffix("es" if plural.endswith("sses") else "s")
        return f"{mark}{self.words}{mark} {one if self.count == 1 else plural}{unit[len(plural) :]}"


def pages(count: int, size: int, name: str = "page") -> Pages:
    """Read the page that the URL asks for; one beyond the last is the last."""
    last = Pages(count, size, 1).last
    return Pages(count, size, state.get_int(name, 1, 1, last), name)


def show(now: Pages, place: str, keys: bool = True) -> None:
    """Show buttons for the pages; nothing where there is one page only.

    Parameters
    ----------
    now : Pages
    place : str
        Tells several of one page apart.
    keys : bool
        Whether N and P turn the pages; for one of them.
    """
    if now.last == 1:
        return
    key = f"{now.name}-{place}"
    with st.container(horizontal=True, vertical_alignment="center", gap="xxsmall", width="content"):
        _turn("Previous", now, -1, f"{key}-previous", "P" if keys else None)
        number = f"{key}-of-{now.last}"  # the number of a longer list would not fit
        state.sync(number, now.page)
        st.number_input(
            "Page",
            1,
            now.last,
            key=number,
            on_change=state.on_change(number, lambda page: _go(now, page)),
            help="Go to a page by its number",
            label_visibility="collapsed",
            width=72,
        )
        st.markdown(f"of {now.last:,}", width="content")
        _turn("Next", now, 1, f"{key}-next", "N" if keys else None)


def _turn(name: str, now: Pages, step: int, key: str, shortcut: str | None) -> None:
    st.button(
        name,
        key=key,
        type="tertiary",
        shortcut=shortcut,
        disabled=not 1 <= now.page + step <= now.last,
        on_click=_go,
        args=(now, now.page + step),
        help=f"{name} page",
    )


def _go(now: Pages, page: int) -> None:
    state.put(**{now.name: str(page) if page > 1 else None})
