import numpy as np
import pytest

import imgsim
from imgsim.neighbors import graph as graphs
from imgsim.neighbors.graph import EXACT_BELOW, NeighborGraph, build_graph, knn_of_rows, resolve_method


def test_exact_graph_is_valid_and_has_no_self_edge(rng):
    graph = build_graph(rng.standard_normal((200, 16), np.float32), k=10)
    graph.check()
    assert (graph.k, len(graph), graph.method) == (10, 200, "exact")


def test_k_is_cut_to_the_number_of_others(rng):
    assert build_graph(rng.standard_normal((4, 3), np.float32), k=10).k == 3


@pytest.mark.parametrize("n", [1, 2])
def test_tiny_collections_have_a_graph_that_survives_saving(rng, tmp_path, n):
    graph = build_graph(rng.standard_normal((n, 3), np.float32), k=5)
    graph.save(tmp_path)
    loaded = NeighborGraph.load(tmp_path)
    assert loaded.neighbors.shape == (n, n - 1)
    loaded.check()


@pytest.mark.parametrize("k", [0, -1, True, 2.0, "cat", None])
def test_bad_k_is_refused(rng, k):
    with pytest.raises((imgsim.ArgumentError, imgsim.ArgumentTypeError), match="k must be"):
        build_graph(rng.standard_normal((5, 3), np.float32), k=k)


def test_numpy_integers_are_whole_numbers(rng):
    assert build_graph(rng.standard_normal((5, 3), np.float32), k=np.int64(2)).k == 2


def test_unknown_method_and_nan_are_refused(rng):
    with pytest.raises(imgsim.ArgumentError, match="nn_descent"):
        build_graph(rng.standard_normal((5, 3), np.float32), method="annoy")
    with pytest.raises(imgsim.ArgumentError, match="finite"):
        build_graph(np.full((5, 3), np.nan, np.float32))


def test_auto_is_exact_for_few_and_nn_descent_for_many():
    assert (resolve_method("auto", EXACT_BELOW - 1), resolve_method("auto", EXACT_BELOW)) == ("exact", "nn_descent")


@pytest.mark.parametrize(("most", "method"), [(3, "exact"), (3, "nn_descent"), (2, "nn_descent"), (2, "exact")])
def test_neighbours_of_some_rows_are_those_of_the_graph_of_all(rng, monkeypatch, most, method):
    matrix, rows = rng.standard_normal((300, 8), np.float32), np.array([0, 7, 299])
    monkeypatch.setattr(graphs, "_EXACT_SOME", most)
    ids, distances = knn_of_rows(matrix, rows, 5, method)
    expected = build_graph(matrix, 5, "exact")
    assert np.array_equal(ids, expected.neighbors[rows])
    np.testing.assert_allclose(distances, expected.distances[rows], rtol=1e-6)


def test_saved_graph_comes_back_equal(rng, tmp_path):
    graph = build_graph(rng.standard_normal((50, 8), np.float32), k=7)
    graph.save(tmp_path)
    loaded = NeighborGraph.load(tmp_path)
    assert loaded.digest == graph.digest
    assert loaded.method == "exact"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda i, d: (np.where(i == i, np.arange(len(i))[:, None], i), d), "own neighbour"),
        (lambda i, d: (i, d[:, ::-1]), "ascending"),
        (lambda i, d: (np.repeat(i[:, :1], i.shape[1], 1), d), "twice"),
        (lambda i, d: (i + 1000, d), "out of range"),
        (lambda i, d: (i, d * np.nan), "finite"),
    ],
)
def test_every_broken_invariant_is_named(rng, change, message):
    graph = build_graph(rng.standard_normal((30, 8), np.float32), k=4)
    ids, distances = change(graph.neighbors, graph.distances)
    with pytest.raises(imgsim.ModelFormatError, match=message):
        NeighborGraph(ids.astype(np.int32), distances, "exact").check()


@pytest.mark.parametrize(("workers", "advice"), [("ray", "'ray'"), (4, "'processes'")])
def test_an_engine_is_not_a_name(rng, workers, advice):
    vectors = rng.standard_normal((5, 3), np.float32)
    with pytest.raises(imgsim.ArgumentTypeError, match=rf"imgsim\.workers\.get_workers\({advice}\)"):
        build_graph(vectors, workers=workers)
