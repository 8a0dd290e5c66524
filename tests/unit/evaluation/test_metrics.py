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
    assert set(evaluate(matrix, build_graph(matrix)).metrics) == {"images", "recall_at_10"}


def test_recall_has_an_interval_only_where_it_was_estimated(rng):
    matrix = two_blobs(rng)
    exact = build_graph(matrix)
    graph = NeighborGraph(exact.neighbors, exact.distances, "nn_descent")
    estimated = evaluate(matrix, graph, sample=12).metrics
    assert estimated["recall_at_10_low"] < estimated["recall_at_10"] == estimated["recall_at_10_high"] == 1
    assert "recall_at_10_low" not in evaluate(matrix, graph, sample=60).metrics
    assert "recall_at_10_low" not in evaluate(matrix, exact, sample=12).metrics


def test_twelve_queries_prove_little(rng):
    matrix = two_blobs(rng)[24:36]
    found = evaluate(matrix, build_graph(matrix), ["a"] * 6 + ["b"] * 6, k=5)
    assert found.metrics["precision_at_5"] == found.metrics["precision_at_5_high"] == 1
    assert found.metrics["precision_at_5_low"] < 0.8
    assert (found.per_class["precision_low"] < 0.7).all()
    assert (found.per_class["precision_high"] == 1).all()


@pytest.mark.parametrize("count", [2, 3, 7, 11, 12])
@pytest.mark.parametrize("k", [1, 3, 10, 25])
def test_any_k_and_few_images(rng, count, k):
    matrix = rng.standard_normal((count, 4), np.float32)
    found = evaluate(matrix, build_graph(matrix, k), ["same"] * count, k)
    assert found.k == min(k, count - 1)
    assert found.metrics[f"precision_at_{found.k}"] == found.metrics["nn1_accuracy"] == 1
    assert found.metrics["copies_left_out"] == 0


def test_recall_sees_wrong_neighbours(rng):
    matrix = rng.standard_normal((200, 8), np.float32)
    all_others = build_graph(matrix, k=199)
    half = [*range(5), *range(194, 199)]  # the five nearest and the five farthest
    wrong = NeighborGraph(all_others.neighbors[:, half], all_others.distances[:, half], "exact")
    result = evaluate(matrix, wrong, None)
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
    assert loaded.per_image.equals(result.per_image)
    assert loaded.pictures.tolist() == list(range(60))


def test_scores_of_other_images_are_refused(rng, tmp_path):
    matrix = two_blobs(rng)
    evaluate(matrix, build_graph(matrix), ["a"] * 60).save(tmp_path)
    with pytest.raises(imgsim.ModelFormatError, match="other images"):
        Evaluation.load(tmp_path, 61)


def test_scores_are_kept_by_image(rng):
    matrix = two_blobs(rng)
    found = evaluate(matrix, build_graph(matrix), ["a"] * 30 + ["b"] * 29 + [None])
    assert found.per_image["precision"].mean() == pytest.approx(found.metrics["precision_at_10"])
    assert found.per_image["nn1"].isna().tolist() == [False] * 59 + [True]


def test_one_image_can_be_evaluated(rng):
    matrix = rng.random((1, 4), np.float32)
    assert evaluate(matrix, build_graph(matrix), ["a"]).metrics == {"images": 1.0}
