"""Rounds of questions to a simulated reviewer, and of learning from the answers, beside questions at random."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

import imgsim
from imgsim.backbones.spec import Backbone
from imgsim.decisions import open_decisions
from imgsim.features.extract import Features
from tests.benchmarks import prepared
from tests.benchmarks.settings import Row, Settings
from tests.reviewer import Queries, Reviewer, at_random, by_product, improve, split, with_wrong_labels

WRONG = 0.05
ROUNDS, ANSWERS = 5, 50
SEEDS = (0, 1, 2)
"""Of the wrong labels, of the images that ask, and of the questions at random."""


def measure(settings: Settings) -> list[Row]:
    """A row per round and kind of questions, and of all labels put right: means over seeds.

    A fifth of the images asks, and is not in the model.
    """
    network = prepared.network(settings)
    features = prepared.features(settings, network)
    loops = [_loops(settings, network, features, seed) for seed in SEEDS]
    return [row for what in loops[0] for row in _means(what, [found[what] for found in loops])]


def _loops(
    settings: Settings, network: Backbone, features: Features, seed: int
) -> dict[str, Sequence[dict[str, float]]]:
    """Rows of `improve` with the questions of the product, with those at random, and of learning from the truth."""
    images, store = features.images, imgsim.FeatureStore()
    known, asking = split(images, seed=seed)
    queries = Queries(features.matrix[asking], np.array(images.labels, object)[asking])
    truth = dict(zip(images.sha256, map(str, images.labels), strict=True))
    planted = with_wrong_labels(images[known], WRONG, seed)
    start = imgsim.create(planted, backbone=network, store=store, progress=False)
    stores = [open_decisions(f"sqlite:///{settings.work / f'{what}-{seed}.db'}") for what in ("asked", "random")]
    asks = {"questions": by_product(stores[0]), "at random": at_random(stores[1], seed)}
    loops: dict[str, Sequence[dict[str, float]]] = {
        what: improve(start, Reviewer(truth, decisions), ask, queries, store, ROUNDS, ANSWERS)
        for (what, ask), decisions in zip(asks.items(), stores, strict=True)
    }
    perfect = start.learn([truth[key] for key in start.images.sha256], store=store)
    return loops | {"all labels right": [{"precision_at_10": queries.precision(perfect, truth)}]}


def _means(what: str, loops: Sequence[Sequence[dict[str, float]]]) -> list[Row]:
    """Rows of means, with how often precision rose above the round before."""
    rows: list[Row] = []
    for number, found in enumerate(zip(*loops, strict=True)):
        row: Row = {"what": f"{what}, round {number}"}
        row |= {name: float(np.mean([each[name] for each in found])) for name in found[0]}
        if number:
            before = [loop[number - 1]["precision_at_10"] for loop in loops]
            rose = sum(each["precision_at_10"] > last for each, last in zip(found, before, strict=True))
            row["rose"] = f"{rose} of {len(loops)}"
        rows.append(row)
    return rows
