import numpy as np
import pytest

from imgsim.features.embeddings import fit_projection
from imgsim.features.principal import unit
from imgsim.features.whitening import mutual_pairs
from imgsim.learning.choice import LABEL_FREE, WHITENED
from imgsim.learning.cross_validation import lesson_of
from imgsim.learning.pair_choice import chosen_by_pairs, pair_scores, with_pair_folds
from imgsim.learning.supervision import Supervision
from imgsim.learning.teacher import Teacher

N, D, DIMS = 600, 64, 32


def lesson_of_pairs(alike, unlike=()):
    pairs = (np.array(found, np.int64).reshape(-1, 2) for found in (alike, unlike))
    return with_pair_folds(lesson_of(Supervision([()] * N, *pairs, np.zeros(N, bool)), np.arange(N), []))


def drawn_pairs(of, count):
    """Pairs of different images whose values of ``of`` are equal, each image in one."""
    order = np.random.default_rng(3).permutation(N)
    found = [order[of[order] == value] for value in np.unique(of)]
    return np.concatenate([rows[: len(rows) // 2 * 2].reshape(-1, 2) for rows in found])[:count]


@pytest.fixture(scope="module")
def world():
    """Features of two things that vary: the wanted class, and more strongly a style."""
    rng = np.random.default_rng(0)
    wanted, style = rng.integers(0, 6, N), rng.integers(0, 6, N)
    features = rng.normal(size=(6, D))[wanted] + 2 * rng.normal(size=(6, D))[style] + rng.normal(size=(N, D))
    features = features.astype(np.float32)
    return features, wanted, fit_projection(features, DIMS).transform(features)


def test_pairs_that_tell_what_matters_are_learnt(world):
    features, wanted, free = world
    lesson = lesson_of_pairs(drawn_pairs(wanted, 300))
    found = chosen_by_pairs(Teacher(features, mutual_pairs(free), lesson, DIMS), free, 0.0)
    assert found.candidate == WHITENED
    assert found.pairs > found.pairs_label_free + 0.02
    assert np.isnan(found.seen)


def test_pairs_at_random_teach_nothing(world):
    features, _, free = world
    pairs = np.random.default_rng(5).permutation(N).reshape(-1, 2)
    found = chosen_by_pairs(Teacher(features, mutual_pairs(free), lesson_of_pairs(pairs), DIMS), free, 0.0)
    assert found.candidate == LABEL_FREE
    assert found.pairs == found.pairs_label_free == pytest.approx(0.5, abs=0.05)


def test_one_pair_cannot_be_held_out_and_teach(world):
    features, _, free = world
    found = chosen_by_pairs(Teacher(features, mutual_pairs(free), lesson_of_pairs([(0, 1), (1, 2)]), DIMS), free, 0.0)
    assert found.candidate == LABEL_FREE
    assert np.isnan(found.pairs)


def test_pairs_that_share_an_image_are_in_one_fold():
    chain = [(0, 1), (1, 2), (2, 3)]
    folds = lesson_of_pairs([*chain, *((row, row + 1) for row in range(10, 30, 2))], [(3, 4)]).folds
    assert len(set(folds[:5].tolist())) == 1
    assert (folds[10:30:2] == folds[11:30:2]).all()
    assert sorted(set(folds[10:30].tolist()) | {int(folds[0])}) == [0, 1, 2, 3, 4]
    assert folds[5] == folds[40] == -1


def test_scores_are_shares_of_images_that_lie_farther():
    rows = unit(np.array([[1, 0], [1, 0.1], [1, 0.2], [1, 0.4], [1, 0.8]], np.float32))
    # of rows 1 and 0: none of the three others is nearer to 0 than 1 is; to 1, row 2 is nearer than 0 by a hair
    assert pair_scores(rows, np.array([[0, 1]]), np.zeros((0, 2), np.int64)).tolist() == pytest.approx([5 / 6])
    # three are nearer to 0 than 4, and three to 4 than 0
    assert pair_scores(rows, np.array([[0, 4]]), np.array([[0, 4]])).tolist() == [0, 1]
