"""The tree stays easy to guess: few loose modules, small folders, tests beside what they test, no import circle."""

from pathlib import Path

import grimp
import networkx
import pytest

import imgsim

ROOT = Path(imgsim.__file__).parents[1]
PACKAGES = ("imgsim", "orchestration", "dashboards")


def folders() -> list[Path]:
    return sorted({path.parent for package in PACKAGES for path in (ROOT / package).rglob("*.py")})


def test_few_modules_lie_loose_in_the_library():
    loose = [path.name for path in (ROOT / "imgsim").glob("*.py") if not path.name.startswith("__")]
    assert len(loose) <= 12, sorted(loose)


@pytest.mark.parametrize("folder", [pytest.param(path, id=str(path.relative_to(ROOT))) for path in folders()])
def test_no_folder_is_crowded(folder: Path):
    files = [path.name for path in folder.iterdir() if path.is_file()]
    assert len(files) <= 16, sorted(files)


def test_no_module_imports_itself_by_a_detour():
    """Imports inside functions and for type checkers count."""
    graph = grimp.build_graph(*PACKAGES, cache_dir=None)
    arrows = networkx.DiGraph(
        (module, to) for module in graph.modules for to in graph.find_modules_directly_imported_by(module)
    )
    circles = [sorted(part) for part in networkx.strongly_connected_components(arrows) if len(part) > 1]
    assert not circles


def test_every_unit_test_lies_where_its_module_does():
    stray = []
    for path in (ROOT / "tests" / "unit").rglob("test_*.py"):
        inside = path.relative_to(ROOT / "tests" / "unit")
        folder = (
            inside.parent
            if inside.parts[0] in {"orchestration", "dashboards", "training", "tools"}
            else "imgsim" / inside.parent
        )
        if not (ROOT / folder).is_dir():
            stray.append(str(inside))
    assert not stray
