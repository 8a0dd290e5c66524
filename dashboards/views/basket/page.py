"""The page of the basket: images put aside on all pages and of all versions, to take home or to search with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial

import streamlit as st

from dashboards import state
from dashboards.markdown import plain
from dashboards.services import tables
from dashboards.services.format import visible
from dashboards.services.models import registry
from dashboards.services.models.loaded_model import Loaded
from dashboards.services.query_text import MOST_TERMS, MOST_WEIGHT
from dashboards.services.tables import Share
from dashboards.session import OpenModel, current
from dashboards.views.basket import download, saved
from dashboards.widgets import basket_state, decide, pager
from dashboards.widgets.details import handle
from dashboards.widgets.gallery import Kind, gallery, tile
from imgsim.errors import RegistryError
from imgsim.mlflow.registry import resolve

SIZE = 60
HERE: tuple[Kind, ...] = ("query", "details", "walk", "basket")
ELSEWHERE: tuple[Kind, ...] = ("query", "basket")


def page(now: OpenModel) -> None:
    """Show what is in the basket, the open version first."""
    here = (now.loaded.name, now.loaded.version)
    places = sorted(basket_state.versions(), key=lambda place: place != here)
    if not places:
        _empty()
        saved.show(now)
        return
    shares = [share for share in (_share(now, *place) for place in places) if share is not None]
    if shares:
        _take(now, shares)
    for number, share in enumerate(shares):
        _show(now, share, number, heading=len(places) > 1 or share.loaded is not now.loaded)
    saved.show(now)


def _empty() -> None:
    st.info(
        "The basket is empty. The basket button of any picture, or the key B on it, puts it here; “Add all” of an "
        "answer or of an area of the map puts many.",
        icon=":material/shopping_basket:",
    )
    with st.container(horizontal=True):
        if st.button("Browse", icon=":material/grid_view:", help="Leaf through the collection"):
            state.go("browse")
        if st.button("Map", icon=":material/scatter_plot:", help="Draw around images"):
            state.go("map")


def _share(now: OpenModel, name: str, version: str) -> Share | None:
    """Open the images of a version; None, and a warning, when it cannot be opened."""
    rows = basket_state.rows_of(name, version)
    if (name, version) == (now.loaded.name, now.loaded.version):
        return Share(now.loaded, rows)
    try:
        loaded = registry.load(resolve(name, version))
    except RegistryError as problem:
        st.warning(
            f"{_images(len(rows))} of version {plain(version)} of {plain(name)} cannot be shown now and not be "
            f"downloaded; the basket keeps them. {plain(problem)}",
            icon=":material/cloud_off:",
        )
        return None
    return Share(Loaded(name, version, loaded.token, loaded.model) if loaded.version != version else loaded, rows)


def _take(now: OpenModel, shares: list[Share]) -> None:
    """Show the actions for all images; a download is made when it is asked for."""
    count = sum(len(share.rows) for share in shares)
    of = f" of {len(shares)} versions" if len(shares) > 1 else ""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"{_images(count, '**')}{of}", width="stretch")
        if shares[0].loaded is now.loaded:
            _ask(now, shares[0].rows)
        saved.save(now, shares)
        st.download_button(
            "CSV",
            lambda: tables.image_csv(tables.image_table(shares)),
            "basket.csv",
            "text/csv",
            icon=":material/download:",
            on_click="ignore",
            help="A line per image: model, version, path, label, sha256 and size. Text that a spreadsheet would run as "
            "a formula gets an apostrophe",
        )
        st.download_button(
            "Parquet",
            lambda: download.parquet(tables.image_table(shares)),
            "basket.parquet",
            "application/vnd.apache.parquet",
            icon=":material/download:",
            on_click="ignore",
            help="The same table with every name as it is",
        )
        st.download_button(
            "Zip",
            lambda: download.archive(shares),
            "basket.zip",
            "application/zip",
            icon=":material/folder_zip:",
            on_click="ignore",
            help="The table and the thumbnails. The original files are where the collection is: the registry, which is "
            "all this page needs, holds none of them",
        )
        st.button("Clear", icon=":material/delete:", on_click=_clear, help="Take everything out; Ctrl+Z puts it back")


def _ask(now: OpenModel, rows: tuple[int, ...]) -> None:
    """Search with the images of the open version, each with a weight."""
    paths = now.loaded.model.images.paths
    asked = rows[:MOST_TERMS]
    with st.popover("Search with these", icon=":material/image_search:", help="Search for what they have in common"):
        if len(rows) > len(asked):
            st.caption(f"A query holds up to {MOST_TERMS} images: these are the first.")
        with st.form("basket-query", border=False):
            weights = [
                st.number_input(
                    plain(visible(paths[row])),
                    -MOST_WEIGHT,
                    MOST_WEIGHT,
                    1.0,
                    step=0.5,
                    key=f"basket-weight-{now.loaded.token}-{row}",
                    help="How much it counts; below 0 the answer keeps away from it, 0 leaves it out",
                )
                for row in asked
            ]
            if st.form_submit_button("Search", type="primary", help="Open the page Search with this query"):
                text = download.as_query(now.loaded, asked, weights)
                if text:
                    state.go("search", q=text)
                st.warning("Every weight is 0, so there is nothing to search with.", icon=":material/balance:")


def _show(now: OpenModel, share: Share, number: int, heading: bool) -> None:
    """Show the images of one version, page by page."""
    loaded, open_here = share.loaded, share.loaded is now.loaded
    if heading:
        st.header(f"{plain(loaded.name)}, version {plain(loaded.version)}", anchor=False)
    pages = pager.pages(len(share.rows), SIZE, "page" if not number else f"page{number + 1}")
    if pages.last > 1:
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            st.caption(pages.of("images"), width="content")
            pager.show(pages, "top", keys=not number)
    tiles = [tile(loaded, row) for row in share.rows[pages.slice]]
    actions = HERE if open_here else ELSEWHERE
    action = gallery(
        loaded,
        tiles,
        key=f"basket-{loaded.name}-{loaded.version}",
        actions=actions,
        label="The basket",
        among=share.rows,
    )
    if open_here:
        handle(now, action, among=share.rows)
    elif action is not None:  # a picture of another version is asked with there
        state.go("search", q=loaded.key(action.row), model=loaded.name, version=loaded.version)


def _images(count: int, mark: str = "") -> str:
    return f"{mark}{count:,}{mark} {'image' if count == 1 else 'images'}"


def _clear() -> None:
    """Empty the basket, and offer to put everything back."""
    kept = {place: basket_state.rows_of(*place) for place in basket_state.versions()}
    decide.offer(f"{_images(sum(map(len, kept.values())))} taken out of the basket", partial(_put_back, kept))
    _empty_of(kept)


def _empty_of(places: Iterable[tuple[str, str]]) -> None:
    for place in places:
        basket_state.clear(*place)


def _put_back(kept: Mapping[tuple[str, str], tuple[int, ...]]) -> tuple[int, decide.Reverse]:
    for place, rows in kept.items():
        basket_state.put_back(*place, rows)
    return 0, partial(_clear_again, kept)


def _clear_again(kept: Mapping[tuple[str, str], tuple[int, ...]]) -> tuple[int, decide.Reverse]:
    _empty_of(kept)
    return 0, partial(_put_back, kept)


page(current())
