import numpy as np
import pytest
from scipy.spatial.distance import cdist

from imgsim.neighbors import exact


def brute(queries: np.ndarray, references: np.ndarray, k: int, exclude: np.ndarray | None = None) -> np.ndarray:
    distances = cdist(queries.astype(np.float64), references.astype(np.float64))
    if exclude is not None:
        distances[np.arange(len(queries)), exclude] = np.inf
    return np.argsort(distances, axis=1, kind="stable")[:, :k]


@pytest.mark.parametrize(("m", "n", "d", "k"), [(1, 1, 3, 1), (7, 50, 8, 5), (40, 3000, 16, 10), (5, 12, 4, 12)])
def test_finds_what_scipy_finds(rng, m, n, d, k):
    queries, references = rng.standard_normal((m, d), np.float32), rng.standard_normal((n, d), np.float32)
    ids, distances = exact.exact_knn(queries, references, k)
    assert np.array_equal(ids, brute(queries, references, k))
    expected = np.take_along_axis(cdist(queries, references), ids.astype(int), 1)
    np.testing.assert_allclose(distances, expected, rtol=1e-5)


def test_equal_vectors_are_at_exactly_zero_whatever_the_block(rng, monkeypatch):
    matrix = rng.standard_normal((3000, 64), np.float32) * 100
    matrix[2999] = matrix[0]
    results = []
    for block in (4 * 3000, 4 * 3000 * 7, 1 << 30):
        monkeypatch.setattr(exact, "BLOCK_BYTES", block)
        ids, distances = exact.exact_knn(matrix, matrix, 3)
        assert (distances[:, 0] == 0).all()
        assert ids[2999, 0] == 0
        assert ids[0, 1] == 2999
        results.append((ids, distances))
    for ids, distances in results[1:]:
        assert np.array_equal(ids, results[0][0])
        assert np.array_equal(distances, results[0][1])


def test_one_query_equals_its_row_among_many(rng):
    matrix = rng.standard_normal((2500, 128), np.float32)
    ids, distances = exact.exact_knn(matrix, matrix, 10)
    for row in (0, 17, 2499):
        one_ids, one_distances = exact.exact_knn(matrix[row : row + 1], matrix, 10)
        assert np.array_equal(one_ids[0], ids[row])
        assert np.array_equal(one_distances[0], distances[row])


def test_ties_are_broken_by_row_even_beyond_the_margin(rng):
    references = np.repeat(rng.standard_normal((20, 8), np.float32), 200, axis=0)
    ids, distances = exact.exact_knn(references[:1], references, 30)
    assert np.array_equal(ids[0], np.arange(30))
    assert (distances == 0).all()


def test_excluded_rows_never_come_back(rng):
    matrix = np.repeat(rng.standard_normal((3, 4), np.float32), 3, axis=0)
    ids, _ = exact.exact_knn(matrix, matrix, 8, exclude=np.arange(9))
    assert not (ids == np.arange(9)[:, None]).any()


@pytest.mark.parametrize("radius", [0.0, 1.0, 4.0, 1e9, np.inf])
def test_radius_search_equals_filtered_brute_force(rng, radius):
    matrix = rng.standard_normal((300, 6), np.float32)
    matrix[10] = matrix[200]
    rows, ids, distances = exact.radius_search(matrix[:40], matrix, radius)
    expected = cdist(matrix[:40], matrix)
    np.fill_diagonal(expected, 0)
    for row in range(40):
        mine = ids[rows == row]
        assert set(mine) == set(np.flatnonzero(expected[row] <= radius * (1 + 1e-9)))
        assert (np.diff(distances[rows == row]) >= 0).all()
    assert {10, 200} <= set(ids[rows == 10])


def test_candidates_count_once_and_ties_go_by_row(rng):
    matrix = np.repeat(rng.standard_normal((4, 3), np.float32), 5, axis=0)
    candidates = np.array([[7, 3, 3, -1, 0, 2, 1, 1, 9], [0, -1, -1, -1, 5, 5, 5, 5, 5]])
    ids, distances = exact.rank(matrix[:2], matrix, candidates, 5, np.array([0, 1]))
    assert ids.tolist() == [[1, 2, 3, *ids[0, 3:]], [0, 5, -1, -1, -1]]
    assert ids[0, 3:].tolist() == [7, 9]
    assert distances[0, :3].tolist() == [0, 0, 0]
    assert np.isinf(distances[1, 2:]).all()


def test_lists_with_gaps_are_completed(rng):
    matrix = rng.standard_normal((20, 4), np.float32)
    ids, distances = exact.exact_knn(matrix, matrix, 3, np.arange(20))
    gaps = ids.copy()
    gaps[5, 1:], gaps[7] = -1, -1
    found = exact.complete(matrix, gaps, distances.copy())
    assert np.array_equal(found[0], ids)
    assert np.array_equal(found[1], distances)


def test_few_references_are_searched_for_more_when_products_cannot_tell_them_apart(rng, monkeypatch):
    """Far from the origin products round away what differences keep; no more columns than needed are asked for."""
    references = (1000 + rng.standard_normal((500, 8))).astype(np.float32)
    asked = []
    products = exact.nearest_products
    monkeypatch.setattr(
        exact, "nearest_products", lambda q, r, count, among: asked.append(count) or products(q, r, count, among)
    )
    ids, _ = exact.exact_knn(references[:3], references, 5)
    assert np.array_equal(ids, brute(references[:3], references, 5))
    assert asked == [11, 88, 500]
