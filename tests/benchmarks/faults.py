"""Planted faults found, by issue: up to 300 pictures blurred, dark, washed out, emptied, cut and shrunk, among all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

import imgsim
from imgsim.insights.measures import measure_traits
from imgsim.insights.quality import ISSUES, image_quality
from tests.benchmarks import prepared
from tests.benchmarks.measure import timed
from tests.benchmarks.planted import FAULTS, plant
from tests.benchmarks.settings import Row, Settings

PICTURES = 300
RARE = 30
"""At most one picture in this many is spoilt each way: what is usual in a collection is no fault."""


def measure(settings: Settings) -> list[Row]:
    """A row per issue: recall on what was planted, and the share of all other pictures that have it too.

    No collection is free of faults, so those are not all wrong: precision is given as if they were.
    """
    source = prepared.features(settings, prepared.network(settings)).images  # broken files are not in it
    picked = np.sort(np.random.default_rng(7).permutation(len(source))[: min(PICTURES, len(source) // RARE)])
    made = plant([Path(source.locations[row]) for row in picked], settings.work / "faults", FAULTS)
    table = imgsim.load_images([*source.locations, *(str(path) for path, _, _ in made)])
    model = imgsim.create(table, backbone=prepared.network(settings), device="cpu", progress=False)
    planted = pd.Series([""] * len(source) + [fault for _, _, fault in made])
    traits = measure_traits(model.references)
    found, cost = timed(lambda: image_quality(model.references, traits))
    issues = found.tables["issues"]
    rows: list[Row] = []
    for issue in ISSUES:
        flagged = planted[issues[issues["issue"] == issue]["row"]]
        hits, others = int((flagged == issue).sum()), int((flagged == "").sum())
        recall = hits / int((planted == issue).sum())
        precision = hits / max(1, hits + others)
        clean = others / int((planted == "").sum())
        rows.append(
            {"what": issue, "recall": recall, "precision": precision, "others": others, "share_of_others": clean}
        )
    return [*rows, {"what": "cost", "images": len(model), "cpu_s": cost.cpu}]
