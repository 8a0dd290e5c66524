"""Clusters, filters as chips, the panel of a class, and the list beside the map, in a real browser."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urljoin

import pytest

from tests.browser.test_pages import AXE, TAGS, VIOLATIONS
from tests.dashboard_browser import asked, choose_first_row, settled, wait_for

pytestmark = pytest.mark.slow

SWATCHES = "all => new Set(all.map(e => e.style.background)).size"


def test_a_cluster_is_named_filtered_by_and_the_name_taken_away(visit: Callable[..., Any]) -> None:
    page = visit("/clusters")
    page.locator('.tiles[aria-label^="Typical pictures of"] .tile').nth(5).wait_for()
    page.get_by_test_id("stMain").get_by_role("button", name="Open", exact=True).first.click()
    wait_for(page, "open", "")
    page.locator('.tiles[aria-label^="Images of"] .tile').first.wait_for()
    settled(page)
    page.get_by_test_id("stPopoverButton").filter(has_text="Name").first.click()
    field = page.get_by_role("textbox", name="Name")
    field.fill("<b>mine</b>")
    page.get_by_role("button", name="Save the name").click()
    page.get_by_role("heading", name="<b>mine</b>").wait_for()
    assert asked(page, "open") == "name:<b>mine</b>"
    page.get_by_role("button", name="On the map").click()
    page.locator('.map .entry[aria-pressed="true"]', has_text="<b>mine</b>").wait_for()
    page.goto(urljoin(page.url, "/browse?cluster=%3Cb%3Emine%3C/b%3E"))
    page.locator('.tiles[aria-label="The collection"] .tile').first.wait_for()
    settled(page)
    page.get_by_role("button", name="cluster <b>mine</b>").click()
    page.wait_for_url(lambda url: "cluster=" not in url)
    settled(page)
    page.get_by_role("link", name="Clusters").click()
    page.get_by_text("1 with a name").wait_for()
    settled(page)
    page.get_by_test_id("stMain").get_by_role("button", name="Open", exact=True).first.click()
    page.get_by_role("heading", name="<b>mine</b>").wait_for()
    settled(page)
    page.get_by_test_id("stPopoverButton").filter(has_text="Rename").first.click()
    page.get_by_role("button", name="Take the name away").click()
    page.locator('.tiles[aria-label^="Typical pictures of"] .tile').first.wait_for()
    page.get_by_text("0 with a name").wait_for()


@pytest.mark.parametrize("width", [1000, 1920])
def test_what_is_chosen_on_the_map_is_listed_beside_or_below_it(visit: Callable[..., Any], width: int) -> None:
    page = visit("/map", viewport={"width": width, "height": 900})
    page.locator(".map .wait").wait_for(state="hidden")
    page.locator(".map .entry").first.wait_for()
    page.locator(".map .entry").first.click()
    page.locator('.tiles[aria-label="Images in the area"] .tile').first.wait_for()
    page.get_by_role("button", name="Add all").wait_for()
    settled(page)
    stage, listed = (page.locator(place).first.bounding_box() for place in (".map .stage", ".st-key-map-list"))
    assert stage["width"] > 300
    if width > 1500:
        assert listed["x"] > stage["x"] + stage["width"]
        assert listed["height"] < 700, "it scrolls by itself"
    else:
        assert listed["y"] > stage["y"] + stage["height"]


def test_two_labels_that_are_filtered_have_colours_of_their_own(visit: Callable[..., Any]) -> None:
    page = visit("/evaluation?section=confusion")
    choose_first_row(page)
    wait_for(page, "class", "")
    page.locator('.tiles[aria-label$="and its neighbours"] .tile').nth(5).wait_for()
    page.get_by_role("button", name="Both on the map").click()
    page.locator(".map .wait").wait_for(state="hidden")
    page.locator(".map .entry").nth(1).wait_for()
    settled(page)
    page.wait_for_function("() => new URL(location.href).searchParams.getAll('label').length === 2")
    assert page.locator(".map .swatch").evaluate_all(SWATCHES) == 3, "two colours, and gray for all others"
    page.locator(".st-key-filter-chips").get_by_role("button", name="Clear all").wait_for()


@pytest.mark.skipif(not AXE.exists(), reason="no axe-core: npm ci")
@pytest.mark.parametrize(
    "path",
    [
        "/clusters?open=found:0",
        "/clusters?open=found:0&parts=2",
        "/compare?section=gains&class=torus",
        "/evaluation?class=torus",
        "/map?label=torus&only=torus",
    ],
)
def test_axe_finds_nothing(visit: Callable[..., Any], path: str) -> None:
    page = visit(path)
    page.locator("h1").first.wait_for()
    page.locator(".tile").first.wait_for()
    settled(page)
    page.add_script_tag(path=str(AXE))
    for _ in range(10):  # the style sheet comes after the first words, and elements fade in
        found = page.evaluate(VIOLATIONS, TAGS)
        if not found:
            break
        page.wait_for_timeout(500)
    assert found == []
