"""A graph that grew or shrank against one that is built anew."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import imgsim
from imgsim.evaluation import recall
from imgsim.neighbors import search
from imgsim.neighbors.graph import build_graph
from imgsim.neighbors.graph_update import extended_graph, extended_graph_in_cells, shrunk_graph
from imgsim.neighbors.ivf import InvertedFile
from tests.sample_images import copy_sample


@pytest.mark.parametrize(("n", "m"), [(100, 1), (100, 40), (3, 50), (1, 5)])
def test_an_extended_exact_graph_equals_a_rebuilt_one(rng, n, m):
    matrix = rng.standard_normal((n + m, 8), np.float32)
    graph = extended_graph(build_graph(matrix[:n], k=6), matrix)
    rebuilt = build_graph(matrix, k=graph.k)
    graph.check()
    assert np.array_equal(graph.neighbors, rebuilt.neighbors)
    assert np.array_equal(graph.distances, rebuilt.distances)


@pytest.mark.parametrize("keep", [np.arange(0, 100, 2), np.arange(5), np.array([7])])
def test_a_shrunk_exact_graph_equals_a_rebuilt_one(rng, keep):
    matrix = rng.standard_normal((100, 8), np.float32)
    graph = shrunk_graph(build_graph(matrix, k=6), keep, matrix[keep])
    rebuilt = build_graph(matrix[keep], k=6)
    assert np.array_equal(graph.neighbors, rebuilt.neighbors)
    assert np.array_equal(graph.distances, rebuilt.distances)


def clusters(rng, rows):
    matrix = rng.normal(size=(30, 16))[rng.integers(30, size=rows)] + rng.normal(0, 0.4, (rows, 16))
    return (matrix / np.linalg.norm(matrix, axis=1, keepdims=True)).astype(np.float32)


def test_along_cells_recall_stays_and_only_cells_near_new_rows_are_touched(rng):
    n, matrix = 5000, clusters(rng, 5050)
    before, cells = build_graph(matrix[:n], 10, "exact"), InvertedFile.build(matrix[:n])
    graph, grown = extended_graph_in_cells(before, matrix, cells)
    graph.check()
    assert recall(matrix, graph, 10)["recall_at_10"] >= 0.999
    assert np.array_equal(graph.neighbors[:n][(graph.neighbors[:n] < n).all(1)], before.neighbors[
        (graph.neighbors[:n] < n).all(1)
    ])  # fmt: skip
    true = build_graph(matrix, 10, "exact")
    new = np.mean([len(set(a) & set(b)) / 10 for a, b in zip(graph.neighbors[n:], true.neighbors[n:], strict=True)])
    assert new >= 0.98
    assert np.array_equal(np.sort(grown.order), np.arange(5050))
    assert np.array_equal(grown.centroids, cells.centroids)


def test_a_large_graph_shrinks_by_the_neighbours_of_neighbours(rng, monkeypatch):
    monkeypatch.setattr("imgsim.neighbors.search.EXACT_UP_TO", 100)
    matrix = clusters(rng, 5000)
    keep = np.sort(rng.choice(5000, 4500, replace=False))
    graph = shrunk_graph(build_graph(matrix, 10, "exact"), keep, matrix[keep])
    graph.check()
    assert recall(matrix[keep], graph, 10)["recall_at_10"] >= 0.975  # two thirds of the rows lost a neighbour


@settings(deadline=None)
@given(st.integers(2, 40), st.integers(1, 40), st.integers(1, 6), st.integers(0, 9), st.booleans())
def test_along_cells_every_rule_of_a_graph_holds(n, m, k, seed, equal):
    rng = np.random.default_rng(seed)
    matrix = np.ones((n + m, 4), np.float32) if equal else rng.normal(size=(n + m, 4)).astype(np.float32)
    before = build_graph(matrix[:n], k)
    graph, grown = extended_graph_in_cells(before, matrix, InvertedFile.build(matrix[:n]))
    graph.check()
    assert graph.neighbors.shape == (n + m, before.k)
    assert np.array_equal(np.sort(grown.order), np.arange(n + m))
    for row, (ids, far) in enumerate(zip(graph.neighbors, graph.distances, strict=True)):
        np.testing.assert_allclose(far, np.linalg.norm(matrix[ids] - matrix[row], axis=1), rtol=1e-5)


def test_a_large_model_grows_along_its_cells(tiny_images, tiny_store, tmp_path, monkeypatch):
    model = imgsim.create(tiny_images, store=tiny_store, backbone="mini", progress=False)
    monkeypatch.setattr(search, "EXACT_UP_TO", 10)
    copy_sample(tmp_path / "more", views=2, kinds=["cone"])
    model.add(tmp_path / "more", store=tiny_store)
    model.graph.check()
    assert len(model.graph) == len(model) == 42
    assert len(model.references.search.cells.order) == 42
    assert model.query(41, k=1)["reference_label"].tolist() == [41]
