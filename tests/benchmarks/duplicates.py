"""Planted copies found and claimed wrongly, by kind: 300 pictures in 9 changed copies each among the whole collection.

The limits of `imgsim.insights.descriptor` were chosen on 300 other pictures, which are left out here. Caltech-101
holds the same picture twice itself: every pair that is claimed there was looked at, and `CALTECH` lists them.

Then drawn documents, of which those of one layout differ in a number, a word or a line (`tests.benchmarks.documents`).
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd

import imgsim
from imgsim.decoding.decode import decode
from imgsim.insights.duplicates.find import find_duplicates
from imgsim.insights.duplicates.full_size import is_copy
from imgsim.insights.measures import measure_traits
from tests.benchmarks import prepared
from tests.benchmarks.documents import DOCUMENTS, SAVED
from tests.benchmarks.measure import timed
from tests.benchmarks.planted import COPIES, MUST_BE_FOUND, ON_REQUEST, plant
from tests.benchmarks.settings import Row, Settings

PICTURES = 300
FLOORS = {"recall": 0.95, "precision": 0.99}
CALTECH = """
BACKGROUND_Google 39 40, BACKGROUND_Google 101 102, Motorbikes 192 195, Motorbikes 428 429, Motorbikes 565 634,
anchor 5 16, buddha 8 83, buddha 12 13, buddha 22 28, garfield 27 32, gerenuk 4 25, grand_piano 2 77, grand_piano 6 14,
hedgehog 1 10, ibis 76 79, kangaroo 15 25, ketch 35 41, llama 1 10, lotus 6 15, lotus 23 33, mayfly 3 14,
menorah 14 15 16 17 53,
minaret 25 51, minaret 29 41, nautilus 20 33, octopus 18 35, pagoda 7 13, pigeon 2 6, pyramid 8 43, revolver 36 60,
rhino 51 55, stegosaurus 15 58, stegosaurus 32 43, stop_sign 1 5 34 56, strawberry 2 33, trilobite 11 22,
trilobite 44 77, watch 125 160, water_lilly 1 9, water_lilly 12 37
"""
"""Pictures that Caltech-101 holds more than once, besides pairs of Faces and Faces_easy and 100 mirrored Leopards.

The menorahs differ in the colour of their flames and the stop signs are one drawing at several sizes.
"""


def measure(settings: Settings) -> list[Row]:
    """Rows per network and kind of copy; then what it cost."""
    source = prepared.features(settings, prepared.network(settings)).images  # broken files are not in it
    picked = _picked(len(source), settings.reference)
    paths = [Path(source.locations[row]) for row in picked]
    made = plant(paths, settings.work / "planted", COPIES)
    files = [*source.locations, *(str(path) for path, _, _ in made)]
    original = np.concatenate([np.arange(len(source)), picked[[number for _, number, _ in made]]])
    kinds = pd.Series(["original"] * len(source) + [kind for _, _, kind in made])
    rows: list[Row] = []
    for name, weights in dict.fromkeys([("mini", None), (settings.backbone, settings.weights)]):
        chosen = Settings(settings.images, name, weights, settings.work)
        table = imgsim.load_images(files)
        model = imgsim.create(table, backbone=prepared.network(chosen), device="cpu", progress=False)
        rows += _found(name, model, _families(source.paths)[original], original, kinds.to_numpy(str))
    return rows + _documents()


def _documents(layouts: int = 3, numbers: int = 4) -> list[Row]:
    """Different documents called a copy, and copies that are found, by how the second file is saved."""
    pictures = {(n, i): [draw(i, j) for j in range(numbers)] for n, draw in DOCUMENTS.items() for i in range(layouts)}
    rows: list[Row] = []
    for how, save in SAVED.items():
        wrong: list[bool] = []
        right: list[bool] = []
        for images in pictures.values():
            first, files = [np.asarray(image) for image in images], [decode(save(image)) for image in images]
            wrong += [is_copy(first[a], files[b], True) for a, b in combinations(range(numbers), 2)]
            right += [is_copy(one, other, True) for one, other in zip(first, files, strict=True)]
        claimed = sum(wrong) + sum(right)
        scores = {"recall": float(np.mean(right)), "precision": sum(right) / max(claimed, 1), "pairs": len(wrong)}
        rows.append({"what": f"documents, {how}", "copies": len(right), **scores, "floor_precision": 0.999})
    return rows


def _picked(count: int, reference: bool) -> np.ndarray:
    """Rows of the pictures to copy, none of those that the limits were chosen on."""
    seen = np.random.default_rng(5).choice(count, PICTURES, replace=False) if reference else []
    left = np.setdiff1d(np.arange(count), seen)
    return np.sort(np.random.default_rng(11).permutation(left)[:PICTURES])


def _found(
    name: str, model: imgsim.SimilarityModel, truth: np.ndarray, original: np.ndarray, kinds: np.ndarray
) -> list[Row]:
    traits, cost = timed(lambda: measure_traits(model.references))
    results = {
        asked: find_duplicates(model.references, traits, **dict.fromkeys(asked, True))
        for asked in ((), ("flips", "rotations"))
    }
    _, again = timed(lambda: find_duplicates(model.references, traits))
    rows: list[Row] = []
    for kind in COPIES:
        groups = results[("flips", "rotations") if kind in ON_REQUEST else ()].tables["groups"]
        pictures = groups[groups["tier"] == "same_picture"]
        mine = np.flatnonzero(kinds == kind)
        row: Row = {"what": kind, "network": name, "copies": len(mine)}
        row |= _scores(pictures, mine, truth, original, kinds)
        row["recall_any_tier"] = _any_tier(groups, mine, original)
        if kind in MUST_BE_FOUND:
            row |= {f"floor_{key}": value for key, value in FLOORS.items()}
        rows.append(row)
    n = len(model)
    rows.append({"what": "cost of traits", "network": name, "images": n, "cpu_s": cost.cpu})
    rows.append({"what": "cost of duplicates", "network": name, "images": n, "cpu_s": again.cpu})
    return rows


def _scores(
    groups: pd.DataFrame, copies: np.ndarray, truth: np.ndarray, original: np.ndarray, kinds: np.ndarray
) -> dict[str, float]:
    """Recall: copies in one group with their original. Precision: pairs of a copy and another member that are right."""
    group = np.full(len(truth), -1)
    group[groups["row"]] = groups["group"]
    first = {int(row): i for i, row in enumerate(original) if kinds[i] == "original"}
    together = [group[c] >= 0 and group[c] == group[first[int(original[c])]] for c in copies]
    right = claimed = 0
    for copy in copies[group[copies] >= 0]:
        mates = np.flatnonzero(group == group[copy])
        claimed += len(mates) - 1
        right += int((truth[mates] == truth[copy]).sum()) - 1
    return {"recall": float(np.mean(together)), "precision": right / claimed if claimed else 1.0, "pairs": claimed}


def _any_tier(groups: pd.DataFrame, copies: np.ndarray, original: np.ndarray) -> float:
    """Share of copies linked to their original through groups of any tiers."""
    import networkx

    graph = networkx.Graph()
    for _, rows in groups.groupby("group")["row"]:
        networkx.add_path(graph, rows)
    parts = {row: number for number, part in enumerate(networkx.connected_components(graph)) for row in part}
    return float(np.mean([c in parts and parts[c] == parts.get(int(original[c]), -1) for c in copies]))


def _families(paths: Iterable[str]) -> np.ndarray:
    """(n,) equal numbers for pictures known to be the same."""
    number = {path: i for i, path in enumerate(paths)}
    known = [(line.split()[0], line.split()[1:]) for line in CALTECH.replace("\n", " ").split(",")]
    for folder, members in known:
        names = [f"{folder}/image_{int(member):04d}.jpg" for member in members]
        for one, other in combinations(names, 2):
            if one in number and other in number:
                number[other] = number[one]
    for path in list(number):
        twin = path.replace("Faces/", "Faces_easy/")
        if twin in number:
            number[twin] = number[path]
    for i in range(1, 101):
        one, other = (f"Leopards/image_{i + add:04d}.jpg" for add in (0, 100))
        if one in number and other in number:
            number[other] = number[one]
    return np.array(list(number.values()))
