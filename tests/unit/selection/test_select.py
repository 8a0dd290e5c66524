from collections import Counter

import numpy as np
import pytest

import imgsim
from imgsim.selection.select import WAYS
from tests.vector_models import LABELS, clustered, labelled_model


@pytest.fixture(scope="module")
def model() -> imgsim.SimilarityModel:
    return labelled_model(clustered(0.4))


@pytest.mark.parametrize("by", WAYS)
def test_a_choice_is_a_table_of_different_images(model: imgsim.SimilarityModel, by: str):
    found = model.select(30, by)
    assert list(found) == ["id", "path", "label", "score", "why"]
    assert len(set(found["id"])) == len(found) == 30
    assert found["score"].between(0, 1).all()
    assert found["why"].str.len().min() > 5
    assert found.equals(model.select(30, by))
    assert model.select(10_000, by)["id"].nunique() == 200


@pytest.mark.parametrize("by", WAYS)
def test_copies_are_chosen_once(by: str):
    matrix = np.repeat(clustered(0.4), 2, axis=0)
    model = labelled_model(matrix, np.repeat(LABELS, 2), contents=np.repeat(np.arange(200), 2).tolist())
    assert sorted(model.select(400, by)["id"]) == list(range(0, 400, 2))


def test_a_diverse_choice_covers_more_than_chance(model: imgsim.SimilarityModel):
    found = model.select(16, "diverse")
    coverage = found.attrs["coverage"]
    assert coverage["mean"] < coverage["random_mean"]
    assert coverage["covered"] > coverage["random_covered"]
    assert found["score"].sum() == pytest.approx(1)
    assert set(found["label"]) == set(LABELS)


def test_uncertain_images_are_those_without_a_label_and_then_those_between_classes():
    labels = LABELS.astype(object)
    labels[::20] = None
    model = labelled_model(clustered(0.4), labels)
    found = model.select(60, "uncertain")
    assert found["label"].isna().tolist() == [True] * 10 + [False] * 50
    assert found["score"][:10].is_monotonic_decreasing
    assert found["score"][10:].is_monotonic_decreasing
    assert found["score"][10] > 0.5
    own = found[10:]["id"].map(lambda row: (labels[model.graph.neighbors[row]] == labels[row]).mean())
    assert own.mean() < 0.9 * np.mean([(labels[model.graph.neighbors[r]] == labels[r]).mean() for r in range(200)])


def test_a_balanced_choice_takes_as_many_of_each_label():
    labels = np.repeat(["many", "some", "few"], [150, 47, 3])
    model = labelled_model(clustered(0.4, labels=labels), labels)
    found = model.select(33, "balanced")
    assert Counter(found["label"]) == {"many": 15, "some": 15, "few": 3}
    assert set(found["label"][:3]) == {"many", "some", "few"}
    assert found.groupby("label")["score"].sum().tolist() == pytest.approx([1, 1, 1])


def test_images_without_a_label_are_balanced_by_cluster():
    model = labelled_model(clustered(0.1), [None] * 200)
    found = model.select(8, "balanced")
    assert set(LABELS[found["id"]]) == set(LABELS)
    assert found["why"].str.startswith("cluster ").all()
    clusters = model.insight("clusters").tables["members"]["cluster"]
    assert sorted(clusters[model.select(8, "balanced")["id"]]) == list(range(8))


def test_what_cannot_be_chosen_is_refused(model: imgsim.SimilarityModel):
    with pytest.raises(imgsim.ArgumentError, match="at least 1, not 0"):
        model.select(0)
    with pytest.raises(imgsim.ArgumentError, match="diverse, uncertain, balanced, not 'best'"):
        model.select(3, "best")
    with pytest.raises(imgsim.ArgumentError, match="no image has a label"):
        labelled_model(clustered(0.4), [None] * 200).select(3, "uncertain")


@pytest.mark.parametrize("by", WAYS)
def test_a_single_image(by: str):
    found = labelled_model(clustered(0.4)[:1], LABELS[:1]).select(5, by)
    assert found["id"].tolist() == [0]
    assert found.attrs["coverage"]["largest"] == 0
