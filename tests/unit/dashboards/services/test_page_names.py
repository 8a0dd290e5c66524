"""Names of pages that older links hold."""

import ast
from pathlib import Path

from dashboards.services.page_names import RENAMED

VIEWS = Path(__file__).parents[4] / "dashboards" / "views"


def test_pages_that_were_renamed_are_there_and_the_old_names_are_free():
    folders = {path.parent.name for path in VIEWS.glob("*/page.py")}
    assert set(RENAMED.values()) <= folders
    assert not RENAMED.keys() & folders


def test_each_page_is_addressed_by_its_title():
    script = ast.parse((VIEWS.parent / "main.py").read_text())  # importing it would run it
    pages = next(node.value for node in script.body if isinstance(node, ast.Assign) and node.targets[0].id == "PAGES")
    titles = {name: title for name, (title, _) in ast.literal_eval(pages).items()}
    assert titles.keys() == {path.parent.name for path in VIEWS.glob("*/page.py")}
    assert {name: title.lower().replace(" ", "_") for name, title in titles.items()} == {name: name for name in titles}
