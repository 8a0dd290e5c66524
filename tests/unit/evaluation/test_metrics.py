import numpy as np
import pytest

import imgsim
from imgsim.evaluation import Evaluation, evaluate
from imgsim.neighbors.graph import NeighborGraph, build_graph


def two_blobs(rng: np.random.Generator) -> np.ndarray:
    return np.concatenate([rng.normal(0, 0.1, (30, 4)), rng.normal(5, 0.1, (30, 4))]).astype(np.float32)


def test_perfect_neighbours_score_one(rng):
    matrix = two_blobs(rng)
    graph = build_graph(matrix, k=10)
    result = evaluate(matrix, graph, ["a"] * 30 + ["b"] * 30)
    for name in ("recall_at_10", "precision_at_10", "map_at_10", "nn1_accuracy", "precision_at_10_macro"):
        assert result.metrics[name] == 1.0
    assert result.per_class["label"].tolist() == ["a", "b"]
    assert result.per_class["images"].tolist() == [30, 30]


def test_background_stays_a_reference_and_is_never_a_query(rng):
    matrix = two_blobs(rng)
    labels = ["a"] * 30 + ["a"] * 15 + ["BACKGROUND_Google"] * 15
    result = evaluate(matrix, build_graph(matrix, k=10), labels)
    assert result.metrics["queries"] == 45
    assert result.metrics["precision_at_10"] < 1
    assert result.per_class["label"].tolist() == ["a"]


def test_unlabelled_and_lonely_images_are_no_queries(rng):
    matrix = two_blobs(rng)
    labels = ["a"] * 29 + [None] + ["b"] * 29 + ["only one"]
    assert evaluate(matrix, build_graph(matrix, k=10), labels).metrics["queries"] == 58


def test_without_labels_only_recall_is_reported(rng):
    matrix = two_blobs(rng)
    assert set(evaluate(matrix, build_graph(matrix)).metrics) == {
        "images",
        "recall_at_10",
        "recall_at_10_low",
        "recall_at_10_high",
    }


def test_recall_sees_wrong_neighbours(rng):
    matrix = rng.standard_normal((200, 8), np.float32)
    good = build_graph(matrix, k=10)
    half = good.neighbors.copy()
    distances = good.distances.copy()
    distances[:, 5:] += 100
    result = evaluate(matrix, NeighborGraph(half, distances, "exact"), None)
    assert result.metrics["recall_at_10"] == pytest.approx(0.5)


def test_a_graph_with_too_few_neighbours_is_refused(rng):
    matrix = two_blobs(rng)
    with pytest.raises(imgsim.ArgumentError, match="has 3 neighbours"):
        evaluate(matrix, build_graph(matrix, k=3), k=10)


def test_saved_evaluation_comes_back_equal(rng, tmp_path):
    matrix = two_blobs(rng)
    result = evaluate(matrix, build_graph(matrix), ["a"] * 30 + ["b"] * 30)
    result.save(tmp_path)
    loaded = Evaluation.load(tmp_path)
    assert loaded.digest == result.digest
    assert loaded.per_class.equals(result.per_class)


def test_one_image_can_be_evaluated(rng):
    matrix = rng.random((1, 4), np.float32)
    assert evaluate(matrix, build_graph(matrix), ["a"]).metrics == {"images": 1.0}
