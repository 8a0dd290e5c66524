"""Renders the sample again and compares its pixels with those of the packaged archive."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import imgsim
from imgsim.decoding.decode import decode
from tests.benchmarks.measure import timed
from tests.benchmarks.settings import Row, Settings
from tools.render_sample import MESSY, render_sample

CEILING_DIFFERENCE = 1.0
"""Grey levels between a rendered picture and the packaged one, on average: rounding differs between machines."""


def measure(settings: Settings) -> list[Row]:
    """Return the cost of rendering and the largest difference.

    Raises
    ------
    RuntimeError
        A picture is missing or differs by more than `CEILING_DIFFERENCE`.
    """
    packaged = imgsim.unpack_sample(settings.work / "packaged")
    rendered, cost = timed(lambda: render_sample(settings.work / "rendered"))
    names = _names(packaged)
    if names != _names(rendered):
        raise RuntimeError(f"other files are rendered: {sorted(names ^ _names(rendered))}")
    pictures = sorted(name for name in names if Path(name).name not in MESSY[:3])
    differences = {name: difference(packaged / name, rendered / name) for name in pictures}
    name, largest = max(differences.items(), key=lambda item: item[1])
    if largest > CEILING_DIFFERENCE:
        raise RuntimeError(f"{name} is rendered otherwise: {largest:.2f} grey levels from the packaged picture")
    row: Row = {"what": "rendered and compared", "pictures": len(pictures), "wall_s": cost.wall, "cpu_s": cost.cpu}
    return [row | {"largest_difference": largest, "ceiling_largest_difference": CEILING_DIFFERENCE}]


def difference(one: Path, other: Path) -> float:
    """Return the mean absolute difference of two pictures in grey levels; infinite where their sizes differ."""
    pixels = [np.asarray(decode(path.read_bytes()), np.float32) for path in (one, other)]
    if pixels[0].shape != pixels[1].shape:
        return float("inf")
    return float(np.abs(pixels[0] - pixels[1]).mean())


def _names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.glob("*/*")}
