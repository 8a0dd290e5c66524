"""Label review and duplicates on the page Tidy up, by keys and by pointer, over a store of decisions of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest

from imgsim.decisions import Decisions, Kind, open_decisions
from tests.browser.test_pages import AXE, TAGS, VIOLATIONS
from tests.dashboard_browser import settled

pytestmark = pytest.mark.slow

LABELS, COPIES = "/tidy_up?section=labels&doubt=any", "/tidy_up?section=duplicates&tier=look_alike&threshold=9"


@pytest.fixture
def store(decisions_file: Path) -> Iterator[Decisions]:
    """The store of that dashboard; afterwards nothing is decided."""
    store = open_decisions(decisions_file)
    yield store
    history = store.history(None)
    for action in history["action"][~history["undone"] & ~history["kind"].isin(["undo", "redo"])]:
        store.undo(int(action))


def reviewed(page: Any, count: int) -> None:
    page.locator(".suspect .count", has_text=f"{count} of ").wait_for()
    page.locator(".suspect:not([data-sent])").wait_for()
    settled(page)


def until(page: Any, done: Callable[[], bool]) -> None:
    """Wait until the server has done something."""
    for _ in range(200):
        if done():
            return
        page.wait_for_timeout(50)
    raise AssertionError("it was not done")


def test_labels_are_reviewed_by_keys_and_the_next_visit_goes_on(visit: Callable[..., Any], store: Decisions) -> None:
    page = visit(LABELS)
    reviewed(page, 0)
    suggestion = page.locator(".suspect .question strong").nth(1).inner_text()
    page.keyboard.press("Enter")
    reviewed(page, 1)
    assert list(store.labels().values()) == [suggestion]
    page.keyboard.press("k")
    reviewed(page, 2)
    assert len(store.reviewed()) == 1
    path = page.locator(".suspect .path").inner_text()
    page.keyboard.press("s")
    page.locator(".suspect .path", has_not_text=path).wait_for()
    page.keyboard.press("l")
    field = page.locator(".suspect input:focus")
    field.wait_for()
    page.keyboard.type("skaterl")  # letters that are keys, too
    assert page.locator(".suspect datalist option").count() >= 4
    page.keyboard.press("Enter")
    reviewed(page, 3)
    assert "skaterl" in store.labels().values()
    other = visit(LABELS)
    reviewed(other, 3)


def test_keys_that_belong_to_something_else_answer_nothing(visit: Callable[..., Any], store: Decisions) -> None:
    page, before = visit(LABELS), store.last_action
    reviewed(page, 0)
    settled(page)
    page.get_by_role("textbox", name="Path contains").focus()
    page.keyboard.type("ks")
    page.keyboard.press("Control+a")
    page.keyboard.press("Backspace")
    page.locator(".suspect").get_by_role("button", name="Skip").focus()
    path = page.locator(".suspect .path").inner_text()
    page.keyboard.press("Enter")  # of the button, and not the suggestion
    page.locator(".suspect .path", has_not_text=path).wait_for()
    page.keyboard.press("l")
    page.locator(".suspect input:focus").wait_for()
    page.keyboard.press("Escape")
    page.locator(".suspect form").wait_for(state="hidden")
    page.keyboard.press("d")
    page.get_by_role("dialog").wait_for()
    page.keyboard.press("k")
    page.keyboard.press("Escape")
    page.get_by_role("dialog").wait_for(state="detached")
    assert store.last_action == before


def test_copies_are_decided_by_keys_and_by_clicks(visit: Callable[..., Any], store: Decisions) -> None:
    page = visit(COPIES)
    groups = page.locator(".copies .group")
    groups.first.wait_for()
    settled(page)
    first, second = (groups.first.locator(".copy").nth(place) for place in (0, 1))
    page.keyboard.press("ArrowRight")
    first.locator(".main:focus").wait_for()
    page.keyboard.press("s")
    page.locator(".copies .said", has_text="One copy has to stay").wait_for()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("f")
    page.locator(".copies .said", has_text="Shown: ").wait_for()
    page.keyboard.press("f")
    page.locator(".copies .said", has_text="Shown: ").wait_for(state="detached")
    page.keyboard.press("d")
    page.get_by_role("dialog").wait_for()
    page.keyboard.press("Escape")
    page.get_by_role("dialog").wait_for(state="detached")
    settled(page)
    second.locator(".main").click()
    row = groups.first.get_attribute("data-row")
    groups.first.locator('.copy[data-keep="true"][data-decided="true"]').wait_for()
    until(page, lambda: len(store.kept()) == 1)
    settled(page)
    page.keyboard.press("a")
    until(page, lambda: len(store.kept()) == 2)
    page.locator(f'.copies .group[data-row="{row}"]').wait_for(state="detached")
    page.locator(".copies .main:focus").wait_for()
    page.keyboard.press("n")
    page.get_by_text("Not duplicates 1").wait_for()
    assert len(store.not_duplicates()) >= 1
    page.get_by_role("button", name="Accept this page").first.click()
    page.get_by_text("Nothing is left to decide.").wait_for()
    assert len(store.current(Kind.COPY)) > 2


@pytest.mark.skipif(not AXE.exists(), reason="no axe-core: npm ci")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(visit: Callable[..., Any], scheme: str) -> None:
    page = visit(color_scheme=scheme)
    for path, shown in ((LABELS, ".suspect .question"), (COPIES, ".copies .group")):
        page.goto(urljoin(page.url, path))
        page.locator(shown).first.wait_for()
        settled(page)
        page.add_script_tag(path=str(AXE))
        for _ in range(20):  # the style sheet comes after the first words, and elements fade in
            found = page.evaluate(VIOLATIONS, TAGS)
            if not found:
                break
            page.wait_for_timeout(500)
        assert found == []
