"""Names of pages that older links hold."""

from pathlib import Path

from dashboards.services.page_names import RENAMED
from tests.dashboard_browser import TITLES

VIEWS = Path(__file__).parents[4] / "dashboards" / "views"


def test_pages_that_were_renamed_are_there_and_the_old_names_are_free():
    folders = {path.parent.name for path in VIEWS.glob("*/page.py")}
    assert set(RENAMED.values()) <= folders
    assert not RENAMED.keys() & folders


def test_each_page_is_addressed_by_its_title():
    pages = {name: title for name, title in TITLES.items() if name}
    assert {name: title.lower().replace(" ", "_") for name, title in pages.items()} == {name: name for name in pages}
