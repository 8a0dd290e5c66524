"""Paired comparison of two models on the same images."""

import numpy as np
import pytest

from imgsim.evaluation.paired import QUERIES, PairedPrecision, paired_precision


def clusters(rng, labels, noise):
    """One direction per label, with noise."""
    codes = np.unique(labels, return_inverse=True)[1]
    return (np.eye(16, dtype=np.float32)[codes] + rng.normal(0, noise, (len(codes), 16))).astype(np.float32)


def test_the_same_model_is_neither_better_nor_worse(rng):
    labels = np.repeat(["a", "b", "c"], 10)
    matrix = clusters(rng, labels, 0.5)
    found = paired_precision(matrix, matrix, labels.tolist(), 5)
    assert np.array_equal(found.before, found.after)
    assert not found.worse
    assert not found.better


def test_a_model_with_more_noise_is_worse_and_the_other_way_round_better(rng):
    labels = np.repeat(["a", "b", "c"], 20)
    good, bad = clusters(rng, labels, 0.1), clusters(rng, labels, 2.0)
    assert paired_precision(good, bad, labels.tolist()).worse
    found = paired_precision(bad, good, labels.tolist())
    assert found.better
    assert not found.worse
    assert str(found).startswith("precision@10 0.")


@pytest.mark.parametrize("images", [2, 3, 5])
def test_few_images_are_measured_and_decide_nothing(rng, images):
    matrix = rng.normal(size=(images, 4)).astype(np.float32)
    found = paired_precision(matrix, matrix[::-1].copy(), ["a"] * (images - 1) + ["b"], 10)
    if images == 2:
        assert found is None
    else:
        assert found.k == images - 1
        assert not found.worse


@pytest.mark.parametrize("change", [-1.0, 1.0])
def test_one_image_that_moved_decides_nothing(change):
    after = np.full(20, 0.5)
    after[3] += change / 2
    found = PairedPrecision(np.full(20, 0.5), after, 10)
    assert not found.worse
    assert not found.better


def test_three_equal_losses_are_chance_and_ten_are_not():
    assert not PairedPrecision(np.full(3, 0.5), np.full(3, 0.4), 10).worse
    assert PairedPrecision(np.full(10, 0.5), np.full(10, 0.4), 10).worse


def test_chance_is_called_worse_as_rarely_as_promised(rng):
    worse = 0
    for _ in range(100):
        before, after = rng.integers(0, 11, (2, 50)) / 10
        worse += PairedPrecision(before, after, 10).worse
    assert worse <= 8  # 2.5 expected


def test_background_and_images_without_label_are_never_queries(rng):
    labels = ["a"] * 4 + ["BACKGROUND_Google"] * 4 + [None] * 4
    matrix = rng.normal(size=(12, 4)).astype(np.float32)
    assert len(paired_precision(matrix, matrix, labels, 3).before) == 4
    assert len(paired_precision(matrix, matrix, labels, 3, background=("a",)).before) == 4
    assert paired_precision(matrix, matrix, [None] * 12, 3) is None


def test_many_images_are_sampled(rng):
    matrix = rng.normal(size=(QUERIES + 50, 4)).astype(np.float32)
    assert len(paired_precision(matrix, matrix, ["a"] * len(matrix), 3).before) == QUERIES


def test_neighbours_in_place_of_embeddings():
    """Those of a fit that has not seen the labels; -1 is none, and an image without any is no query."""
    labels = list("aabb")
    listed = np.array([[1, 2], [-1, 0], [0, 3], [-1, -1]], np.int32)
    found = paired_precision(np.eye(4, dtype=np.float32), listed, labels, k=2)
    assert found.after.tolist() == [0.5, 1, 0.5]
    assert len(found.before) == 3
    assert paired_precision(listed, np.full((4, 2), -1, np.int32), labels, k=2) is None
