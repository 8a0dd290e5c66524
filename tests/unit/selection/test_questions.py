from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import imgsim
from imgsim.decisions import Decisions, open_decisions
from tests.vector_models import LABELS, clustered, labelled_model

WRONG = np.arange(0, 200, 20)


@pytest.fixture(scope="module")
def model() -> imgsim.SimilarityModel:
    """Ten of 200 labels are wrong."""
    labels = LABELS.copy()
    labels[WRONG] = np.roll(LABELS, 100)[WRONG]
    return labelled_model(clustered(0.25), labels)


@pytest.fixture
def decisions(tmp_path: Path) -> Decisions:
    return open_decisions(f"sqlite:///{tmp_path / 'decisions.db'}")


def content(model: imgsim.SimilarityModel, found: pd.DataFrame) -> list[str]:
    return [model.images.sha256[row] for row in found["id"]]


def test_wrong_labels_are_asked_about_first_with_the_right_one(model: imgsim.SimilarityModel):
    found = model.questions(9)
    assert set(found["kind"]) == {"label"}
    assert set(found["id"]) < set(WRONG)
    assert found["suggestion"].tolist() == LABELS[found["id"].astype(int)].tolist()
    assert found["score"].is_monotonic_decreasing
    assert found["other_id"].isna().all()
    assert found["why"].str.contains(r"neighbours: \d+ \w, \d+ \w").all()


def test_a_picture_is_asked_about_once(model: imgsim.SimilarityModel):
    found = model.questions(500)
    ends = [*found["id"], *found["other_id"].dropna()]
    assert len(set(ends)) == len(ends)
    assert {"label", "pair"} == set(found["kind"])


def test_the_same_question_about_a_neighbour_waits():
    labels = LABELS.copy()
    labels[:3] = "e"
    matrix = clustered(0.25)
    matrix[:3] = matrix[0] + np.random.default_rng(0).normal(0, 0.05, (3, 16))
    found = labelled_model(matrix, labels).questions(190, kinds=["label"])
    places = [found.index[found["id"] == row][0] for row in range(3)]
    assert sorted(places)[0] == 0
    assert sorted(places)[1] > 20


def test_what_is_decided_is_not_asked_again(model: imgsim.SimilarityModel, decisions: Decisions):
    asked: set[int] = set()
    for _ in range(4):
        found = model.questions(5, decisions, kinds=["label"])
        assert not asked & set(found["id"])
        asked |= set(found["id"])
        for sha256, row in zip(content(model, found), found["id"], strict=True):
            decisions.set_label([sha256], LABELS[row], by="a reviewer")
    assert set(WRONG) < asked


def test_a_confirmed_label_and_a_reviewed_image_are_decided(model: imgsim.SimilarityModel, decisions: Decisions):
    found = model.questions(2, decisions)
    labels = [model.images.labels[row] for row in found["id"]]
    decisions.set_label(content(model, found)[:1], labels[0], by="a reviewer")
    decisions.mark(content(model, found)[1:], "reviewed", by="a reviewer")
    assert not set(found["id"]) & set(model.questions(500, decisions, kinds=["label"])["id"])


def test_decided_pairs_are_not_asked_again(model: imgsim.SimilarityModel, decisions: Decisions):
    before = model.questions(8, decisions, kinds=["pair"])
    assert set(before["kind"]) == {"pair"}
    assert set(before["suggestion"]) <= {"alike", "not alike"}
    hashes = model.images.sha256
    ends = [[hashes[row] for row in before[name]] for name in ("id", "other_id")]
    decisions.mark_pairs(*ends, alike=False, by="a reviewer")
    after = model.questions(8, decisions, kinds=["pair"])
    pairs = [set(zip(table["id"], table["other_id"], strict=True)) for table in (before, after)]
    assert pairs[1]
    assert not pairs[0] & pairs[1]


def test_pairs_between_decided_labels_are_not_asked(model: imgsim.SimilarityModel, decisions: Decisions):
    for label in "abcdefgh":
        rows = np.flatnonzero(label == LABELS)
        decisions.set_label([model.images.sha256[row] for row in rows], label, by="a reviewer")
    assert len(model.questions(50, decisions)) == 0
    assert list(model.questions(50, decisions)) == list(model.questions(1))


def test_images_without_a_label_get_the_suggestion_of_their_neighbours():
    labels = LABELS.astype(object)
    labels[::4] = None
    found = labelled_model(clustered(0.25), labels).questions(200, kinds=["label"])
    missing = found[found["label"].isna()]
    assert set(missing["id"]) == set(range(0, 200, 4))
    assert (missing["suggestion"] == LABELS[missing["id"].astype(int)]).mean() > 0.9


def test_without_any_label_the_first_questions_show_every_kind():
    found = labelled_model(clustered(0.1), [None] * 200).questions(8)
    assert set(LABELS[found["id"].astype(int)]) == set(LABELS)
    assert found["suggestion"].isna().all()
    pairs = labelled_model(clustered(0.4), [None] * 200).questions(5, kinds=["pair"])
    assert pairs["score"].between(0.2, 0.25).all()


def test_background_is_not_asked_about():
    labels = np.where(LABELS == "h", "BACKGROUND_Google", LABELS)
    found = labelled_model(clustered(0.5), labels).questions(500)
    assert "BACKGROUND_Google" not in {*found["label"], *found["other_label"], *found["suggestion"]}


def test_copies_are_one_picture():
    labels = np.repeat(LABELS, 2)
    labels[[0, 1]] = "e"
    model = labelled_model(
        np.repeat(clustered(0.25), 2, axis=0), labels, contents=np.repeat(np.arange(200), 2).tolist()
    )
    found = model.questions(300)
    assert found["id"][0] == 0
    assert 1 not in set(found["id"])
    assert not any(other == row + 1 and row % 2 == 0 for row, other in zip(found["id"], found["other_id"], strict=True))


def test_what_cannot_be_asked_is_refused(model: imgsim.SimilarityModel):
    with pytest.raises(imgsim.ArgumentError, match="at least 1, not 0"):
        model.questions(0)
    with pytest.raises(imgsim.ArgumentError, match=r"kinds must be some of label, pair, not \['tag'\]"):
        model.questions(3, kinds=["tag"])
    with pytest.raises(imgsim.ArgumentTypeError, match="kinds must be a list of labels"):
        model.questions(3, kinds="label")
    with pytest.raises(imgsim.ArgumentTypeError, match="decisions must be"):
        model.questions(3, decisions=3)


def test_a_single_image_leaves_its_label_to_ask():
    assert len(labelled_model(clustered(0.4)[:1], LABELS[:1]).questions(5)) == 0
    assert labelled_model(clustered(0.4)[:1], [None]).questions(5)["id"].tolist() == [0]
