"""Meaning of distances: shares of pairs, right by hand."""

import numpy as np
import pytest

from imgsim.evaluation import measure_likeness
from imgsim.neighbors.graph import NeighborGraph, build_graph

LINE = np.array([[0], [1], [2], [3]], np.float32)
"""Pairs are 1, 1, 1, 2, 2 and 3 apart."""


def graph_of(distances: list[list[float]], neighbors: list[list[int]]) -> NeighborGraph:
    return NeighborGraph(np.array(neighbors, np.int32), np.array(distances, np.float32), "exact")


def test_the_share_of_pairs_that_are_further_apart():
    found = measure_likeness(LINE, build_graph(LINE, 1, "exact"))
    assert [found.share_further(d) for d in (0.5, 1, 2, 3)] == pytest.approx([1, 0.5, 1 / 6, 0])


def test_a_sample_of_pairs_is_near_the_truth_and_the_same_each_time():
    matrix = np.random.default_rng(5).normal(size=(400, 8)).astype(np.float32)
    graph = build_graph(matrix, 3, "exact")
    every = measure_likeness(matrix, graph, pairs=400 * 399 // 2)
    drawn = measure_likeness(matrix, graph, pairs=5_000)
    assert len(every.pairs) == 79_800
    assert len(drawn.pairs) == 5_000
    assert drawn.pairs[0] > 0, "no row is paired with itself"
    for distance in (2.0, 3.5, 5.0):
        assert drawn.share_further(distance) == pytest.approx(every.share_further(distance), abs=0.03)
    assert np.array_equal(drawn.pairs, measure_likeness(matrix, graph, pairs=5_000).pairs)


def test_the_share_that_has_one_label_at_a_distance():
    graph = graph_of([[0.2, 0.9], [0.2, 1.0], [0.9, 0.9], [0.3, 1.0]], [[1, 2], [0, 3], [0, 1], [2, 0]])
    found = measure_likeness(LINE, graph, ["a", "a", "b", "b"], bins=2, least=3)
    assert found.edges.tolist() == [0, 0.5, 1]
    assert [found.share_same_label(d) for d in (0.1, 0.3, 0.7, 1.0)] == [1, 1, 0, 0]
    assert found.share_same_label(1.1) is None, "no neighbour is so far away"


def test_too_few_pairs_say_nothing():
    graph = graph_of([[0.2, 0.9], [0.2, 1.0], [0.9, 0.9], [0.3, 1.0]], [[1, 2], [0, 3], [0, 1], [2, 0]])
    found = measure_likeness(LINE, graph, ["a", "a", "b", None], bins=2, least=3)
    assert found.share_same_label(0.3) is None, "two pairs with labels"
    assert found.share_same_label(0.7) == 0
    unlabelled = measure_likeness(LINE, graph)
    assert unlabelled.share_same_label(0.3) is None


def test_copies_of_a_picture_are_no_neighbours():
    graph = graph_of([[0.2, 0.9], [0.2, 1.0], [0.9, 0.9], [0.3, 1.0]], [[1, 2], [0, 3], [0, 1], [2, 0]])
    found = measure_likeness(LINE, graph, ["a", "a", "b", "b"], np.array([0, 0, 2, 3]), bins=2, least=1)
    assert found.same.tolist() == [1, 0], "of the first bin the pair of rows 3 and 2 is left"


def test_one_image_has_no_pairs():
    found = measure_likeness(LINE[:1], build_graph(LINE[:1], 1, "exact"))
    assert found.share_further(0.1) is None
