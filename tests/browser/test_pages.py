"""What holds on every page: its style, the browser's history, links, narrow windows, the focus, and lists in view."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest

from dashboards.services.page_names import RENAMED
from tests.dashboard_browser import ANSWER, TITLES, asked, choose_first_row, ranks, settled, wait_for

pytestmark = pytest.mark.slow

AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
VIOLATIONS = """async tags => {
    const found = await axe.run(document, { runOnly: { type: "tag", values: tags } });
    return found.violations.flatMap(rule => rule.nodes.map(node => `${rule.id}: ${node.target} ${node.html}`));
}"""
STYLED = "getComputedStyle(document.querySelector('h1')).fontSize === '28px'"
SCROLLED = "document.querySelector('[data-testid=stMain]').scrollTop"
IN_VIEW = """key => {
    const box = document.querySelector(`.st-key-${key}`)?.getBoundingClientRect();
    return box && box.top > -1 && box.top < innerHeight - 100;
}"""


def test_a_basket_action_leaves_the_style_as_it_was(visit: Callable[..., Any]) -> None:
    page = visit(color_scheme="dark")
    ranks(page)
    page.wait_for_function(STYLED)
    top = page.locator(f"{ANSWER} .tile").first.bounding_box()["y"]
    page.keyboard.press("ArrowRight")
    page.keyboard.press("b")
    page.locator(f"{ANSWER} .tile.in-basket").wait_for()
    message = page.get_by_test_id("stToast")
    message.first.wait_for()
    settled(page)
    assert page.evaluate(STYLED)
    assert abs(page.locator(f"{ANSWER} .tile").first.bounding_box()["y"] - top) < 30  # the font may come late
    assert message.first.bounding_box()["y"] > 450, "no button of a page lies at the bottom"


def test_many_quick_keys_all_reach_the_basket(visit: Callable[..., Any]) -> None:
    page = visit()
    count = len(ranks(page))
    page.keyboard.press("ArrowRight")
    for _ in range(count):
        page.keyboard.press("b")
        page.keyboard.press("ArrowRight")
    page.locator(f"{ANSWER} .tile.in-basket").nth(count - 1).wait_for()


def test_one_click_is_one_step_of_the_history(visit: Callable[..., Any]) -> None:
    page = visit("/browse?size=large&page=2")
    page.locator('.tiles[aria-label="The collection"] .tile').first.wait_for()
    settled(page)
    assert (asked(page, "model"), asked(page, "version")) == ("imgsim-tiny", "2"), "a link shows the same tomorrow"
    start, length = page.url, page.evaluate("history.length")
    tile = page.locator('.tiles[aria-label="The collection"] .main').nth(12)
    tile.scroll_into_view_if_needed()
    top = page.evaluate(SCROLLED)
    assert top > 0
    tile.click()
    first = wait_for(page, "q", "")
    names = ranks(page)
    page.locator(f"{ANSWER} .main").nth(1).click()
    wait_for(page, "q", first)
    page.wait_for_function("trail => location.search.includes('trail=')", arg=None)
    assert page.evaluate("history.length") == length + 2
    page.go_back()
    page.wait_for_url(lambda url: f"q={first}" in url and "trail=" not in url)
    page.wait_for_function(
        "([list, name]) => [...document.querySelectorAll('.stApp *')].map(e => e.shadowRoot).filter(Boolean)"
        ".some(root => root.querySelector(list + ' .main')?.ariaLabel === name)",
        arg=[ANSWER, names[0]],
    )
    page.go_back()
    page.wait_for_url(start)
    page.locator('.tiles[aria-label="The collection"] .tile').first.wait_for()
    page.wait_for_function(f"top => Math.abs({SCROLLED} - top) < 2", arg=top)


def test_an_unknown_picture_leads_to_the_version_that_has_it(visit: Callable[..., Any]) -> None:
    page = visit("/?version=2&q=r43")
    ranks(page)
    page.goto(urljoin(page.url, "/?version=1&q=r43"))
    page.get_by_text("This picture is not in version 1 of tiny; it was in version 2 of tiny.").wait_for()
    page.get_by_role("button", name="Open version 2 of tiny").click()
    wait_for(page, "version", "1")
    assert len(ranks(page)) == 20


@pytest.mark.parametrize(("old", "new"), RENAMED.items())
def test_an_older_link_leads_to_the_page_as_it_is_called_now(visit: Callable[..., Any], old: str, new: str) -> None:
    page = visit(f"/{old}?version=1&label=torus&label=cube")
    page.locator("h1").get_by_text(TITLES[new]).wait_for()
    settled(page)
    assert f"/{new}?version=1&label=torus&label=cube" in page.url
    page.goto(urljoin(page.url, f"/{old}"))
    page.locator("h1").get_by_text(TITLES[new]).wait_for()


@pytest.mark.parametrize("width", [800, 1000])
def test_a_narrow_window_has_room_for_search(visit: Callable[..., Any], width: int) -> None:
    page = visit(viewport={"width": width, "height": 900})
    ranks(page)
    assert page.get_by_role("combobox", name="Find").bounding_box()["width"] > 120
    said = page.locator(".st-key-answer-bar [data-testid=stMarkdown]").first.bounding_box()
    assert said["height"] < 60, "the summary takes two lines at most"
    button = page.get_by_role("button", name="Random").bounding_box()
    assert button["x"] + button["width"] < width


def test_the_focus_returns_to_the_tile(visit: Callable[..., Any]) -> None:
    page = visit()
    said = ranks(page)
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("d")
    page.get_by_role("dialog").wait_for()
    page.keyboard.press("Escape")
    page.get_by_role("dialog").wait_for(state="detached")
    page.locator(f"{ANSWER} .main:focus").wait_for()
    assert page.locator(f"{ANSWER} .main:focus").get_attribute("aria-label") == said[2]


def test_another_filter_begins_at_the_first_page(visit: Callable[..., Any]) -> None:
    page = visit("/browse?size=large&page=2")
    page.get_by_text("31 to").wait_for()
    page.get_by_role("textbox", name="Path contains").fill("cube")
    page.keyboard.press("Enter")
    wait_for(page, "path", "")
    page.get_by_text("images that pass the filters").wait_for()
    assert asked(page, "page") == ""


def test_a_click_anywhere_in_a_row_brings_its_images_into_view(visit: Callable[..., Any]) -> None:
    page = visit("/evaluation", viewport={"width": 1280, "height": 700})
    choose_first_row(page)
    wait_for(page, "class", "")
    page.locator('.tiles[aria-label^="Images of"] .tile').first.wait_for()
    page.wait_for_function(IN_VIEW, arg="class-list")


def test_found_images_are_all_reachable(visit: Callable[..., Any]) -> None:
    page = visit("/?find=jpg")
    tiles = page.locator('.tiles[aria-label="Images found"] .tile')
    tiles.first.wait_for()
    settled(page)
    page.get_by_role("button", name="Add all").click()
    page.locator('.tiles[aria-label="Images found"] .tile.in-basket').first.wait_for()
    said = page.locator(".st-key-answer-bar").inner_text()
    count = int(said.split(" images")[0].split()[-1])
    page.get_by_role("link", name="Basket").click()
    page.get_by_text(f"{count} images").first.wait_for()


def test_the_legend_lists_its_images_and_is_one_tab_stop(visit: Callable[..., Any]) -> None:
    page = visit("/map")
    page.locator(".map .entry").nth(2).wait_for()
    settled(page)
    assert page.locator('.map .entry[tabindex="0"]').count() == 1
    page.locator('.map .entry[tabindex="0"]').focus()
    page.keyboard.press("ArrowDown")
    assert page.locator(".map .entry").nth(1).evaluate("e => e.matches(':focus')")
    assert page.locator('.map .entry[tabindex="0"]').count() == 1
    page.keyboard.press("Enter")
    label = wait_for(page, "only", "")
    page.locator('.tiles[aria-label="Images in the area"] .tile').first.wait_for()
    page.get_by_text(f"images of {label}").wait_for()
    page.wait_for_function(IN_VIEW, arg="map-list")


def test_a_refusal_goes_away_and_a_refused_file_says_why(visit: Callable[..., Any]) -> None:
    page = visit("/?by=upload")
    ranks(page)
    page.locator("input[type=file]").set_input_files(
        {"name": "broken.jpg", "mimeType": "image/jpeg", "buffer": b"no picture"}
    )
    refusal = page.get_by_role("alert").get_by_text("broken.jpg:")
    refusal.wait_for()
    page.get_by_text("Web", exact=True).click()
    refusal.wait_for(state="detached")
    page.locator('[class*="st-key-choice-by"]').get_by_text("Upload").click()
    page.locator(".st-key-uploader input[type=file]").set_input_files(
        {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"some words"}
    )
    reason = page.get_by_role("alert").get_by_text("text/plain files are not allowed")
    reason.wait_for()
    assert reason.bounding_box()["height"] > 10, "not for screen readers alone"


@pytest.mark.skipif(not AXE.exists(), reason="no axe-core: npm ci")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(visit: Callable[..., Any], scheme: str) -> None:
    page = visit(color_scheme=scheme)
    found = {}
    for name in TITLES:
        page.goto(urljoin(page.url, f"/{name}"))
        page.locator("h1").first.wait_for()
        settled(page)
        page.add_script_tag(path=str(AXE))
        for _ in range(20):  # the style sheet comes after the first words, and elements fade in
            found[name] = page.evaluate(VIOLATIONS, TAGS)
            if not found[name]:
                break
            page.wait_for_timeout(1000)
    assert found == {name: [] for name in TITLES}
