import numpy as np
import pytest

from imgsim.features.embeddings import embed, fit_projection
from imgsim.features.principal import unit
from imgsim.features.whitening import FEWEST_PAIRS, mutual_pairs, whitened_directions
from imgsim.neighbors.exact import exact_knn
from tests.benchmarks.stability import overlap


def clusters(rng, count=40, each=15, spread=3.0):
    """Features of ``count`` kinds of images; rows of a kind differ mostly along six directions, which say nothing."""
    centres = rng.standard_normal((count, 30)) * 0.6
    kinds = np.repeat(np.arange(count), each)
    informative = centres[kinds] + 0.25 * rng.standard_normal((len(kinds), 30))
    nuisance = spread * 0.4 * rng.standard_normal((len(kinds), 6))
    turned = np.linalg.qr(rng.standard_normal((36, 36)))[0]
    rows = np.concatenate([informative, nuisance], axis=1) @ turned
    return np.square(8 + rows).astype(np.float32), kinds


def half_whitened(features, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr("imgsim.features.whitening.FEWEST_PAIRS", 10**9)
        return embed(features)


def neighbors(matrix):
    return exact_knn(matrix, matrix, 10, np.arange(len(matrix)))[0]


def precision(matrix, kinds):
    return (kinds[neighbors(matrix)] == kinds[:, None]).mean()


def test_what_differs_between_neighbours_counts_for_less(rng, monkeypatch):
    features, kinds = clusters(rng)
    before, after = half_whitened(features, monkeypatch), embed(features)
    assert (before.projection.whitened, after.projection.whitened) == (False, True)
    assert precision(after.matrix, kinds) > precision(before.matrix, kinds) + 0.05


def test_new_images_gain_as_well(rng, monkeypatch):
    features, kinds = clusters(rng)
    new = rng.permutation(len(features))[:100]
    known = np.setdiff1d(np.arange(len(features)), new)

    def found(projection):
        ids = exact_knn(projection.transform(features[new]), projection.transform(features[known]), 10)[0]
        return (kinds[known][ids] == kinds[new, None]).mean()

    before = half_whitened(features[known], monkeypatch).projection
    assert found(fit_projection(features[known])) > found(before) + 0.05


def test_one_image_more_leaves_the_neighbours(rng):
    features, _ = clusters(rng, 60, 20)
    fewer, all_of_them = fit_projection(features[:-1]), fit_projection(features)
    assert fewer.whitened
    assert overlap(*(neighbors(each.transform(features[:-1])) for each in (fewer, all_of_them))) >= 0.99


def test_the_order_of_rows_does_not_matter(rng):
    features, _ = clusters(rng)
    order = rng.permutation(len(features))
    one, other = fit_projection(features), fit_projection(features[order])
    np.testing.assert_allclose(one.transform(features), other.transform(features), atol=1e-4)


def test_few_images_keep_the_half_whitened_projection(rng):
    few, _ = clusters(rng, 10, 15)
    assert not fit_projection(few).whitened
    assert not fit_projection(rng.random((30, 4), np.float32)).whitened


def test_whitening_sets_in_gradually(rng, monkeypatch):
    features, _ = clusters(rng, 16, 15)
    pairs = len(mutual_pairs(half_whitened(features, monkeypatch).matrix))
    monkeypatch.setattr("imgsim.features.whitening.FEWEST_PAIRS", pairs - 1)
    barely = embed(features)
    assert barely.projection.whitened
    kept = overlap(neighbors(barely.matrix), neighbors(half_whitened(features, monkeypatch).matrix))
    assert kept > 0.97


def test_pairs_are_mutual_and_weighed_by_rank(rng):
    matrix = unit(rng.standard_normal((400, 12), np.float32))
    pairs = mutual_pairs(matrix)
    ids, _ = exact_knn(matrix, matrix, 20, np.arange(400))
    ranks = {(i, int(j)): rank for i, row in enumerate(ids) for rank, j in enumerate(row)}
    mutual = [(i, j) for i, j in ranks if i < j and (j, i) in ranks]
    expected = {(i, j): (19.5 - ranks[i, j]) * (19.5 - ranks[j, i]) / 400 for i, j in mutual}
    assert {*zip(pairs.left.tolist(), pairs.right.tolist(), strict=True)} == {*expected}
    for i, j, weight in zip(pairs.left.tolist(), pairs.right.tolist(), pairs.weights, strict=True):
        assert weight == pytest.approx(expected[i, j])


@pytest.mark.parametrize("times", [2, 25])
def test_copies_of_rows_change_no_pair(rng, times):
    matrix = unit(rng.standard_normal((300, 12), np.float32))
    once, often = mutual_pairs(matrix), mutual_pairs(np.concatenate([matrix] * times))
    assert np.array_equal(once.left, often.left)
    assert np.array_equal(once.right, often.right)
    assert np.array_equal(once.weights, often.weights)


def test_rows_that_are_nearly_copies_are_no_pairs(rng):
    matrix = unit(rng.standard_normal((300, 12), np.float32))
    copies = [unit(matrix + 0.002 * rng.standard_normal(matrix.shape, np.float32)) for _ in range(5)]
    pairs = mutual_pairs(np.concatenate(copies))
    assert len(pairs) > 1000
    assert not (pairs.left % 300 == pairs.right % 300).any()


@pytest.mark.parametrize(("copies", "grain"), [(1, 0), (1, 0.003), (5, 0.003), (9, 0)])
def test_a_collection_of_copies_keeps_its_gain(rng, monkeypatch, copies, grain):
    features, kinds = clusters(rng)
    grains = 1 + grain * rng.standard_normal((copies, *features.shape)).astype(np.float32)
    everything = np.concatenate([features, *(features * each for each in grains)])
    gained = precision(fit_projection(everything).transform(features), kinds)
    before = precision(half_whitened(everything, monkeypatch).projection.transform(features), kinds)
    assert gained > before + 0.05


def test_rows_that_are_all_alike_have_no_pairs():
    assert len(mutual_pairs(np.ones((50, 3), np.float32))) == 0
    assert len(mutual_pairs(np.ones((1, 3), np.float32))) == 0
    assert mutual_pairs(np.ones((50, 3), np.float32)).shrinkage == 1


def test_differences_of_pairs_have_no_direction_afterwards(rng):
    scores = rng.standard_normal((4000, 6), np.float32) * np.float32([3, 2, 2, 1, 1, 0.5])
    values = scores.var(axis=0).astype(np.float64)
    pairs = mutual_pairs(unit(scores))
    assert len(pairs) > 10 * FEWEST_PAIRS
    directions = whitened_directions(scores, values, pairs, 6)
    moved = (scores[pairs.left] - scores[pairs.right]) @ directions
    within = (moved * pairs.weights[:, None]).T @ moved / pairs.weights.sum()
    plain = (scores[pairs.left] - scores[pairs.right]) / values**0.25
    spread = np.linalg.eigvalsh((plain * pairs.weights[:, None]).T @ plain)
    assert np.ptp(np.linalg.eigvalsh(within)) / within.trace() < 0.3 * np.ptp(spread) / spread.sum()
