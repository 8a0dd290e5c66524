"""Properties of partitioned graphs that hold for any vectors, any cut and any workers."""

import tempfile
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from imgsim.neighbors.graph import build_graph
from imgsim.neighbors.partitioned.leaves import leaf_sizes, members
from imgsim.neighbors.partitioned.pipeline import build_shards, prepare
from imgsim.neighbors.partitioned.plan import Partitioning
from imgsim.workers import InProcess

values = st.floats(-9, 9, width=32).map(lambda x: float(np.float32(round(x, 1))))
"""Few different ones, so that rows are equal often."""
matrices = st.tuples(st.integers(2, 60), st.integers(1, 3)).flatmap(lambda s: arrays(np.float32, s, elements=values))
cuts = st.builds(
    Partitioning,
    size=st.integers(1, 12),
    overlap=st.integers(1, 4),
    shard_rows=st.integers(5, 40),
    rounds=st.integers(1, 2),
)


@settings(deadline=None, max_examples=40)
@given(matrices, st.integers(1, 8), cuts)
def test_graphs_are_valid_and_hold_the_true_distances(matrix, k, how):
    graph = build_graph(matrix, k, "partitioned", partitioning=how)
    graph.check()
    assert graph.neighbors.shape == (len(matrix), min(k, len(matrix) - 1))
    true = np.linalg.norm(matrix[:, None].astype(np.float64) - matrix[graph.neighbors], axis=2)
    np.testing.assert_allclose(graph.distances, true, rtol=1e-5, atol=1e-6)


@settings(deadline=None, max_examples=40)
@given(matrices, st.integers(1, 8), st.integers(5, 40))
def test_one_partition_gives_the_exact_distances(matrix, k, shard_rows):
    whole = Partitioning(size=60, shard_rows=shard_rows)
    graph = build_graph(matrix, k, "partitioned", partitioning=whole)
    exact = build_graph(matrix, k, "exact")
    assert np.array_equal(graph.distances, exact.distances)
    assert np.array_equal(graph.neighbors, exact.neighbors)


@settings(deadline=None, max_examples=40)
@given(matrices, cuts)
def test_partitions_hold_every_row_as_often_and_none_more_than_the_cap(matrix, how):
    with tempfile.TemporaryDirectory() as folder:
        work = prepare(matrix, 1, 0, how, Path(folder))
        build_shards(work, InProcess())
        sizes = leaf_sizes(work)
        rows = np.concatenate([members(work, leaf) for leaf in range(len(sizes))])
        copies = work.read("leaves", 0)["leaves"].shape[1]
    assert sizes.max() <= work.plan.cap
    assert np.array_equal(np.bincount(rows, minlength=len(matrix)), np.full(len(matrix), copies))


@settings(deadline=None, max_examples=20)
@given(arrays(np.float32, (1, 2), elements=values), st.integers(2, 50), st.integers(1, 8), cuts)
def test_equal_rows_are_neighbours_at_zero(row, n, k, how):
    graph = build_graph(np.repeat(row, n, axis=0), k, "partitioned", partitioning=how)
    graph.check()
    assert (graph.distances == 0).all()
