"""Questions, answers and learning, round by round, on a part of the rendered sample with wrong labels."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

import imgsim
from imgsim.decisions import open_decisions
from imgsim.features.extract import extract_features
from tests.reviewer import Queries, Reviewer, at_random, by_product, improve, split, with_wrong_labels
from tests.sample_images import ALL, copy_sample

ROUNDS, ANSWERS = 2, 5


@pytest.mark.slow
def test_questions_find_wrong_labels_and_the_model_improves(tmp_path: Path, tiny_store: imgsim.FeatureStore):
    images = imgsim.load_images(copy_sample(tmp_path / "images", views=20, kinds=ALL[:8]), progress=False)
    network = imgsim.get_backbone("mini")
    features = extract_features(images, network, tiny_store, device="cpu", progress=False)
    images = features.images
    known, asking = split(images)
    queries = Queries(np.asarray(features.vectors)[asking], np.array(images.labels, object)[asking])
    truth = dict(zip(images.sha256, map(str, images.labels), strict=True))
    planted = with_wrong_labels(images[known], 0.1)
    start = imgsim.create(planted, backbone=network, store=tiny_store, progress=False)
    before = list(start.images.labels)
    reviewer = Reviewer(truth, open_decisions(tmp_path / "asked.db"))
    rows = improve(start, reviewer, by_product(reviewer.decisions), queries, tiny_store, ROUNDS, ANSWERS)
    assert len(reviewer.decisions.labels()) + len(reviewer.decisions.pairs()) == ROUNDS * ANSWERS
    wrong, asked = (sum(row[name] for row in rows) for name in ("wrong", "label_questions"))
    assert wrong >= 0.7 * asked
    other = Reviewer(truth, open_decisions(tmp_path / "random.db"))
    control = other.answer(start, at_random(other.decisions)(start, ROUNDS * ANSWERS))
    assert wrong >= 2 * control["wrong"]
    right = [row["right_labels"] for row in rows]
    assert all(later > earlier for earlier, later in pairwise(right))
    assert rows[-1]["precision_at_10"] >= rows[0]["precision_at_10"]
    assert list(start.images.labels) == before
