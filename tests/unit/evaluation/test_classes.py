import numpy as np
import pytest

from imgsim.evaluation import confusion, evaluate, images_of_class, label_codes, labels_met, precision_by_rank
from imgsim.evaluation.classes import label_scores
from imgsim.neighbors.graph import NeighborGraph, build_graph

LABELS = ["a", "a", "a", "b", "b", None]


@pytest.fixture
def graph() -> NeighborGraph:
    """Six images, three neighbours each."""
    neighbors = np.array([[1, 3, 2], [3, 4, 0], [0, 1, 5], [4, 0, 1], [0, 1, 2], [4, 3, 2]], np.int32)
    return NeighborGraph(neighbors, np.tile(np.float32([1, 2, 3]), (6, 1)), "exact")


def test_hand_computed_scores():
    codes = np.array([0, 0, 0, 1, 1])
    neighbors = np.array([[1, 3, 2], [3, 4, 0], [0, 1, 3], [4, 0, 1], [0, 1, 2]], np.int32)
    precision, average, first = label_scores(codes, neighbors, np.ones(5, bool))
    np.testing.assert_allclose(precision, [2 / 3, 1 / 3, 2 / 3, 1 / 3, 0])
    np.testing.assert_allclose(average, [(1 + 2 / 3) / 2, (1 / 3) / 2, 1, 1, 0])
    np.testing.assert_allclose(first, [1, 0, 1, 1, 0])


def test_labels_as_numbers():
    names, codes = label_codes(["b", None, "a", "b", ""])
    assert names.tolist() == ["", "a", "b"]
    assert codes.tolist() == [2, -1, 1, 2, 0]
    assert label_codes([None])[0].size == 0


def test_precision_by_rank_by_hand(graph: NeighborGraph):
    curve = precision_by_rank(graph, LABELS)
    assert curve["k"].tolist() == [1, 2, 3]
    np.testing.assert_allclose(
        curve["precision"], [3 / 5, (0.5 + 0 + 1 + 0.5 + 0) / 5, (2 / 3 + 1 / 3 + 2 / 3 + 1 / 3) / 5]
    )
    assert (curve["low"] < curve["precision"]).all()
    assert precision_by_rank(graph, LABELS, classes=["b"])["precision"].tolist()[0] == 0.5
    assert precision_by_rank(graph, [None] * 6).empty


def test_the_curve_ends_at_the_metrics_of_the_evaluation(rng):
    matrix = rng.standard_normal((120, 4)).astype(np.float32)
    labels = [None if row % 10 == 0 else f"label {row % 3}" for row in range(120)]
    graph = build_graph(matrix, k=12)
    found, curve = evaluate(matrix, graph, labels, k=8), precision_by_rank(graph, labels, k=8)
    for name, column in (
        ("precision_at_8", "precision"),
        ("precision_at_8_low", "low"),
        ("precision_at_8_high", "high"),
    ):
        assert curve[column].iloc[-1] == pytest.approx(found.metrics[name])
    assert curve["precision"].iloc[0] == found.metrics["nn1_accuracy"]


def test_confusion_by_hand(graph: NeighborGraph):
    found = confusion(graph, LABELS)
    assert found.k == 3
    np.testing.assert_allclose(found.own[["a", "b"]], [5 / 9, 1 / 6])
    rows = found.pairs[["label", "other", "count"]].values.tolist()
    assert rows == [["b", "a", 5], ["a", "b", 3]], "an image without label is no label, and never a query"
    np.testing.assert_allclose(found.pairs["share"], [5 / 6, 3 / 9])


def test_labels_that_are_no_classes_are_confused_with_and_never_asked_for(graph: NeighborGraph):
    found = confusion(graph, ["a", "a", "a", "BACKGROUND_Google", "BACKGROUND_Google", "b"])
    assert list(found.own.index) == ["a"], "b is on one image only"
    assert set(found.pairs["other"]) == {"BACKGROUND_Google", "b"}


def test_one_label_cannot_be_confused(graph: NeighborGraph):
    assert confusion(graph, ["a"] * 6) is None
    assert confusion(graph, [None] * 6) is None
    assert confusion(graph, LABELS, classes=[]) is None


def test_the_images_of_a_class(graph: NeighborGraph):
    rows, counts = images_of_class(graph, LABELS, "a")
    assert (rows.tolist(), counts.tolist()) == ([1, 0, 2], [1, 2, 2])
    rows, counts = images_of_class(graph, LABELS, "a", "b")
    assert (rows.tolist(), counts.tolist()) == ([1, 0], [2, 1])
    assert images_of_class(graph, LABELS, "c")[0].size == 0
    for row in range(len(LABELS)):
        met = labels_met(graph, LABELS, np.array([row]))
        assert met == {
            name: count
            for name in set(LABELS) - {None}
            if (count := sum(LABELS[near] == name for near in graph.neighbors[row]))
        }
        assert list(met.values()) == sorted(met.values(), reverse=True)
