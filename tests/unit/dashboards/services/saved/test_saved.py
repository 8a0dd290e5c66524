"""What the dashboard saves: baskets and views, by two writers at once, and where nothing can be read."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from dashboards.services.saved import baskets, database
from dashboards.services.saved.views import SavedView, remove_view, save_view, saved_views


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("IMGSIM_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_a_basket_keeps_the_order_and_each_row_once():
    assert baskets.rows("a", "zoo", "1") == []
    assert baskets.add("a", "zoo", "1", [5, 3, 5, 9], 10) == [5, 3, 9]
    assert baskets.add("a", "zoo", "1", [3, 1], 10) == [1]
    assert baskets.add("a", "zoo", "2", [7], 10) == [7]
    assert baskets.rows("a", "zoo", "1") == [5, 3, 9, 1]
    assert baskets.places("a") == [("zoo", "1"), ("zoo", "2")]
    assert baskets.places("b") == [], "another browser's basket is its own"
    baskets.remove("a", "zoo", "1", [3, 4])
    assert baskets.rows("a", "zoo", "1") == [5, 9, 1]
    baskets.remove("a", "zoo", "1")
    assert baskets.places("a") == [("zoo", "2")]


def test_a_full_basket_takes_no_more():
    assert baskets.add("a", "zoo", "1", range(10), 3) == [0, 1, 2]
    assert baskets.add("a", "zoo", "1", [8], 3) == []


def test_nothing_is_lost_when_several_write_at_once():
    def write(number: int) -> None:
        baskets.add("a", "zoo", "1", range(number * 10, number * 10 + 10), 1000)
        save_view(SavedView(f"view {number}", "map", {"color": [str(number)]}))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(16)))
    assert sorted(baskets.rows("a", "zoo", "1")) == list(range(160))
    assert len(saved_views()) == 16


def test_views_are_replaced_and_removed_by_name():
    assert saved_views() == []
    remove_view("nothing")
    one = SavedView("Rings", "browse", {"label": ["torus", "cube"]})
    save_view(one)
    save_view(SavedView("a map", "map", {}))
    assert saved_views() == [SavedView("a map", "map", {}), one]
    other = SavedView("Rings", "map", {})
    save_view(other)
    assert saved_views()[1] == other
    remove_view("Rings")
    assert saved_views() == [SavedView("a map", "map", {})]


def test_a_view_of_a_page_that_was_renamed_opens_it_by_its_new_name():
    save_view(SavedView("doubtful", "health", {"section": ["labels"]}))
    assert saved_views() == [SavedView("doubtful", "tidy_up", {"section": ["labels"]})]


def test_a_damaged_file_is_as_none(home: Path):
    home.mkdir()
    database.path().write_bytes(b"no database" * 100)
    assert saved_views() == []
    assert baskets.places("a") == []


def test_others_of_this_machine_cannot_read_it(home: Path):
    save_view(SavedView("a", "map", {}))
    assert database.path().stat().st_mode & 0o077 == 0
