"""The answer to a query as a ranked gallery, or why there is none; and the images that a search by name found."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import cast

import streamlit as st

from dashboards import state
from dashboards.markdown import plain
from dashboards.services import search, words
from dashboards.services.answers import find
from dashboards.services.answers.likeness import distance_words, legend
from dashboards.services.answers.tally import likely, tally
from dashboards.services.decided import known
from dashboards.services.models.loaded_model import Loaded
from dashboards.services.query import Query
from dashboards.services.search import Hit, Results
from dashboards.session import OpenModel
from dashboards.widgets import basket_state, pager
from dashboards.widgets.details import handle
from dashboards.widgets.gallery import Kind, Size, Tile, gallery, tile
from dashboards.widgets.url_choice import choice

SIZES: dict[str, str] = {"small": "S", "medium": "M", "large": "L"}
_FOUND, _LABELS = 60, 8

Steer = Mapping[Kind, Callable[[int], None]]


def answer(now: OpenModel, query: Query, steer: Steer, example: bool, yours: Mapping[int, str] | None = None) -> None:
    """Show the nearest images.

    Parameters
    ----------
    now : OpenModel
    query : Query
    steer : mapping of str to callable
        What asks anew with a row, by action.
    example : bool
        Whether nobody asked this.
    yours : mapping of int to str, optional
        Rows that are pictures of the user, and in what way; None where no picture of the user is asked with.
    """
    if query.vector is None:
        st.warning(
            "These pictures cancel each other out, so nothing is left to look for. Change a weight, or take one out.",
            icon=":material/balance:",
        )
        return
    loaded, view = now.loaded, now.view
    results = search.rank_images(
        loaded,
        query.vector,
        k=view.k,
        filters=view.filters,
        cut=view.cut,
        same=view.same,
        label=query.label,
        collapse=view.collapse,
        exclude=query.exclude,
        own=query.own,
        in_words=query.in_words,
    )
    if query.in_words:
        st.caption(
            "Distances are in the space that words and pictures share in this network: larger than between pictures, "
            "and only their order counts."
        )
    size = _header(now, results, query.label, example)
    if not results.hits:
        _nothing(now, query, results)
        return
    _explain(now, query, results, yours is not None)
    tiles = [_tile(loaded, hit, (yours or {}).get(hit.row), query.in_words) for hit in results.hits]
    action = gallery(loaded, tiles, key="answer", size=size, label="Nearest images", before=steer, query=query.stored)
    handle(now, action)


def _tile(loaded: Loaded, hit: Hit, yours: str | None, in_words: bool) -> Tile:
    meaning = "" if in_words else distance_words(loaded, hit.distance)
    return tile(
        loaded,
        hit.row,
        rank=hit.rank,
        distance=hit.distance,
        same=hit.same,
        duplicate=yours or hit.duplicate,
        meaning=meaning,
    )


def _explain(now: OpenModel, query: Query, results: Results, uploaded: bool) -> None:
    """Say what the distances mean and which labels are in the answer; a click on a label filters."""
    loaded, rows = now.loaded, [hit.row for hit in results.hits]
    counts = tally(loaded, rows)
    label = likely(counts, len(rows)) if uploaded else None
    said = "" if label is None else f"Likely: **{plain(label)}**, {counts[label]:,} of {len(rows):,}. "
    if not query.in_words:
        said += plain(legend(loaded, results.hits[0].distance, results.hits[-1].distance))
    if said:
        st.caption(said)
    chosen = [label for label in now.view.labels if label in loaded.labels]
    offered = list(dict.fromkeys([*list(counts)[:_LABELS], *chosen]))
    if len(offered) > 1 or chosen:
        texts = {label: f"{plain(label)} {counts.get(label, 0):,}" for label in offered}
        key = state.key("tally", texts.values())
        state.sync(key, chosen)
        st.pills(
            "Labels of these results",
            offered,
            selection_mode="multi",
            key=key,
            on_change=state.on_change(key, lambda value: state.narrow(label=value)),
            format_func=lambda label: texts[label],
            help="The labels of the results, and how many have each; a click shows only images with the label",
            label_visibility="collapsed",
        )


def _header(now: OpenModel, results: Results, label: str | None, example: bool) -> Size:
    """Describe the answer; return the chosen size of tiles."""
    if example:
        st.caption("An example. Choose a query of your own, or click a picture to search with it.")
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="answer-bar"):
        st.markdown(summary(results, label), width="stretch")
        return _size_and_add_all(now, [hit.row for hit in results.hits])


def _size_and_add_all(now: OpenModel, rows: list[int]) -> Size:
    """Show the buttons of a list; return the chosen size of its tiles."""
    size = choice("Size", SIZES, "size", "medium", help="Of the tiles: small, medium or large", hide_label=True)
    st.button(
        "Add all",
        icon=":material/shopping_basket:",
        on_click=basket_state.add_all,
        args=(now.loaded, rows),
        disabled=not rows,
        help="Put all images of this list into the basket",
    )
    return cast(Size, size)


def summary(results: Results, label: str | None) -> str:
    """Describe an answer in a line of markdown."""
    count = len(results.hits)
    parts = [f"**{count:,}** nearest of {results.considered:,}"]
    if label is not None and count:
        parts.append(f"**{sum(hit.same is True for hit in results.hits):,}** labelled {plain(label)} like the query")
    if results.collapsed:
        parts.append(f"{results.collapsed:,} near-duplicates collapsed")
    parts.append(f"{results.seconds * 1000:.1f} ms")
    return " · ".join(parts)


def _nothing(now: OpenModel, query: Query, results: Results) -> None:
    """Say why no image is shown, and offer what brings some back."""
    view = now.view
    assert query.vector is not None
    if results.considered:
        nearest = search.nearest_distance(
            now.loaded, query.vector, filters=view.filters, exclude=query.exclude, in_words=query.in_words
        )
        if view.cut and nearest is not None and nearest > view.cut:
            st.info(
                f"The nearest image is at {nearest:.3f}, beyond {view.cut:g}: “Only closer than” leaves it out.",
                icon=":material/straighten:",
            )
            st.button("Any distance", on_click=partial(state.put, cut=None), help="Switch “Only closer than” off")
        else:
            st.info("Only near-duplicates of the query are left, and they are collapsed.", icon=":material/layers:")
            st.button("Show duplicates", on_click=partial(state.put, collapse=None), help="Do not collapse them")
        return
    st.info("No image passes the filters of the sidebar.", icon=":material/filter_alt_off:")
    st.button("Clear the filters", on_click=_clear, help="All filters, and the choice of labels to show")


def _clear() -> None:
    state.clear_filters(same=None)


def found(now: OpenModel, steer: Steer) -> None:
    """Show the images with what was typed in their path, label or tags."""
    text = state.get("find")
    images = find.find_images(now.loaded, text, known(now.loaded).tagged)
    pages = pager.pages(len(images.rows), _FOUND)
    if not len(images.rows):
        _none_found(now, text)
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="answer-bar"):
        if len(images.rows):
            st.markdown(f"{pages.of('images', '**')} {where_words(text, images.where)}", width="stretch")
        size = _size_and_add_all(now, images.rows.tolist())
        back = partial(state.put, find=None, page=None)
        st.button("Back to results", icon=":material/close:", on_click=back, help="Close this list")
    tiles = [tile(now.loaded, row) for row in images.rows[pages.slice].tolist()]
    action = gallery(now.loaded, tiles, key="found", size=size, label="Images found", before=steer, among=images.rows)
    handle(now, action, among=images.rows)
    pager.show(pages, "found")


def where_words(text: str, where: Mapping[str, int]) -> str:
    """Say in markdown where a text was found: ``with cube in the path or label``."""
    for prefix in (find.LABEL, find.TAG):
        if text.startswith(prefix):
            return f"with the {prefix[:-1]} {plain(text.removeprefix(prefix))}"
    return f"with {plain(text)} in the {' or '.join(where)}"


def _none_found(now: OpenModel, text: str) -> None:
    tower = (
        ""
        if words.takes_words(now.loaded)
        else " What pictures show cannot be searched in words: this version's network has no text tower."
    )
    st.info(
        f"No image has {plain(text)} in its path, label or tags, and none has it as id or key.{tower} Type less, or "
        "browse.",
        icon=":material/search_off:",
    )


def offer_list(now: OpenModel, text: str) -> None:
    """Offer the images with the words of a query in their path, label or tags; nothing where there is none."""
    images = find.find_images(now.loaded, text, known(now.loaded).tagged)
    if len(images.rows):
        st.button(
            f"List {pager.Pages(len(images.rows), len(images.rows), 1).of('images')} {where_words(text, images.where)}",
            icon=":material/list:",
            on_click=partial(state.put, find=text, page=None),
            help="In place of those that show what the words say",
        )


def neighbours(side: OpenModel, row: int) -> Results:
    """Rank the nearest images of a stored image, without itself, as the sidebar wants them."""
    view, loaded = side.view, side.loaded
    return search.rank_images(
        loaded,
        loaded.model.embeddings[row],
        k=view.k,
        filters=view.filters,
        cut=view.cut,
        same=view.same,
        label=loaded.model.images.labels[row],
        collapse=view.collapse,
        exclude=[row],
    )
