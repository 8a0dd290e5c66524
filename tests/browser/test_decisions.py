"""Decisions in a real Chromium: select, act on what is selected, undo; and two people at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from imgsim.decisions import Decisions
from tests import dashboard_browser
from tests.browser.test_pages import AXE, TAGS, VIOLATIONS
from tests.dashboard_browser import ANSWER, ranks, settled, wait_for

pytestmark = pytest.mark.slow

OFFER = ".offer:popover-open"
COLLECTION = '.tiles[aria-label="The collection"]'


@pytest.fixture
def store(decisions_file: Path) -> Decisions:
    """The store of that dashboard; a test begins where nothing counts."""
    store = Decisions(decisions_file)
    for action in store.history(None).itertuples():
        if action.kind not in ("undo", "redo") and not action.undone:
            store.undo(action.action)
    return store


def offered(page: Any, words: str) -> None:
    """Wait for the offer to undo what these words say."""
    page.locator(OFFER).get_by_text(words, exact=True).wait_for()
    settled(page)


def count(page: Any, words: str) -> None:
    """Wait until the bar says how many are selected."""
    page.locator(".bar .count").get_by_text(words, exact=True).wait_for()


def test_select_label_and_undo(visit: Callable[..., Any], store: Decisions) -> None:
    page = visit()
    ranks(page)
    tiles = page.locator(f"{ANSWER} .tile")
    tiles.nth(1).hover()
    tiles.nth(1).get_by_role("button", name="Select:").first.click()
    count(page, "1 selected")
    tiles.nth(4).locator(".main").click(modifiers=["Shift"])
    count(page, "4 selected")
    tiles.nth(2).locator(".main").click()  # once anything is selected, a click selects
    count(page, "3 selected")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("x")
    count(page, "4 selected")
    assert [tile.get_attribute("class").split()[-1] == "picked" for tile in tiles.all()[:6]] == [1, 1, 0, 1, 1, 0]
    assert "q=" not in page.url
    page.keyboard.press("l")
    page.keyboard.type("tree")
    page.keyboard.press("Enter")
    offered(page, "4 labelled tree")
    tiles.nth(0).locator(".main[aria-label*='decided label tree']").wait_for()
    assert page.locator(".bar").is_hidden()
    assert len(store.labels()) >= 3, "files with the same bytes are one picture"
    page.locator(OFFER).get_by_role("button", name="Undo").click()
    offered(page, "Undone: 4 labelled tree")
    tiles.nth(0).locator(".main[aria-label*='decided']").wait_for(state="detached")
    assert store.labels() == {}
    page.keyboard.press("Control+Shift+z")
    offered(page, "4 labelled tree")
    page.keyboard.press("Control+z")
    offered(page, "Undone: 4 labelled tree")
    assert store.labels() == {}


def test_ctrl_click_then_all_of_the_filtered_list(visit: Callable[..., Any], store: Decisions) -> None:
    page = visit("/browse?size=large")
    tiles = page.locator(f"{COLLECTION} .tile")
    tiles.first.wait_for()
    settled(page)
    tiles.nth(3).locator(".main").click(modifiers=["Control"])
    count(page, "1 selected")
    page.keyboard.press("Escape")
    page.locator(".bar").wait_for(state="hidden")
    page.keyboard.press("Control+a")
    count(page, "44 selected")
    page.get_by_role("button", name="Next").first.click()
    page.get_by_text("31 to 44").wait_for()
    settled(page)
    assert page.locator(f"{COLLECTION} .picked").count() == tiles.count() == 14
    page.get_by_role("link", name="Search").click()
    ranks(page)
    count(page, "44 selected")
    with page.expect_download() as saved:
        page.get_by_role("button", name="Export").click()
    assert len(Path(saved.value.path()).read_text().splitlines()) == 45
    settled(page)
    page.keyboard.press("b")
    page.get_by_test_id("stToast").get_by_text("44 added to the basket").wait_for()
    page.locator(".bar").wait_for(state="hidden")
    page.keyboard.press("Control+a")
    count(page, "20 selected")
    toast, bar = (page.locator(css).first.bounding_box() for css in ("[data-testid=stToast]", ".bar"))
    assert toast["y"] + toast["height"] <= bar["y"], "messages lie above the bar"
    page.get_by_role("button", name="Search with these").click()
    assert len(wait_for(page, "q", "").split()) == 16


def test_a_selection_outlives_a_reload(visit: Callable[..., Any]) -> None:
    page = visit("/browse?size=large&version=2")
    tiles = page.locator(f"{COLLECTION} .tile")
    picked = page.locator(f"{COLLECTION} .picked")
    tiles.first.wait_for()
    settled(page)
    tiles.nth(2).locator(".main").click(modifiers=["Control"])
    tiles.nth(5).locator(".main").click(modifiers=["Shift"])
    count(page, "4 selected")
    names = [tile.inner_text() for tile in picked.all()]
    page.reload()
    picked.nth(3).wait_for()
    count(page, "4 selected")
    assert [tile.inner_text() for tile in picked.all()] == names
    page.goto(page.url.replace("version=2", "version=1"))
    tiles.first.wait_for()
    settled(page)
    assert page.locator(".bar").is_hidden(), "each version has its own"
    page.goto(page.url.replace("version=1", "version=2"))
    count(page, "4 selected")
    settled(page)
    page.keyboard.press("Escape")
    page.locator(".bar").wait_for(state="hidden")
    page.reload()
    tiles.first.wait_for()
    settled(page)
    assert (picked.count(), page.locator(".bar").is_hidden()) == (0, True)


def test_one_picture_by_keys(visit: Callable[..., Any], store: Decisions) -> None:
    page = visit()
    ranks(page)
    first = page.locator(f"{ANSWER} .main").first
    page.keyboard.press("ArrowRight")
    page.keyboard.press("a")
    offered(page, "1 marked alike")
    page.locator(f"{ANSWER} .main[aria-label*='marked alike']").wait_for()
    page.keyboard.press("n")
    offered(page, "1 marked not alike")
    page.keyboard.press("t")
    field = page.get_by_role("combobox", name="Tag")
    field.fill("blurry <b>")
    page.keyboard.press("Control+z")  # of what is typed
    field.fill("blurry <b>")
    page.keyboard.press("Enter")
    offered(page, "1 tagged blurry <b>")
    page.locator(f"{ANSWER} .tags").get_by_text("blurry <b>").wait_for()
    assert "marked not alike" in first.get_attribute("aria-label")
    assert first.evaluate("e => e.getRootNode().activeElement === e"), "the focus is back on the picture"
    assert store.pairs()["alike"].tolist() == [False]
    page.keyboard.press("l")
    page.keyboard.press("Escape")
    page.locator(".bar").wait_for(state="hidden")


def test_details_change_label_and_tags(visit: Callable[..., Any], store: Decisions) -> None:
    page = visit()
    ranks(page)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("d")
    dialog = page.get_by_role("dialog")
    label = dialog.get_by_role("combobox", name=re.compile("Label"))
    label.wait_for()
    settled(page)
    label.fill("palm")
    page.keyboard.press("Enter")
    offered(page, "1 labelled palm")
    assert list(store.labels().values()) == ["palm"]
    dialog.get_by_role("combobox", name=re.compile("Tags")).fill("green")
    page.keyboard.press("Enter")
    offered(page, "tagged green")
    page.keyboard.press("Tab")  # closes the list of tags, which hides all else from screen readers
    page.locator(OFFER).get_by_role("button", name="Undo").click()
    offered(page, "Undone: tagged green")
    assert store.tags() == {}
    dialog.get_by_role("button", name="Close").click()
    dialog.wait_for(state="detached")
    page.locator(f"{ANSWER} .main[aria-label*='decided label palm']").wait_for()


@pytest.mark.skipif(not AXE.exists(), reason="no axe-core: npm ci")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_the_bar_and_the_offer(visit: Callable[..., Any], store: Decisions, scheme: str) -> None:
    page = visit(color_scheme=scheme)
    ranks(page)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("a")
    offered(page, "1 marked alike")
    page.locator(f"{ANSWER} .main[aria-label*='marked alike']").wait_for()
    page.keyboard.press("x")
    count(page, "1 selected")
    page.add_script_tag(path=str(AXE))
    page.wait_for_timeout(500)  # the corner of a tile fades in
    assert page.evaluate(VIOLATIONS, TAGS) == []
    page.keyboard.press("l")
    page.get_by_role("combobox", name="Label", exact=True).wait_for()
    assert page.evaluate(VIOLATIONS, TAGS) == []


@pytest.fixture(scope="module")
def neighbour(dashboard_folder: Path, decisions_file: Path) -> Iterator[str]:
    """Address of another server with the same store."""
    with dashboard_browser.dashboard(dashboard_folder, decisions_file) as address:
        yield address


@pytest.mark.parametrize("servers", ["one server", "two servers"])
def test_two_people_lose_nothing_and_see_each_other(
    visit: Callable[..., Any], store: Decisions, request: pytest.FixtureRequest, servers: str
) -> None:
    pages = {name: visit("/history") for name in ("Eva", "Max")}
    if servers == "two servers":
        pages["Max"].goto(request.getfixturevalue("neighbour") + "/history")
    for name, page in pages.items():
        page.get_by_role("textbox", name="Your name").fill(name)
        page.keyboard.press("Enter")
        settled(page)
        page.get_by_role("link", name="Browse").click()
        page.locator(f"{COLLECTION} .tile").first.wait_for()
        settled(page)
        page.keyboard.press("Control+a")
        page.keyboard.press("t")
        page.keyboard.type(f"of {name}")
    before = store.last_action
    for page in pages.values():
        page.keyboard.press("Enter")  # both at once
    for name, page in pages.items():
        offered(page, f"44 tagged of {name}")
    history = store.history(2)
    assert (sorted(history["by"]), store.last_action) == (["Eva", "Max"], before + 2)
    assert set(store.tags().values()) == {("of Eva", "of Max")}
    for page in pages.values():
        page.reload()
        tile = page.locator(f"{COLLECTION} .tile").first
        tile.locator(".tags").get_by_text("of Eva, of Max").wait_for()
    pages["Eva"].get_by_role("link", name="History").click()
    pages["Eva"].get_by_text(re.compile("Max.*tagged 4[0-9] pictures of Max")).first.wait_for()
    assert pages["Eva"].get_by_role("textbox", name="Your name").input_value() == "Eva", "a reload keeps the name"
