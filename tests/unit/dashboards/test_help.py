"""Every control says what it does, and every picture, chart and table has words in its place."""

import ast
from collections.abc import Iterator
from pathlib import Path

import dashboards

FOLDER = Path(dashboards.__file__).parent
CONTROLS = {
    "button",
    "camera_input",
    "download_button",
    "file_uploader",
    "form_submit_button",
    "link_button",
    "metric",
    "multiselect",
    "number_input",
    "popover",
    "segmented_control",
    "selectbox",
    "slider",
    "text_input",
    "toggle",
}
PICTURES = {"altair_chart", "dataframe", "image"}


def calls() -> Iterator[tuple[str, str, set[str | None]]]:
    """Where, which function of Streamlit, and the names of its arguments."""
    for path in sorted(FOLDER.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("st."):
                name = ast.unparse(node.func).removeprefix("st.")
                yield f"{path.relative_to(FOLDER)}:{node.lineno}", name, {keyword.arg for keyword in node.keywords}


def test_every_control_has_help():
    found = [(place, name, names) for place, name, names in calls() if name in CONTROLS]
    assert {name for _, name, _ in found} == CONTROLS
    assert [place for place, _, names in found if "help" not in names] == []


def test_every_picture_has_words_in_its_place():
    found = [(place, name, names) for place, name, names in calls() if name in PICTURES]
    assert {name for _, name, _ in found} == PICTURES
    assert [place for place, _, names in found if "alt" not in names] == []
