"""The dashboard as people use it: a real Chromium over a real registry."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

import pytest

import dashboards
from tests.dashboard_browser import ANSWER, TITLES, asked, ranks, settled, wait_for
from tests.dashboard_pictures import encoded, halves
from tests.dashboard_registry import STRANGE

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.slow

WIDER_THAN_THE_WINDOW = "document.scrollingElement.scrollWidth > document.scrollingElement.clientWidth"
BRIGHTNESS = (
    "Math.max(...getComputedStyle(document.querySelector('.stApp')).backgroundColor.match(/\\d+/g).slice(0, 3))"
)
INJECTED = """() => {  // in all shadow roots too
    const inside = (e) => [e, ...(e.shadowRoot ? all(e.shadowRoot) : [])];
    const all = (root) => [...root.querySelectorAll("*")].flatMap(inside);
    return all(document).filter((e) => e.hasAttribute("onerror") || e.getAttribute("src") === "x").length;
}"""


NAMELESS = """() => {  // controls without a name and pictures without a text, in all shadow roots too
    const inside = (e) => [e, ...(e.shadowRoot ? all(e.shadowRoot) : [])];
    const all = (root) => [...root.querySelectorAll("*")].flatMap(inside);
    const says = (e) => e.ariaLabel || e.textContent.trim() || e.title || e.labels?.length;
    const controls = "a[href], button, input, select, textarea, [tabindex='0'], [role=button], [role=slider]";
    const bad = (e) => e.matches("img") ? !e.hasAttribute("alt") : e.matches(controls) && !says(e);
    const table = (e) => e.closest("[data-testid=stDataFrame]");  // Streamlit's, which has a text of its own
    const there = (e) => e.getClientRects().length && !e.closest("[aria-hidden=true]") && !table(e);
    return all(document.body).filter(there).filter(bad).map((e) => e.outerHTML.slice(0, 200));
}"""
PAINTED = """async letter => {  // by the page's fonts, as an image
    await document.fonts.ready;
    document.querySelector("#letter")?.remove();
    const text = Object.assign(document.createElement("p"), { id: "letter", textContent: letter });
    document.querySelector(".stMain").append(text);
    const pen = Object.assign(document.createElement("canvas"), { width: 60, height: 60 }).getContext("2d");
    pen.font = `40px ${getComputedStyle(text).fontFamily}`;
    pen.fillText(letter, 5, 45);
    return pen.canvas.toDataURL();
}"""
UNKNOWN = "\U0010fffd"  # no font has it


def pick(page: Any, title: str, option: str) -> None:
    """Choose in one of the sidebar's lists."""
    page.get_by_role("combobox", name=re.compile(title)).click()
    page.get_by_role("option", name=option).click()
    settled(page)


def name_of(node: Any) -> str:
    """What a node of the walk is called, which its description begins with."""
    return node.get_attribute("aria-label").split(",")[0]


def test_from_a_photo_to_a_link(visit: Callable[..., Any]) -> None:
    page = visit()
    assert "rank 1" in ranks(page)[0]

    photo = {"name": "photo.jpg", "mimeType": "image/jpeg", "buffer": encoded(halves())}
    page.locator("input[type=file]").set_input_files(photo)
    wait_for(page, "q", "")
    page.get_by_text("photo.jpg").first.wait_for()
    answer = ranks(page)
    assert len(answer) == 20
    assert [f"rank {place}," in said for place, said in enumerate(answer, 1)] == [True] * 20
    distances = [float(re.search(r"distance ([\d.]+)", said)[1]) for said in answer]
    assert distances == sorted(distances)

    page.get_by_role("link", name="Neighbours").click()
    here, trail = "", []
    seen = [name_of(page.locator(".node.ring-0"))]
    for _ in range(3):
        near = page.locator(".node.ring-1").all()
        fresh = next(node for node in near if name_of(node) not in seen)
        seen.append(name_of(fresh))
        fresh.dispatch_event("click")
        here = wait_for(page, "at", here)
        trail.append(here)
        settled(page)
    assert len(set(trail)) == 3
    assert [step in asked(page, "trail") for step in trail[:-1]] == [True, True], page.url

    pick(page, "Version", "Version 1")
    assert wait_for(page, "version", "2") == "1"
    page.get_by_text("40 images").wait_for()  # version 2 has four more

    copy = page.context.new_page()
    copy.goto(page.url)
    copy.get_by_text("40 images").wait_for()
    settled(copy)
    center = ".node.ring-0"
    assert copy.locator(center).get_attribute("aria-label") == page.locator(center).get_attribute("aria-label")
    assert copy.locator(".neighbor .name").all_inner_texts() == page.locator(".neighbor .name").all_inner_texts()


def test_a_link_from_when_the_first_page_was_search_opens_search(visit: Callable[..., Any], dashboard: str) -> None:
    page = visit("/?q=r7&k=7")
    assert len(ranks(page)) == 7
    assert page.url.startswith(f"{dashboard}/search?q=r7&k=7&")  # and what it shows tomorrow, too
    page.goto(f"{dashboard}/?k=7")
    page.get_by_text("Find pictures like mine").wait_for()


def test_markup_in_a_name_stays_a_name(visit: Callable[..., Any]) -> None:
    page = visit("/?find=onerror")
    tile = page.locator('.tiles[aria-label="Images found"] .tile')
    assert tile.locator(".file").text_content() == STRANGE
    tile.locator(".main").click()
    ranks(page)
    page.locator(".st-key-query").get_by_text(STRANGE).first.wait_for()
    page.locator(".st-key-query").get_by_role("button", name="Details").click()
    page.get_by_role("dialog").get_by_text(STRANGE).first.wait_for()
    assert page.evaluate(INJECTED) == 0

    page.keyboard.press("Escape")
    broken = {"name": STRANGE, "mimeType": "image/jpeg", "buffer": b"no picture"}
    page.locator("input[type=file]").set_input_files(broken)
    page.get_by_role("alert").get_by_text(STRANGE).wait_for()
    assert page.evaluate(INJECTED) == 0


def test_keys_move_through_the_answer_and_ask(visit: Callable[..., Any]) -> None:
    page = visit()
    before = ranks(page)
    focused = page.locator(f"{ANSWER} .main:focus")
    said = []
    for key in ("ArrowRight", "ArrowRight", "ArrowLeft", "ArrowRight"):
        page.keyboard.press(key)
        said.append(focused.get_attribute("aria-label"))
    assert said == [before[0], before[1], before[0], before[1]]
    page.keyboard.press("q")
    wait_for(page, "q", "")
    settled(page)
    name = before[1].split(", ")[1]
    assert page.locator(".stColumn").first.get_by_text(name.rsplit("/", 1)[-1]).count() == 1
    assert ranks(page) != before


def test_details_go_on_by_button_and_by_key(visit: Callable[..., Any]) -> None:
    page = visit()
    names = [said.split(", ")[1] for said in ranks(page)]
    tile = page.locator(f"{ANSWER} .tile").nth(1)
    tile.hover()
    tile.get_by_role("button", name="Details").click()
    dialog = page.get_by_role("dialog")

    def shown(place: int) -> None:
        dialog.get_by_text(f"{place} of 20", exact=True).wait_for()
        dialog.get_by_role("img", name=names[place - 1], exact=True).first.wait_for()

    shown(2)
    dialog.get_by_role("button", name="Next").click()
    shown(3)
    settled(page)
    dialog.get_by_role("button", name="Previous").click()
    shown(2)
    for key, place in (("ArrowLeft", 1), ("ArrowLeft", 20), ("ArrowRight", 1), ("ArrowRight", 2)):
        settled(page)
        page.keyboard.press(key)
        shown(place)
    dialog.locator(".tile").first.wait_for()
    page.keyboard.press("Escape")
    dialog.wait_for(state="detached")
    assert ranks(page)[1].split(", ")[1] == names[1]


def test_every_page_dark_and_narrow(visit: Callable[..., Any]) -> None:
    page = visit(color_scheme="dark", viewport={"width": 390, "height": 844})
    for name, title in TITLES.items():
        page.goto(urljoin(page.url, f"/{name}"))
        page.locator("h1").first.wait_for()
        settled(page)
        assert page.locator("h1").all_inner_texts() == ["imgsim" if title == "Start" else title]
        assert page.title() == f"{title} · imgsim"
        assert page.evaluate(NAMELESS) == [], name
        assert page.get_by_text("This page failed").count() == 0, name
        assert not page.evaluate(WIDER_THAN_THE_WINDOW), name
        assert page.evaluate(BRIGHTNESS) < 64, name


def test_no_sign_is_an_empty_box(visit: Callable[..., Any]) -> None:
    """All characters that the dashboard's own files show are in the font that comes with the page."""
    files = [path for path in Path(dashboards.__file__).parent.rglob("*") if path.suffix in (".py", ".js", ".css")]
    used = {letter for path in files for letter in path.read_text("utf-8") if not letter.isascii()}
    page = visit()
    ranks(page)
    devtools = page.context.new_cdp_session(page)
    devtools.send("DOM.enable")
    devtools.send("CSS.enable")

    def drawn(letter: str) -> bool:
        image = page.evaluate(PAINTED, letter)
        root = devtools.send("DOM.getDocument")["root"]["nodeId"]
        node = devtools.send("DOM.querySelector", {"nodeId": root, "selector": "#letter"})["nodeId"]
        fonts = devtools.send("CSS.getPlatformFontsForNode", {"nodeId": node})["fonts"]
        return image != box and all(font["isCustomFont"] for font in fonts)

    box = page.evaluate(PAINTED, UNKNOWN)
    assert drawn("\N{NOT EQUAL TO}")
    assert not drawn("\N{TWO JOINED SQUARES}")
    assert [letter for letter in sorted(used) if not drawn(letter)] == []
