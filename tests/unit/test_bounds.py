"""The lowest versions that pyproject.toml allows are the ones that CI tests."""

import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

import imgsim

ROOT = Path(imgsim.__file__).parents[1]
pytestmark = pytest.mark.skipif(not (ROOT / "pyproject.toml").exists(), reason="not a source tree")


def pins(name: str) -> dict[str, Version]:
    lines = [line for line in (ROOT / name).read_text().splitlines() if line and not line.startswith("#")]
    wanted = [Requirement(line) for line in lines]
    return {pin.name.lower().replace("_", "-"): Version(str(pin.specifier).removeprefix("==")) for pin in wanted}


def lower_bounds() -> dict[str, Version]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    groups = [project["dependencies"], *(extras[name] for name in extras if name != "train")]
    wanted = [Requirement(text) for group in groups for text in group]
    return {
        need.name: Version(bound.version)
        for need in wanted
        for bound in need.specifier
        if bound.operator == ">=" and need.name != project["name"]
    }


def test_the_lowest_versions_are_the_ones_tested() -> None:
    lowest = pins("constraints-lowest.txt")
    bounds = lower_bounds()
    assert len(bounds) > 40
    assert {name: (bound, lowest[name]) for name, bound in bounds.items() if lowest[name] != bound} == {}


def test_the_pinned_versions_are_allowed() -> None:
    pinned = pins("constraints.txt")
    assert {name: bound for name, bound in lower_bounds().items() if pinned[name] < bound} == {}
