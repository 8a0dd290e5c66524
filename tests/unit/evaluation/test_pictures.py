import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from imgsim.evaluation import evaluate, nearest_pictures
from imgsim.neighbors.graph import NeighborGraph, build_graph


def vectors(rows: int, seed: int = 0, dims: int = 6) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((rows, dims)).astype(np.float32)


def by_brute_force(matrix: np.ndarray, pictures: np.ndarray, k: int) -> NeighborGraph:
    """Sort all rows by distance and keep the first of each other picture."""
    ids, distances = [], []
    for row in range(len(matrix)):
        apart = np.sqrt(((matrix - matrix[row]) ** 2).sum(axis=1))
        order = np.argsort(apart, kind="stable")
        _, first = np.unique(pictures[order], return_index=True)
        nearest = [at for at in order[np.sort(first)] if pictures[at] != pictures[row]][:k]
        ids.append(nearest)
        distances.append(apart[nearest])
    return NeighborGraph(np.array(ids, np.int32), np.array(distances, np.float32), "exact")


def test_without_copies_it_is_the_graph_itself():
    matrix = vectors(30)
    graph = build_graph(matrix, 8)
    for pictures in (None, np.arange(30)):
        assert np.array_equal(nearest_pictures(matrix, graph, pictures, 5).neighbors, graph.neighbors[:, :5])


@given(st.lists(st.integers(0, 11), min_size=13, max_size=40), st.integers(1, 6), st.floats(0, 0.2), st.integers(0, 99))
@settings(max_examples=60, deadline=None)
def test_each_other_picture_is_listed_once_by_its_nearest_copy(numbers, k, spread, seed):
    numbers = np.array(numbers)
    matrix = vectors(12, seed)[numbers] + np.float32(spread) * vectors(len(numbers), seed + 1)
    pictures = np.array([int(np.flatnonzero(numbers == number)[0]) for number in numbers])
    k = min(k, max(1, len(np.unique(pictures)) - 1))
    found = nearest_pictures(matrix, build_graph(matrix, k), pictures, k)
    expected = by_brute_force(matrix, pictures, k)
    if found.k:
        np.testing.assert_allclose(found.distances, expected.distances, rtol=1e-4, atol=1e-5)
        assert np.array_equal(pictures[found.neighbors], pictures[expected.neighbors])
        found.check()


def test_a_picture_with_more_copies_than_neighbours_is_searched_deeper():
    matrix = np.concatenate([vectors(20), np.repeat(vectors(1, 5), 30, axis=0)])
    pictures = np.append(np.arange(20), np.full(30, 20))
    found = nearest_pictures(matrix, build_graph(matrix, 10), pictures, 10)
    assert (pictures[found.neighbors] < 20)[20:].all()
    assert ((pictures[found.neighbors] == 20).sum(axis=1) <= 1).all()


def test_one_picture_alone_has_no_neighbours():
    matrix = np.repeat(vectors(1), 6, axis=0)
    assert nearest_pictures(matrix, build_graph(matrix, 3), np.zeros(6, np.int64), 3).k == 0
    assert set(evaluate(matrix, build_graph(matrix, 3), ["a"] * 6, pictures=np.zeros(6, np.int64)).metrics) == {
        "images",
        "recall_at_1",
    }


COLLECTIONS = st.tuples(st.integers(4, 40), st.integers(1, 4), st.integers(0, 1000))


def figures(matrix: np.ndarray, labels: list[str | None], pictures: np.ndarray, k: int) -> dict[str, float]:
    found = evaluate(matrix, build_graph(matrix, k), labels, k, pictures=pictures)
    return {name: value for name, value in found.metrics.items() if name not in ("images", "copies_left_out")}


def close(found: dict[str, float], expected: dict[str, float]) -> bool:
    return found.keys() == expected.keys() and np.allclose(list(found.values()), list(expected.values()), atol=1e-6)


@given(COLLECTIONS, st.integers(1, 12))
@settings(max_examples=60, deadline=None)
def test_doubling_every_row_leaves_all_figures_unchanged(collection, k):
    rows, classes, seed = collection
    matrix = vectors(rows, seed)
    labels = [f"label {number}" for number in np.random.default_rng(seed).integers(0, classes, rows)]
    once = figures(matrix, labels, np.arange(rows), k)
    twice = figures(np.tile(matrix, (2, 1)), labels * 2, np.tile(np.arange(rows), 2), k)
    assert close(twice, once)


@given(COLLECTIONS, st.integers(1, 12))
@settings(max_examples=60, deadline=None)
def test_the_order_of_rows_leaves_all_figures_unchanged(collection, k):
    rows, classes, seed = collection
    rng = np.random.default_rng(seed)
    numbers = rng.integers(0, rows, 2 * rows)
    matrix = vectors(rows, seed)[numbers]
    labels = [f"label {number % classes}" for number in numbers]
    order = rng.permutation(2 * rows)
    _, first = np.unique(numbers, return_index=True)
    pictures = first[np.searchsorted(np.unique(numbers), numbers)]
    moved = numbers[order]
    _, first = np.unique(moved, return_index=True)
    elsewhere = first[np.searchsorted(np.unique(moved), moved)]
    there = figures(matrix[order], [labels[row] for row in order], elsewhere, k)
    assert close(there, figures(matrix, labels, pictures, k))


def test_labels_at_random_are_at_chance_though_each_picture_is_there_twice():
    matrix = np.tile(vectors(600), (2, 1))
    labels = [str(number) for number in np.random.default_rng(1).integers(0, 4, 600)] * 2
    pictures = np.tile(np.arange(600), 2)
    found = evaluate(matrix, build_graph(matrix), labels, pictures=pictures).metrics
    assert found["copies_left_out"] == 600
    assert found["queries"] == 600
    assert found["nn1_accuracy_low"] < 0.25 < found["nn1_accuracy_high"]
    assert abs(found["precision_at_10"] - 0.25) < 0.03


def test_a_picture_with_two_labels_asks_once_for_each():
    matrix = vectors(12)
    matrix[1] = matrix[0]
    labels = ["a", "b", *["a", "b"] * 5]
    pictures = np.array([0, 0, *range(2, 12)])
    found = evaluate(matrix, build_graph(matrix), labels, 3, pictures=pictures)
    assert found.metrics["queries"] == 12
    assert found.metrics["copies_left_out"] == 1
    assert found.per_image["picture"].tolist() == pictures.tolist()
