import numpy as np
import pytest

from imgsim.evaluation import compared_with_label_free, evaluate
from imgsim.neighbors.graph import build_graph

LABELS = np.repeat(list("abcd"), 5).tolist()


def lists(right):
    """Neighbours of 20 images of four labels, of which the first ``right`` of 4 carry the label of each."""
    rows = np.arange(20)
    own = np.stack([rows // 5 * 5 + (rows + step) % 5 for step in range(1, 5)], axis=1)
    other = (own + 5) % 20
    return np.concatenate([own[:, :right], other[:, right:]], axis=1).astype(np.int32)


def test_the_metric_without_labels_is_asked_by_the_same_images():
    learnt = lists(4)
    learnt[:5] = -1
    found = compared_with_label_free(learnt, lists(2), LABELS, np.arange(20), set("abcd"))
    assert set(found) == {f"precision_at_4_label_free{end}" for end in ("", "_low", "_high")}
    assert found["precision_at_4_label_free"] == 0.5


def test_labels_that_taught_nothing_have_figures_of_their_own():
    learnt = lists(4)
    learnt[10:] = lists(1)[10:]
    found = compared_with_label_free(learnt, lists(2), LABELS, np.arange(20), {"a", "b"})
    means = {
        name.removeprefix("precision_at_4_"): found[name] for name in found if not name.endswith(("_low", "_high"))
    }
    assert means == {
        "label_free": 0.5,
        "seen": 1,
        "seen_label_free": 0.5,
        "unseen": 0.25,
        "unseen_label_free": 0.5,
    }
    assert found["precision_at_4_unseen_low"] < 0.25 < found["precision_at_4_unseen_high"]


def test_nothing_to_ask_is_no_figure():
    assert compared_with_label_free(np.full((20, 4), -1, np.int32), lists(2), LABELS, np.arange(20), set()) == {}


def test_evaluation_scores_labels_by_given_neighbours():
    """The vectors say nothing of the labels, the given neighbours everything; an image without them is no query."""
    matrix = np.random.default_rng(0).normal(size=(20, 8)).astype(np.float32)
    graph, given = build_graph(matrix, 4, "exact"), lists(4)
    given[-1] = -1
    found = evaluate(matrix, graph, LABELS, 4, neighbors=given)
    assert found.metrics["precision_at_4"] == 1
    assert found.metrics["queries"] == 19
    assert evaluate(matrix, graph, LABELS, 4).metrics["precision_at_4"] < 0.6
    assert found.metrics["recall_at_4"] == pytest.approx(1)
