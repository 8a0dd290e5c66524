"""The start page, pictures from outside, answers that explain themselves, and what is kept: in a real Chromium."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest
from PIL import Image

from tests.dashboard_browser import ANSWER, ranks, settled, wait_for
from tests.dashboard_pictures import encoded, halves

pytestmark = pytest.mark.slow

SEND = """([kind, data]) => {  // a picture, as by paste or drop somewhere on the page
    const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
    const sent = new DataTransfer();
    sent.items.add(new File([bytes], "image.png", { type: "image/png" }));
    const event = kind === "paste"
        ? new ClipboardEvent("paste", { clipboardData: sent, bubbles: true, cancelable: true })
        : new DragEvent("drop", { dataTransfer: sent, bubbles: true, cancelable: true, composed: true });
    document.querySelector("h1").dispatchEvent(event);
}"""


def send(page: Any, kind: str, picture: Image.Image) -> None:
    page.locator("input[type=file]").first.wait_for(state="attached")
    settled(page)
    page.evaluate(SEND, [kind, b64encode(encoded(picture, "PNG")).decode()])


def mirrored(folder: Path) -> Image.Image:
    picture = Image.open(next((folder / "pictures" / "sphere").glob("sphere_03*"))).convert("RGB")
    return picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)


@pytest.mark.parametrize(("path", "kind"), [("/", "paste"), ("/", "drop"), ("/search?by=camera", "drop")])
def test_a_picture_from_anywhere_is_asked_with(visit: Callable[..., Any], path: str, kind: str) -> None:
    page = visit(path)
    page.locator("h1").wait_for()
    send(page, kind, halves())
    page.wait_for_url(lambda url: "/search?" in url and "q=u" in url)
    assert len(ranks(page)) == 20
    page.reload()
    assert len(ranks(page)) == 20, "a reload does not forget it"
    page.get_by_text("image.png").first.wait_for()


def test_the_doors_of_the_start_page_lead_on(visit: Callable[..., Any]) -> None:
    page = visit("/")
    page.get_by_role("button", name="spare file").click()
    page.wait_for_url(lambda url: "/tidy_up?" in url and "section=duplicates" in url)
    page.get_by_role("link", name="Start").click()
    page.get_by_text("How good is it?").wait_for()
    settled(page)
    page.get_by_role("button", name=re.compile(r"^torus \d+%$")).click()
    page.wait_for_url(lambda url: "/evaluation?" in url and "class=torus" in url)


def test_a_mirrored_picture_is_recognized_and_its_label_guessed(
    visit: Callable[..., Any], dashboard_folder: Path
) -> None:
    page = visit()
    ranks(page)
    send(page, "paste", mirrored(dashboard_folder))
    wait_for(page, "q", "")
    page.get_by_text("is in this collection (your picture, mirrored): sphere/sphere_03").wait_for()
    page.get_by_text("Likely: sphere").wait_for()
    assert page.locator(f"{ANSWER} .duplicate").get_by_text("your picture, mirrored").count() == 1


def test_a_label_of_the_results_filters_them(visit: Callable[..., Any]) -> None:
    page = visit("/search?q=r7")
    ranks(page)
    page.get_by_text("closer than").first.wait_for()
    page.locator('[class*="st-key-choice-tally"]').get_by_text("torus").click()
    assert wait_for(page, "label", "") == "torus"
    page.wait_for_function(
        "list => [...document.querySelectorAll('.stApp *')].map(e => e.shadowRoot).filter(Boolean)"
        ".some(root => [...root.querySelectorAll(list + ' .label')].every(e => e.textContent === 'torus')"
        " && root.querySelector(list + ' .label'))",
        arg=ANSWER,
    )


def test_keys_choose_a_label_and_keep_their_place(visit: Callable[..., Any]) -> None:
    """The pills are others once their counts have changed; the focus is on the one that stands there now."""
    page = visit("/search?q=r7")
    ranks(page)
    page.get_by_text("closer than").first.wait_for()
    tally = page.locator('[class*="st-key-choice-tally"]')
    before = tally.get_attribute("class")
    tally.locator("button").filter(has_text="torus").focus()
    page.keyboard.press("Enter")
    assert wait_for(page, "label", "") == "torus"
    page.wait_for_function(
        "before => { const now = document.querySelector('[class*=st-key-choice-tally]');"
        " const key = now?.className.match(/st-key-[^ ]+/)[0];"
        " return now && !before.includes(key) && now.contains(document.activeElement); }",
        arg=before,
    )
    settled(page)
    assert tally.locator(":focus").text_content().startswith("torus")
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "label=" not in url)


def test_one_field_finds_by_label_and_part(visit: Callable[..., Any]) -> None:
    page = visit()
    ranks(page)
    field = page.get_by_role("combobox", name="Find")
    offered = field.evaluate("e => [...e.getRootNode().querySelectorAll('option')].map(o => o.value)")
    cube = next(name for name in offered if name.startswith("cube (label, "))
    field.fill(cube)
    field.press("Enter")
    assert wait_for(page, "find", "") == "label:cube"
    page.get_by_text("with the label cube").wait_for()
    assert field.input_value() == cube
    field.fill("sunset")
    field.press("Enter")
    page.get_by_text("this version's network has no text tower").wait_for()


def test_the_basket_survives_a_reload_and_is_saved_by_name(visit: Callable[..., Any]) -> None:
    page = visit("/search?q=r7")
    ranks(page)
    page.get_by_role("button", name="Add all").click()
    page.locator(f"{ANSWER} .tile.in-basket").first.wait_for()
    page.reload()
    ranks(page)
    page.locator(f"{ANSWER} .tile.in-basket").nth(19).wait_for()
    page.get_by_role("link", name="Basket").click()
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("combobox", name="Name").fill("for the wall")
    page.keyboard.press("Enter")
    settled(page)
    page.get_by_test_id("stPopoverBody").get_by_role("button", name="Save").click()
    page.get_by_role("heading", name="Saved baskets").wait_for()
    settled(page)
    page.keyboard.press("Escape")
    page.get_by_test_id("stMainBlockContainer").get_by_role("button", name="Open", exact=True).click()
    assert wait_for(page, "find", "") == "tag:for the wall"
    page.get_by_text("with the tag for the wall").wait_for()


def test_a_saved_view_opens_what_was_there(visit: Callable[..., Any]) -> None:
    page = visit("/browse?label=torus&version=champion")
    page.locator('.tiles[aria-label="The collection"] .tile').first.wait_for()
    page.get_by_role("button", name="Save view").click()
    page.get_by_role("textbox", name="Name").fill("my <b>rings</b>")
    page.keyboard.press("Enter")
    settled(page)
    page.get_by_test_id("stPopoverBody").get_by_role("button", name="Save").click()
    page.get_by_role("button", name="my <b>rings</b>").wait_for()
    page.keyboard.press("Escape")
    page.goto(urljoin(page.url, "/browse?label=cube"))
    page.get_by_role("button", name="my <b>rings</b>").wait_for()
    settled(page)
    page.get_by_role("button", name="my <b>rings</b>").click()
    page.wait_for_url(lambda url: "label=torus" in url and "version=2" in url)
    page.get_by_role("button", name="Remove", exact=True).click()
    page.get_by_role("button", name="my <b>rings</b>").wait_for(state="detached")


def test_a_shared_link_names_the_version_by_its_number(visit: Callable[..., Any]) -> None:
    page = visit("/map?version=champion", permissions=["clipboard-read", "clipboard-write"])
    page.locator("canvas").first.wait_for()
    settled(page)
    page.get_by_role("button", name="Share").click()
    page.get_by_text("Link copied").wait_for()
    link = page.evaluate("navigator.clipboard.readText()")
    assert "model=imgsim-tiny" in link
    assert "version=2" in link
