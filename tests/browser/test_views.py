"""The views with their own JavaScript, by pointer and by keys: each reports what the user does and shows the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.dashboard_browser import ANSWER, asked, ranks, settled, wait_for

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.slow

COLORS = """canvas => {  // how many there are in the picture
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    return new Set(new Uint32Array(data.buffer)).size;
}"""


def gone(page: Any, name: str) -> None:
    """Wait until a parameter is no longer in the address."""
    page.wait_for_url(lambda url: f"{name}=" not in url)


def help_by_key(page: Any, help: Any) -> None:
    """Show and hide the list of keys."""
    help.wait_for(state="hidden")
    page.keyboard.press("?")
    help.wait_for(state="visible")
    assert "move" in help.inner_text() or "nearest" in help.inner_text()
    page.keyboard.press("Escape")
    help.wait_for(state="hidden")


def test_gallery(visit: Callable[..., Any]) -> None:
    page = visit()
    said = ranks(page)
    gallery = page.locator(".gallery", has=page.locator(ANSWER))
    focused = page.locator(f"{ANSWER} .main:focus")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("End")
    assert focused.get_attribute("aria-label") == said[-1]
    page.keyboard.press("ArrowUp")
    up = said.index(focused.get_attribute("aria-label"))
    assert 0 < up < len(said) - 1
    page.keyboard.press("ArrowDown")
    assert focused.get_attribute("aria-label") == said[-1]
    page.keyboard.press("Home")
    assert focused.get_attribute("aria-label") == said[0]
    help_by_key(page, gallery.locator(".help"))
    gallery.get_by_role("button", name="? keys").click()
    gallery.locator(".help").wait_for(state="visible")

    tile = page.locator(f"{ANSWER} .tile").first
    assert tile.get_attribute("data-picture") == "there"
    tile.locator(".main").focus()
    page.keyboard.press("b")
    page.locator(f"{ANSWER} .tile.in-basket .main:focus").wait_for()  # the focus stays where it was
    tile.get_by_role("button", name="Remove from basket").click()
    page.locator(f"{ANSWER} .tile.in-basket").wait_for(state="detached")


def test_query_of_two_pictures(visit: Callable[..., Any]) -> None:
    page = visit()
    before = ranks(page)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("=")  # "+" without Shift
    first = wait_for(page, "q", "")
    terms = page.locator(".query .term")
    terms.nth(1).wait_for()
    assert terms.count() == 2
    settled(page)
    assert ranks(page) != before

    more = terms.nth(1).get_by_role("button", name="Count it more")
    weight = terms.nth(1).locator(".value").inner_text()
    more.click()
    second = wait_for(page, "q", first)
    settled(page)
    assert terms.nth(1).locator(".value").inner_text() > weight
    assert page.locator(".query button:focus").get_attribute("data-by") == "0.25"
    less = terms.nth(1).get_by_role("button", name="Count it less")
    for _ in range(8):
        if "unlike" in terms.nth(1).inner_text():
            break
        less.click()
        second = wait_for(page, "q", second)
        settled(page)
    assert terms.nth(1).get_attribute("data-minus") == "true"

    terms.nth(1).get_by_role("button", name="Search with this alone").click()
    alone = wait_for(page, "q", second)
    settled(page)
    assert page.locator(".query").get_attribute("data-single") == "true"
    page.get_by_role("button", name="Back to the query before").click()
    assert wait_for(page, "q", alone) == second
    terms.nth(1).get_by_role("button", name="Take it out of the query").click()
    assert wait_for(page, "q", second) in second
    terms.nth(1).wait_for(state="detached")


def test_crop_by_keys_and_by_pointer(visit: Callable[..., Any]) -> None:
    page = visit()
    ranks(page)
    page.get_by_role("button", name="Search with a part of it").click()
    selection = page.get_by_role("application", name="Selection from 0 % to 100 % across, 0 % to 100 % down")
    selection.focus()
    page.keyboard.press("Shift+ArrowLeft")
    page.keyboard.press("Shift+ArrowUp")
    page.get_by_role("application", name="Selection from 0 % to 98 % across, 0 % to 98 % down").wait_for()
    page.keyboard.press("ArrowRight")
    page.get_by_role("application", name="Selection from 2 % to 100 % across, 0 % to 98 % down").wait_for()
    by_keys = wait_for(page, "q", "")
    settled(page)
    page.keyboard.press("Escape")
    page.get_by_role("application", name="Selection from 0 % to 100 % across, 0 % to 100 % down").wait_for()
    settled(page)

    box = page.locator(".crop .stage").bounding_box()
    page.mouse.move(box["x"] + 0.25 * box["width"], box["y"] + 0.25 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.75 * box["width"], box["y"] + 0.5 * box["height"], steps=4)
    page.mouse.up()
    page.get_by_role("application", name="Selection from 25 % to 75 % across, 25 % to 50 % down").wait_for()
    page.wait_for_url("**25*75*50*")
    by_pointer = asked(page, "q")
    assert by_pointer != by_keys
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.4 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.6 * box["width"], box["y"] + 0.4 * box["height"], steps=4)
    page.mouse.up()
    page.get_by_role("application", name="Selection from 35 % to 85 % across, 25 % to 50 % down").wait_for()
    moved = wait_for(page, "q", by_pointer)

    page.get_by_role("button", name="Done").click()
    page.locator(".query .part").wait_for()
    page.get_by_role("button", name="Search with all of it again").click()
    whole = wait_for(page, "q", moved)
    page.locator(".query .part").wait_for(state="detached")
    assert whole in by_keys


def test_walk_by_keys(visit: Callable[..., Any]) -> None:
    page = visit("/neighbours")
    center = page.locator(".node.ring-0")
    center.focus()
    start = center.get_attribute("aria-label").split(",")[0]
    help_by_key(page, page.locator(".walk .help"))
    for key in ("ArrowRight", "ArrowLeft", "ArrowUp", "ArrowDown"):
        page.keyboard.press("Home")
        assert page.locator(".node:focus").get_attribute("aria-label").startswith(start)
        page.keyboard.press(key)
        assert not page.locator(".node:focus").get_attribute("aria-label").startswith(start), key
    chosen = page.locator(".node:focus").get_attribute("aria-label").split(",")[0]
    assert page.locator(".panel .path").inner_text() == chosen
    page.keyboard.press("b")
    page.locator(".node.in-basket:focus").wait_for()
    page.locator(".panel").get_by_role("button", name="Remove from basket").wait_for()
    page.keyboard.press("Enter")
    first = wait_for(page, "at", "")
    page.locator(f'.node.ring-0:focus[aria-label^="{chosen}"]').wait_for()
    page.keyboard.press("Backspace")
    wait_for(page, "at", first)
    page.locator(f'.node.ring-0[aria-label^="{start}"]').wait_for()
    settled(page)
    back = asked(page, "at")
    page.locator(".neighbor").first.click()
    page.mouse.move(0, 0)  # off the pictures, which the pointer would choose
    second = wait_for(page, "at", back)
    page.locator(f'.node.ring-0:not([aria-label^="{start}"])').focus()
    settled(page)
    page.keyboard.press("d")
    page.get_by_role("dialog").wait_for()
    page.keyboard.press("Escape")
    page.get_by_role("dialog").wait_for(state="detached")
    settled(page)
    page.locator(".panel").get_by_role("button", name="Search with this").click()
    assert wait_for(page, "q", "") == second


def inner_point(page: Any, stage: Any) -> tuple[str, float, float]:
    """Walk by keys to an image away from the border, where its tip is right above it: its path and place."""
    tip, width = page.locator(".map .tip"), stage.bounding_box()["width"]
    for _ in range(12):
        left, top = tip.evaluate("tip => [parseFloat(tip.style.left), parseFloat(tip.style.top)]")
        if 100 < left < width - 100:
            break
        before = tip.locator(".path").inner_text()
        page.keyboard.press("ArrowRight" if left <= 100 else "ArrowLeft")
        tip.locator(".path", has_not_text=before).wait_for()
    return tip.locator(".path").inner_text(), left, top


def test_map_by_keys_and_by_pointer(visit: Callable[..., Any]) -> None:
    page = visit("/map")
    stage = page.get_by_role("application", name="Map of")
    page.locator(".map .wait").wait_for(state="hidden")
    page.locator(".map .entry").first.wait_for()
    assert page.locator(".map canvas").first.evaluate(COLORS) > 4

    stage.focus()
    help_by_key(page, page.locator(".map .help"))
    page.keyboard.press("ArrowRight")
    page.locator(".map .tip .path").wait_for()
    first = page.locator(".map .tip .path").inner_text()
    page.keyboard.press("ArrowLeft")
    page.locator(".map .tip .path", has_not_text=first).wait_for()
    name = page.locator(".map .tip .path").inner_text()
    page.keyboard.press("Enter")
    wait_for(page, "q", "")
    page.get_by_text(f"nearest of {name}").wait_for()
    stage.focus()
    page.keyboard.press("ArrowRight")
    page.locator(".map .tip .path", has_not_text=name).wait_for()
    other, left, top = inner_point(page, stage)
    stage.click(position={"x": left, "y": top})
    page.get_by_text(f"nearest of {other}").wait_for()
    stage.focus()
    page.keyboard.press("Escape")  # the tip
    page.keyboard.press("Escape")  # the query
    gone(page, "q")
    settled(page)

    page.keyboard.press("+")
    close = wait_for(page, "view", "")
    page.keyboard.press("Shift+ArrowRight")
    assert wait_for(page, "view", close).split(".")[0] > close.split(".")[0]
    page.keyboard.press("0")
    gone(page, "view")
    box = stage.bounding_box()
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.5 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.6 * box["width"], box["y"] + 0.5 * box["height"], steps=5)
    page.mouse.up()
    moved = wait_for(page, "view", "").split(".")
    assert int(moved[0]) < 5000
    assert moved[1:] == ["5000", "100"]
    page.keyboard.press("0")
    gone(page, "view")

    page.keyboard.press("x")
    assert stage.get_attribute("data-tool") == "box"
    box = stage.bounding_box()
    page.mouse.move(box["x"] + box["width"] - 5, box["y"] + 5)
    page.mouse.down()
    page.mouse.move(box["x"] + 5, box["y"] + box["height"] - 5, steps=5)
    page.mouse.up()
    area = wait_for(page, "area", "")
    assert len(area.split("~")) == 4
    page.get_by_text("images in the area").wait_for()
    settled(page)
    page.locator(".map .entry").first.click()
    only = wait_for(page, "only", "")
    page.locator('.map .entry[aria-pressed="true"]').wait_for()
    assert only
    page.locator('.map .entry[aria-pressed="true"]').click()
    gone(page, "only")

    copy = page.context.new_page()
    copy.goto(page.url.replace("area=", "view=2500.2500.300&area="))
    copy.locator(".map .wait").wait_for(state="hidden")
    copy.get_by_text("images in the area").wait_for()
    settled(copy)  # a wheel that turns while the page is drawn is lost
    copy.get_by_role("application", name="Map of").hover()
    copy.mouse.wheel(0, -100)
    assert int(wait_for(copy, "view", "2500.2500.300").split(".")[2]) > 300
