import numpy as np
import pytest

from imgsim.features.embeddings import fit_projection
from imgsim.features.principal import normalized, unit
from imgsim.features.whitening import mutual_pairs
from imgsim.learning.choice import LABEL_FREE, WHITENED, Candidate, Split, choose, precision, relevant, share_label
from imgsim.learning.cross_validation import cross_validated, few_labels, fold_count, held_out_neighbors, lesson_of
from imgsim.learning.folds import class_groups
from imgsim.learning.supervision import Supervision
from imgsim.learning.teacher import Left, Teacher

N, D, CLASSES, DIMS = 600, 64, 12, 32
NONE = np.zeros((0, 2), np.int64)


def supervised(labels, alike=NONE, unlike=NONE):
    return Supervision(labels, alike, unlike, np.zeros(len(labels), bool))


@pytest.fixture(scope="module")
def world():
    """Features of twelve classes that differ less than their images do."""
    rng = np.random.default_rng(0)
    codes = rng.integers(0, CLASSES, N)
    features = np.abs(rng.normal(size=(CLASSES, D)) * 0.5)[codes] + np.abs(rng.normal(size=(N, D)))
    features = features.astype(np.float32)
    return features, codes, fit_projection(features, DIMS).transform(features)


def teacher_of(world, known):
    features, codes, label_free = world
    names = [f"{code:02d}" for code in range(CLASSES)]
    labels = [(names[code],) if there else () for code, there in zip(codes, known, strict=True)]
    lesson = lesson_of(supervised(labels), np.arange(N), sorted({name for each in labels for name in each}))
    return Teacher(features, mutual_pairs(label_free), lesson, DIMS)


@pytest.fixture(scope="module")
def teacher(world):
    return teacher_of(world, np.random.default_rng(1).random(N) < 0.8)


def precision_of(neighbors, codes):
    return float((codes[neighbors] == codes[:, None]).mean())


def embedded(teacher, candidate):
    return unit((normalized(teacher.features) - teacher.mean) @ teacher.components(candidate))


def test_what_labels_teach_helps_images_that_were_held_out(world, teacher):
    _, codes, label_free = world
    choice = cross_validated(teacher, label_free, 0.0)
    assert choice.seen > choice.seen_label_free + 0.1
    final = embedded(teacher, choice.candidate)
    honest = held_out_neighbors(teacher, choice.candidate, final, 10)
    before = held_out_neighbors(teacher, WHITENED, label_free, 10)
    labelled = teacher.lesson.folds >= 0
    assert honest.shape == before.shape == (N, 10)
    found = (codes[honest] == codes[:, None]).mean(axis=1)
    assert found[labelled].mean() > choice.seen_label_free + 0.1
    assert not (honest == np.arange(N)[:, None]).any()


def test_labels_at_random_teach_nothing(world):
    features, _, label_free = world
    drawn = np.random.default_rng(2).integers(0, 12, N)
    labels = [(f"{code:02d}",) for code in drawn]
    lesson = lesson_of(supervised(labels), np.arange(N), sorted({name for (name,) in labels}))
    blind = Teacher(features, mutual_pairs(label_free), lesson, DIMS)
    candidate = Candidate("labels", 0.05, 0.5)
    final = embedded(blind, candidate)
    honest = held_out_neighbors(blind, candidate, final, 10)
    fitted = np.argsort(-(final @ final.T), axis=1)[:, 1:11]
    assert precision_of(fitted, drawn) > 0.12
    assert precision_of(honest, drawn) < 0.1, "chance is 1 / 12"


def test_classes_that_nobody_labelled_are_protected(world):
    """Half of the classes are labelled: with their weight the choice is another, and better for the other half."""
    _, codes, label_free = world
    known = codes < CLASSES // 2
    half = teacher_of(world, known)
    bold, careful = (cross_validated(half, label_free, weight) for weight in (0.0, 0.6))
    other = np.flatnonzero(~known)

    def of_others(choice):
        final = label_free if choice.candidate == LABEL_FREE else embedded(half, choice.candidate)
        near = np.argsort(-(final[other] @ final.T), axis=1)[:, 1:11]
        return (codes[near] == codes[other][:, None]).mean()

    assert of_others(careful) > of_others(bold) + 0.1


def test_fits_leave_out_what_they_say(world, teacher):
    """The sums without a fold or a group are those of the remaining images."""
    features, codes, _ = world
    rows, lesson = normalized(features) - teacher.mean, teacher.lesson
    known = lesson.labels[:, 0] >= 0
    for left, kept in (
        (Left(fold=1), known & (lesson.folds != 1)),
        (Left(group=0), known & (class_groups(CLASSES, 3)[codes] != 0)),
        (Left(), known),
    ):
        present = [rows[kept & (codes == code)] for code in range(CLASSES)]
        present = [each for each in present if len(each)]
        expected = sum((each - each.mean(axis=0)).T @ (each - each.mean(axis=0)) for each in present)
        found = teacher._of_features.within(left.fold, left.group)
        np.testing.assert_allclose(np.tril(found.total), np.tril(expected), atol=1e-5)
        assert found.freedom == kept.sum() - len(present)
        between = teacher._of_features.between(left.fold, left.group)
        common = rows[kept].mean(axis=0)
        expected = sum(len(each) * np.outer(each.mean(axis=0) - common, each.mean(axis=0) - common) for each in present)
        np.testing.assert_allclose(between.T @ between, expected, atol=1e-5)


def test_a_small_model_keeps_its_dimensions(world):
    features, codes = world[0][:40], world[1][:40]
    label_free = fit_projection(features, DIMS).transform(features)
    lesson = lesson_of(supervised([(str(code % 4),) for code in codes]), np.arange(40), ["0", "1", "2", "3"])
    assert label_free.shape[1] == 18
    assert Teacher(features, mutual_pairs(label_free), lesson, DIMS, 18).components(WHITENED).shape == (D, 18)


def test_pairs_of_a_held_out_image_are_left_out(world):
    features, codes, label_free = world
    labels = [(f"{code:02d}",) for code in codes]
    pairs = np.stack([np.arange(0, 40), np.arange(40, 80)], axis=1)
    lesson = lesson_of(supervised(labels, alike=pairs), np.arange(N), sorted({name for (name,) in labels}))
    taught = Teacher(features, mutual_pairs(label_free), lesson, DIMS)
    without = (lesson.folds[pairs] != 0).all(axis=1).sum()
    assert len(taught._of_features.alike.without(0)) == without < 40
    assert len(taught._of_features.alike.without(None)) == 40
    assert taught._of_features.within().freedom == N - CLASSES + 40


def test_several_labels_of_an_image():
    labels = [("a", "b"), ("a",), ("b",), ("a", "b"), (), ("c",), ("c",)]
    lesson = lesson_of(supervised(labels), np.arange(7), ["a", "b", "c"])
    assert lesson.labels.tolist() == [[0, 1], [0, -1], [1, -1], [0, 1], [-1, -1], [2, -1], [2, -1]]
    assert np.bincount(lesson.members.classes, lesson.members.weights).tolist() == [2, 2, 2]
    everything = Split(0, None, np.array([0, 1, 2, 5]), np.array([0, 1, 2, 3, 5, 6]))
    assert relevant(everything, lesson.labels).tolist() == [3, 2, 2, 1]


def test_precision_counts_as_many_as_there_are():
    labels = np.array([[0], [0], [1], [1], [1], [-1]])
    split = Split(0, None, np.array([0, 2]), np.arange(5))
    similarity = np.array([[9.0, 1, 3, 2, 0], [0, 1, 9, 5, 4]], np.float32)
    assert precision(similarity, split, labels).tolist() == [0, 1]


def test_share_label_ignores_what_is_missing():
    left = np.array([[0, -1], [1, -1], [-1, -1]])
    assert share_label(left, left).tolist() == [True, True, False]
    assert share_label(left, left[::-1]).tolist() == [False, True, False]


class TestChoose:
    def scores(self, **gains):
        rng = np.random.default_rng(0)
        base = rng.random(300) * 0.5
        names = {"bold": Candidate("labels", 0.05, 0.5), "careful": Candidate("labels", 0.3, 3.0)}
        found = dict.fromkeys([LABEL_FREE, *names.values()], base)
        return found | {names[name]: base + gain + rng.normal(0, 0.02, 300) for name, gain in gains.items()}

    def test_the_best_for_what_is_labelled(self):
        seen, unseen = self.scores(bold=0.1, careful=0.05), self.scores(bold=-0.05, careful=0.0)
        assert choose([seen], [unseen], 0.0).candidate.ridge == 0.05
        assert choose([seen], [unseen], 0.5).candidate.ridge == 0.3

    def test_a_small_measured_loss_of_others_is_none(self):
        seen = self.scores(bold=0.1, careful=0.05)
        small, large = (self.scores(bold=-loss, careful=0.0) for loss in (0.015, 0.04))
        assert choose([seen], [small], 0.5).candidate.ridge == 0.05
        assert choose([seen], [large], 0.5).candidate.ridge == 0.3

    def test_nothing_where_nothing_is_gained(self):
        found = choose([self.scores(bold=-0.02, careful=-0.01)], [], 0.0)
        assert found.candidate == LABEL_FREE
        assert found.seen == found.seen_label_free
        assert np.isnan(found.unseen)
        assert str(found.candidate) == "label-free"


def test_few_labels_make_larger_folds():
    many, few = np.repeat(np.arange(10), 30)[:, None], np.full((300, 1), -1)
    few[:50, 0] = np.repeat(np.arange(10), 5)
    assert (few_labels(many), fold_count(many)) == (False, 5)
    assert (few_labels(few), fold_count(few)) == (True, 2)
