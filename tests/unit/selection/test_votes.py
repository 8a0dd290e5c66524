import numpy as np
import pytest

from imgsim.selection.votes import votes_of
from tests.vector_models import LABELS, clustered, labelled_model

ALONE = np.arange(200)


def test_shares_are_of_the_neighbours():
    model = labelled_model(clustered(0.5))
    labels, votes = model.images.labels, votes_of(model.references, model.images.labels, ALONE)
    assert ((votes.first_share >= votes.second_share) & (votes.second_share >= 0)).all()
    assert (votes.first_share + votes.second_share <= 1 + 1e-9).all()
    for row in range(0, 200, 7):
        around = {labels[other] for other in model.graph.neighbors[row]}
        assert {votes.first[row], votes.second[row]} - {None} <= around
        assert (votes.second[row] is None) == (len(around) == 1)
    sure = np.argsort(-votes.margin)[:100]
    assert (votes.first[sure] == LABELS[sure]).mean() > (votes.first == LABELS).mean()


def test_neighbours_without_a_label_vote_for_none():
    labels = [label if row % 2 else None for row, label in enumerate(LABELS)]
    model = labelled_model(clustered(0.1), labels)
    votes = votes_of(model.references, labels, ALONE)
    assert (votes.first == LABELS).all()
    assert votes.first_share.mean() == pytest.approx(0.5, abs=0.1)


def test_without_labels_there_is_nothing_to_say():
    model = labelled_model(clustered(0.1), [None] * 200)
    votes = votes_of(model.references, [None] * 200, ALONE)
    assert not votes.margin.any()
    assert votes.words(3) == "no neighbour has a label"


def test_copies_vote_once():
    """Nine copies of a picture of another label do not outvote the others."""
    matrix, labels = clustered(0.1), [*LABELS, *["copy"] * 9]
    near = matrix[0] + np.random.default_rng(0).normal(0, 0.1, 16)
    matrix = np.concatenate([matrix, np.repeat(near[None], 9, axis=0)]).astype(np.float32)
    model = labelled_model(matrix, labels)
    pictures = np.minimum(np.arange(209), 200)
    votes = votes_of(model.references, labels, pictures)
    assert votes.first[0] == "a"
    assert votes.second_share[0] < 0.3
    assert votes.words(0).startswith("neighbours vote ")
