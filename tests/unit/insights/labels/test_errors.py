import numpy as np
import pytest

from imgsim.insights.labels.errors import find_label_errors
from imgsim.insights.registry import load_insight


def flipped(labels: list[str], share: float, seed: int = 0) -> tuple[list[str], np.ndarray]:
    """Labels with a share of them changed to another one, and which (n,) bool."""
    rng = np.random.default_rng(seed)
    wrong = np.zeros(len(labels), bool)
    wrong[rng.choice(len(labels), round(share * len(labels)), replace=False)] = True
    names = sorted(set(labels))
    given = [
        str(rng.choice([name for name in names if name != label])) if bad else label
        for label, bad in zip(labels, wrong, strict=True)
    ]
    return given, wrong


def average_precision(hits: np.ndarray) -> float:
    return float((np.cumsum(hits) / np.arange(1, len(hits) + 1))[hits].mean())


@pytest.mark.parametrize("share", [0.01, 0.05, 0.2])
def test_planted_errors_are_found_corrected_and_counted(model_of, blobs, share):
    matrix, labels = blobs(12, 100)
    given, wrong = flipped(labels, share)
    found = find_label_errors(model_of(matrix, given))
    table = found.tables["images"]
    hits = wrong[table["row"]]
    assert len(table) == 1200
    assert average_precision(hits) > 0.95
    assert found.metrics["error_rate"] == pytest.approx(share, rel=0.2)
    assert found.metrics["expected_errors"] == pytest.approx(wrong.sum(), rel=0.2)
    top = table[hits & (table["probability"] > 0.5)]
    truth = np.array(labels)[top["row"]]
    assert (top["suggestion"] == truth).mean() > 0.95
    assert (top["votes"] > top["votes_given"]).all()
    assert table["probability"].is_monotonic_decreasing


def test_clean_labels_are_hardly_suspected(model_of, blobs):
    found = find_label_errors(model_of(*blobs(12, 100)))
    assert found.metrics["flagged"] == 0
    assert found.metrics["expected_errors"] < 5


def test_votes_are_those_of_the_graph(model_of, blobs):
    matrix, labels = blobs(4, 25)
    model = model_of(matrix, flipped(labels, 0.1)[0], k=7)
    names = np.array(model.images.labels)
    for row in find_label_errors(model).tables["images"].itertuples():
        around = names[model.graph.neighbors[row.row]]
        assert row.votes_given == (around == row.label).sum()
        assert row.votes == (around == row.suggestion).sum()
        assert row.suggestion != row.label


def test_the_classes_add_up(model_of, blobs):
    matrix, labels = blobs(5, 40)
    found = find_label_errors(model_of(matrix, flipped(labels, 0.1)[0]))
    classes = found.tables["classes"]
    assert classes["images"].sum() == found.metrics["judged"] == 200
    assert classes["flagged"].sum() == found.metrics["flagged"]
    assert classes["expected_errors"].sum() == pytest.approx(found.metrics["expected_errors"], rel=1e-4)
    assert classes["expected_errors"].is_monotonic_decreasing


def test_background_singletons_and_unlabelled_images_are_not_judged_nor_suggested(model_of, blobs):
    matrix, labels = blobs(4, 30)
    labels[90:] = ["BACKGROUND_Google"] * 30
    labels[0], labels[30:40] = "the only one", [None] * 10
    table = find_label_errors(model_of(matrix, labels)).tables["images"]
    assert set(table["row"]) == set(range(1, 30)) | set(range(40, 90))
    assert set(table["suggestion"].dropna()) <= {"class 0", "class 1", "class 2"}


def test_a_mistake_copied_several_times_is_still_found(model_of, blobs, rng):
    matrix, labels = blobs(6, 50)
    copies = matrix[:1] + 0.002 * rng.normal(size=(4, 16)).astype(np.float32)
    labels[0] = "class 3"
    table = find_label_errors(model_of(np.concatenate([matrix, copies]), [*labels, *["class 3"] * 4]))
    first = table.tables["images"][:5]
    assert set(first["row"]) == {0, 300, 301, 302, 303}
    assert set(first["suggestion"]) == {"class 0"}


def test_thirty_images(model_of, blobs):
    matrix, labels = blobs(3, 10, spread=0.3)
    labels[4] = "class 2"
    found = find_label_errors(model_of(matrix, labels, k=5))
    first = found.tables["images"].iloc[0]
    assert (first["row"], first["suggestion"]) == (4, "class 0")
    assert first["probability"] > 0.3
    assert found.metrics["flagged"] <= 1


@pytest.mark.parametrize(
    "labels", [None, ["same"] * 12, [f"own {i}" for i in range(12)], [None] * 11 + ["one"], ["BACKGROUND_Google"] * 12]
)
def test_nothing_to_judge_gives_empty_tables(model_of, blobs, labels, tmp_path):
    matrix, _ = blobs(3, 4)
    found = find_label_errors(model_of(matrix, labels, k=3))
    assert found.metrics == {"judged": 0, "error_rate": 0, "expected_errors": 0, "flagged": 0}
    assert [len(table) for table in found.tables.values()] == [0, 0]
    assert list(found.tables["images"])[:3] == ["row", "path", "label"]
    found.save(tmp_path)
    assert load_insight(tmp_path).digest == found.digest


@pytest.mark.parametrize("count", [1, 2])
def test_hardly_any_images(model_of, count):
    assert find_label_errors(model_of(np.eye(count, 4), ["a", "b"][:count])).metrics["judged"] == 0


def test_equal_images_with_two_labels(model_of):
    found = find_label_errors(model_of(np.ones((20, 4), np.float32), ["a"] * 18 + ["b"] * 2))
    table = found.tables["images"]
    assert len(table) == 20
    assert np.isfinite(table["probability"]).all()


def test_equal_seeds_give_equal_answers(model_of, blobs):
    matrix, labels = blobs(5, 40)
    model = model_of(matrix, flipped(labels, 0.05)[0])
    assert find_label_errors(model, seed=3).digest == find_label_errors(model, seed=3).digest
