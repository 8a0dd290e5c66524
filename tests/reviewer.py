"""A simulated reviewer who knows the true labels, and the loop of questions, answers and learning."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

import imgsim
from imgsim.decisions import Decisions
from imgsim.evaluation import BACKGROUND
from imgsim.images.table import ImageTable

Ask = Callable[[imgsim.SimilarityModel, int], pd.DataFrame]


@dataclass(frozen=True)
class Reviewer:
    """Answers questions rightly, into a store of decisions.

    ``truth`` holds the true label of each content (sha256).
    """

    truth: Mapping[str, str]
    decisions: Decisions

    def answer(self, model: imgsim.SimilarityModel, asked: pd.DataFrame) -> dict[str, int]:
        """Answer; returns the counts of ``label_questions`` and of ``wrong`` labels among them."""
        content = dict(zip(model.ids.tolist(), model.images.sha256, strict=True))
        wrong = 0
        labels, pairs = asked[asked["kind"] == "label"], asked[asked["kind"] == "pair"]
        for row in labels.itertuples():
            true = self.truth[content[row.id]]
            wrong += row.label != true
            self.decisions.set_label([content[row.id]], true, by="reviewer")
        for row in pairs.itertuples():
            one, other = content[row.id], content[row.other_id]
            self.decisions.mark_pairs([one], [other], alike=self.truth[one] == self.truth[other], by="reviewer")
        return {"label_questions": len(labels), "wrong": wrong}


def by_product(decisions: Decisions) -> Ask:
    """The questions of `imgsim.SimilarityModel.questions`."""
    return lambda model, n: model.questions(n, decisions)


def at_random(decisions: Decisions, seed: int = 0) -> Ask:
    """Images drawn at random among those whose label is not decided."""
    generator = np.random.default_rng(seed)

    def ask(model: imgsim.SimilarityModel, n: int) -> pd.DataFrame:
        decided = decisions.labels()
        open_rows = [row for row, key in enumerate(model.images.sha256) if key not in decided]
        rows = generator.choice(open_rows, min(n, len(open_rows)), replace=False)
        return pd.DataFrame({"kind": "label", "id": model.ids[rows], "label": model.images.labels[rows]})

    return ask


@dataclass(frozen=True)
class Queries:
    """Pictures that are not in the model: raw features (q, d), and their true labels (q,)."""

    features: NDArray[np.float32]
    labels: NDArray[np.object_]

    def precision(self, model: imgsim.SimilarityModel, labels: Mapping[str, str], k: int = 10) -> float:
        """Return precision@k where the images of the model have these ``labels``, by content."""
        known = np.array([labels[key] for key in model.images.sha256], object)
        of_id = dict(zip(model.ids.tolist(), known, strict=True))
        found = model.query(self.features, k=k)
        hits = np.array([of_id[name] for name in found["reference_label"]], object)
        return float((hits == self.labels[found["query_label"].to_numpy(np.int64)]).mean())


def improve(
    start: imgsim.SimilarityModel,
    reviewer: Reviewer,
    ask: Ask,
    queries: Queries,
    store: imgsim.FeatureStore,
    rounds: int = 5,
    answers: int = 50,
) -> list[dict[str, float]]:
    """Ask, answer and learn, round by round; returns a row per round, the first of the model before it.

    Columns: ``answers`` so far, ``label_questions`` and ``wrong`` of the round, ``precision_at_10`` (neighbours whose
    true label is that of the query), and ``right_labels``: neighbours whose label, as decided so far, is.
    """

    def figures(model: imgsim.SimilarityModel) -> dict[str, float]:
        labels = dict(zip(start.images.sha256, map(str, start.images.labels), strict=True))
        now = labels | reviewer.decisions.labels()
        return {
            "precision_at_10": queries.precision(model, reviewer.truth),
            "right_labels": queries.precision(model, now),
        }

    model, rows = start, [{"answers": 0, "label_questions": 0, "wrong": 0, **figures(start)}]
    for number in range(1, rounds + 1):
        counts = reviewer.answer(model, ask(model, answers))
        model = start.learn(decisions=reviewer.decisions, store=store)
        rows.append({"answers": number * answers, **counts, **figures(model)})
    return rows


def with_wrong_labels(images: ImageTable, share: float, seed: int = 0) -> ImageTable:
    """Give a share of the images of classes the label of another class."""
    generator = np.random.default_rng(seed)
    labels = np.array(images.labels, object)
    names = sorted({label for label in labels if label not in (None, *BACKGROUND)})
    judged = np.flatnonzero(np.isin(labels, names))
    for row in generator.choice(judged, round(share * len(judged)), replace=False):
        labels[row] = generator.choice([name for name in names if name != labels[row]])
    table = images.table
    place = table.schema.get_field_index("label")
    return ImageTable(table.set_column(place, "label", pa.array(labels.tolist(), pa.string())), root=images.root)


def split(images: ImageTable, share: float = 0.2, seed: int = 0) -> tuple[Sequence[int], Sequence[int]]:
    """Draw rows that are known, and a share of the images of classes that ask."""
    order = np.random.default_rng(seed).permutation(len(images))
    labels = np.array(images.labels, object)[order]
    asking = order[: round(share * len(order))]
    known = np.sort(order[len(asking) :])
    return known.tolist(), np.sort(asking[~np.isin(labels[: len(asking)], [None, *BACKGROUND])]).tolist()
