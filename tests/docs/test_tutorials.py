"""The tutorials run from beginning to end, as `make docs` runs them."""

from pathlib import Path

import pytest
from myst_nb.core.read import read_myst_markdown_notebook
from nbclient import NotebookClient

TUTORIALS = Path(__file__).resolve().parents[2] / "docs" / "tutorials"
NOTEBOOKS = sorted(path for path in TUTORIALS.glob("*.md") if "{code-cell}" in path.read_text())


def test_there_are_four():
    assert [path.stem for path in NOTEBOOKS] == [
        "clean_a_folder",
        "first_neighbours",
        "to_a_phone",
        "your_own_network",
    ]


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_tutorial_runs(path: Path, tmp_path: Path) -> None:
    notebook = read_myst_markdown_notebook(path.read_text())
    client = NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(tmp_path)}})
    client.execute()
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
