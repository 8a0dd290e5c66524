"""Properties that hold for any vectors: exact search, graphs, projections."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import imgsim
from imgsim.features.embeddings import embed
from imgsim.neighbors.exact import exact_knn
from imgsim.neighbors.graph import build_graph

values = st.floats(-100, 100, width=32).map(lambda x: 0.0 if abs(x) < 1e-3 else x)
matrices = st.tuples(st.integers(2, 60), st.integers(1, 6)).flatmap(lambda s: arrays(np.float32, s, elements=values))


@settings(deadline=None, max_examples=60)
@given(matrices, st.integers(1, 8), st.data())
def test_answers_do_not_depend_on_company(matrix, k, data):
    k = min(k, len(matrix))
    ids, distances = exact_knn(matrix, matrix, k)
    some = np.sort(data.draw(st.lists(st.integers(0, len(matrix) - 1), min_size=1, unique=True)))
    few_ids, few_distances = exact_knn(matrix[some], matrix, k)
    assert np.array_equal(ids[some], few_ids)
    assert np.array_equal(distances[some], few_distances)
    assert (distances[:, 0] == 0).all()


@settings(deadline=None, max_examples=60)
@given(matrices, st.integers(1, 8))
def test_graphs_are_valid_and_hold_the_true_distances(matrix, k):
    graph = build_graph(matrix, k)
    graph.check()
    true = np.linalg.norm(matrix[:, None].astype(np.float64) - matrix[graph.neighbors], axis=2)
    np.testing.assert_allclose(graph.distances, true, rtol=1e-5, atol=1e-6)


@settings(deadline=None, max_examples=40)
@given(matrices, st.integers(2, 8))
def test_embeddings_are_finite_whatever_the_features(matrix, dims):
    vectors = embed(matrix, dims)
    assert np.isfinite(vectors.matrix).all()
    norms = np.linalg.norm(vectors.matrix, axis=1)
    assert np.all((np.abs(norms - 1) < 1e-4) | (norms < 1e-3))


@settings(deadline=None, max_examples=40)
@given(matrices)
def test_radius_zero_finds_exactly_the_equal_rows(matrix):
    model = imgsim.create(embeddings=matrix, progress=False)
    found = model.query(0, k=None, radius=0)["reference_label"].tolist()
    assert found == np.flatnonzero((matrix == matrix[0]).all(axis=1)).tolist()
