from copy import copy
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import imgsim
from imgsim.comparison import (
    Agreement,
    agreement,
    changed_labels,
    class_differences,
    counterparts,
    facts,
    metric_differences,
    moves,
    neighbor_overlap,
)
from imgsim.comparison import _verdict as verdict
from imgsim.errors import ArgumentError
from imgsim.model import SimilarityModel


@pytest.fixture(scope="module")
def other(tiny_model: SimilarityModel, tiny_store: imgsim.FeatureStore) -> SimilarityModel:
    """Another model: two images fewer, raw features, rows in another order."""
    order = np.arange(len(tiny_model))[::-1][2:]
    return imgsim.create(
        tiny_model.images[order], store=tiny_store, k=10, projection=None, backbone="mini", progress=False
    )


@pytest.fixture(scope="module")
def across(tiny_model: SimilarityModel, other: SimilarityModel) -> np.ndarray:
    return counterparts(tiny_model.images, other.images)


def test_the_same_image_is_found_by_content_wherever_its_row_is(tiny_model, other, across):
    mine, theirs = tiny_model.images, other.images
    for row, there in enumerate(across):
        assert there == -1 or mine.sha256[row] == theirs.sha256[there]
    assert (across >= 0).sum() == len(other)
    back = counterparts(theirs, mine)
    rows = np.flatnonzero(across >= 0)
    np.testing.assert_array_equal(back[across[rows]], rows)


def test_files_of_equal_bytes_keep_apart(tiny_images: Path, tmp_path: Path):
    data = next(tiny_images.rglob("*.jpg")).read_bytes()
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        (tmp_path / name).write_bytes(data)
    three, two = imgsim.load_images(tmp_path), imgsim.load_images([tmp_path / "b.jpg", tmp_path / "c.jpg"])
    np.testing.assert_array_equal(counterparts(three, three), [0, 1, 2])
    np.testing.assert_array_equal(counterparts(three, two), [0, 1, -1])


def test_images_without_bytes_are_known_by_their_path():
    one, two = (imgsim.create(embeddings=np.eye(n, 4, dtype=np.float32), k=2, progress=False) for n in (3, 4))
    np.testing.assert_array_equal(counterparts(two.images, one.images), [0, 1, 2, -1])


def test_moves_of_each_image():
    across = np.array([0, 1, 2, 3, -1])
    before = moves([0, 1, 2, 4], [1, 0, 3, 2], across)
    assert [(move.kind, move.rank, move.there) for move in before] == [
        ("down", 1, 2),
        ("up", 2, 1),
        ("down", 3, 4),
        ("absent", 4, None),
    ]
    after = moves([1, 0, 3, 2], [0, 1, 2, 4], across, forward=False)
    assert [(move.kind, move.rank, move.there) for move in after] == [
        ("up", 1, 2),
        ("down", 2, 1),
        ("new", 3, None),
        ("down", 4, 3),
    ]
    assert moves([0], [1], across)[0].kind == "gone"
    assert moves([2], [2], across)[0].kind == "stays"


def test_agreement_of_two_lists():
    across = np.arange(6)
    before = moves([0, 1, 2, 3], [1, 0, 2, 5], across)
    after = moves([1, 0, 2, 5], [0, 1, 2, 3], across, forward=False)
    assert agreement(before, after) == Agreement(3, 0.75, 0.6, 2)
    assert agreement([], []) == Agreement(0, 1.0, 1.0, 0)


def test_a_model_agrees_with_itself(tiny_model: SimilarityModel):
    found = imgsim.compare(tiny_model, tiny_model)
    overlap = found.overlap
    assert (overlap.mean, overlap.low, overlap.high) == (1.0, 1.0, 1.0)
    assert overlap.same == len(overlap.rows) == overlap.shared == len(tiny_model)
    assert overlap.spread["images"].tolist() == [0] * 10 + [len(tiny_model)]
    assert set(found.metrics["verdict"]) == {"equal"}


def test_overlap_counts_the_neighbours_of_both_graphs(tiny_model, other, across):
    found = neighbor_overlap(tiny_model, other, across)
    shares = {}
    for row in np.flatnonzero(across >= 0).tolist():
        mine = {int(across[near]) for near in tiny_model.graph.neighbors[row]} - {-1}
        shares[row] = len(mine & set(other.graph.neighbors[across[row]].tolist())) / 10
    assert found.mean == pytest.approx(np.mean(list(shares.values())))
    assert found.low == found.mean == found.high, "all images in both were compared: nothing is estimated"
    assert "95 %" not in str(found)
    estimated = neighbor_overlap(tiny_model, other, across, sample=20)
    assert 0 < estimated.low < estimated.mean < estimated.high < 1
    assert "95 %" in str(estimated)
    assert found.spread["images"].sum() == len(found.rows) == len(shares)
    assert [shares[row] for row in found.rows.tolist()] == (found.common / 10).tolist() == sorted(shares.values())


def test_the_sample_is_the_same_every_time(tiny_model, other, across):
    first, again = (neighbor_overlap(tiny_model, other, across, 5, sample=7) for _ in range(2))
    assert len(first.rows) == 7
    np.testing.assert_array_equal(first.rows, again.rows)


def test_models_without_a_common_image_have_no_overlap(tiny_model):
    vectors = imgsim.create(embeddings=np.eye(12, dtype=np.float32), progress=False)
    found = imgsim.compare(tiny_model, vectors)
    assert found.overlap is None
    assert (found.counterparts == -1).all()
    assert "no neighbours to compare" in str(found)


def test_k_is_a_number_of_neighbours(tiny_model):
    with pytest.raises(ArgumentError):
        imgsim.compare(tiny_model, tiny_model, k=0)


def test_metrics_are_compared_image_by_image(tiny_model, other, across):
    table = metric_differences(tiny_model, other).set_index("metric")
    np.testing.assert_allclose(table["difference"], table["after"] - table["before"])
    precision = table.loc["precision_at_10"]
    mine, theirs = (model.evaluation.per_image["precision"].to_numpy() for model in (tiny_model, other))
    both = across >= 0
    difference = np.nanmean(theirs[across[both]] - mine[both])
    assert precision["low"] <= difference <= precision["high"]
    verdicts = {True: "better"} if precision["low"] > 0 else {precision["high"] < 0: "worse"}
    assert precision["verdict"] in (verdicts.get(True, "unclear"), "equal")


def test_a_model_does_not_differ_from_itself(tiny_model):
    table = metric_differences(tiny_model, tiny_model)
    assert set(table["verdict"]) == {"equal"}
    measured = table.dropna()
    assert (measured["low"] < 0).all()
    assert (measured["high"] > 0).all()


def test_a_clear_difference_says_which_is_better():
    old = {"p": 0.5, "p_low": 0.4, "p_high": 0.6}
    new = {"p": 0.9, "p_low": 0.8, "p_high": 1.0}
    assert verdict("p", old, new) == "better"
    assert verdict("p", new, old) == "worse"
    assert verdict("p", old, {"p": 0.6, "p_low": 0.5, "p_high": 0.7}) == "unclear"
    assert verdict("p", old, {}) == "only before"
    assert verdict("p", {}, new) == "only after"
    assert verdict("p", {"p": 0.5}, {"p": 0.501}) == "better", "without intervals every difference counts"
    assert verdict("p", old, {"p": 0.6}, {"p": (0.05, 0.15)}) == "better", "pairs tell more than two intervals"
    assert verdict("p", old, new, {"p": (-0.05, 0.85)}) == "unclear"


def test_facts_of_both_models(tiny_model, other, across):
    table = facts(tiny_model, other, across).set_index("fact")
    assert table.loc["images"].tolist() == [f"{len(tiny_model):,}", f"{len(other):,}"]
    assert table.loc["of these not in the other"].tolist() == ["2", "0"]
    assert table.loc["neighbours in the graph"].tolist() == ["10 by exact search"] * 2


def test_a_comparison_prints_facts_metrics_and_overlap(tiny_model, other):
    text = str(imgsim.compare(tiny_model, other))
    assert "of these not in the other" in text
    assert "Precision@10" in text
    assert "of the 10 neighbours are the same" in text


def test_images_whose_label_differs(tiny_model, tiny_store):
    images = tiny_model.images
    labels = list(images.labels)
    labels[3], labels[5] = "another", None
    table = images.table.set_column(images.table.schema.get_field_index("label"), "label", pa.array(labels))
    order = np.arange(len(images))[::-1]
    other = imgsim.create(imgsim.ImageTable(table)[order], store=tiny_store, k=10, backbone="mini", progress=False)
    across = counterparts(tiny_model.images, other.images)
    changed = changed_labels(tiny_model, other, across)
    assert changed["row"].tolist() == [3, 5]
    assert changed["before"].tolist() == [images.labels[3], images.labels[5]]
    assert changed["after"].tolist() == ["another", None]
    assert not len(changed_labels(tiny_model, tiny_model, np.arange(len(images))))
    table = facts(tiny_model, other, across).set_index("fact")
    assert table.loc["images labelled otherwise"].tolist() == ["2", "2"]


def test_classes_by_the_precision_they_lost(tiny_model, other):
    before, after = copy(tiny_model), copy(other)
    for model in (before, after):
        model.references = copy(model.references)
        model.references.evaluation = None
    assert not len(class_differences(before, after))
    before.evaluate(k=5)
    after.evaluate(k=5)
    table = class_differences(before, after)
    assert set(table["label"]) == set(tiny_model.images.labels)
    assert table["difference"].is_monotonic_increasing
    np.testing.assert_allclose(table["difference"], table["after"] - table["before"])
    precision = before.evaluation.per_class.set_index("label")["precision"]
    np.testing.assert_allclose(table.set_index("label")["before"][precision.index], precision)
    after.evaluate(k=4)
    assert not len(class_differences(before, after)), "another k cannot be compared"
