import numpy as np
import pytest

from imgsim.insights.measures import measure_traits
from imgsim.insights.outliers import find_outliers, kth_distances, local_outlier_factors, robust_scale
from imgsim.insights.registry import load_insight
from imgsim.neighbors.graph import NeighborGraph, build_graph


def found_in(model, *args, **options):
    return find_outliers(model, measure_traits(model), *args, **options)


def test_planted_outliers_come_first_and_are_flagged(model_of, blobs, rng):
    matrix, labels = blobs(1, 200, spread=0.3, seed=7)
    strange = rng.normal(size=(5, 16))
    strange /= np.linalg.norm(strange, axis=1, keepdims=True)
    found = found_in(model_of(np.concatenate([matrix, strange]), [*labels, *["strange"] * 5]))
    table = found.tables["images"]
    assert set(table["row"][:5]) == set(range(200, 205))
    assert table["outlier"][:5].all()
    assert table["outlier"][5:].mean() < 0.1
    assert table["outlier"].sum() == found.metrics["outliers"]
    assert table["label"][:5].tolist() == ["strange"] * 5
    assert table["score"].is_monotonic_decreasing


def test_nothing_is_flagged_where_all_are_equally_lonely(model_of, rng):
    matrix = rng.normal(size=(400, 16))
    matrix /= np.linalg.norm(matrix, axis=1, keepdims=True)
    assert found_in(model_of(matrix)).metrics["outliers"] <= 8  # no fixed share: 2 % at most


def test_the_score_is_in_robust_deviations_of_the_last_distance(model_of, blobs):
    model = model_of(blobs(3, 30)[0], k=5)
    table = found_in(model, threshold=1.0).tables["images"].sort_values("row")
    distance = model.graph.distances[:, 4].astype(float)
    median = np.median(distance)
    expected = (distance - median) / (1.4826 * np.median(np.abs(distance - median)))
    np.testing.assert_allclose(table["score"], expected, rtol=1e-5)
    np.testing.assert_array_equal(table["outlier"], expected >= 1.0)


def test_local_outlier_factors_agree_with_the_definition(rng):
    matrix = rng.normal(size=(60, 3)).astype(np.float32)
    graph = build_graph(matrix, 7)
    last = kth_distances(graph)
    density = [
        1 / np.mean([max(d, last[j]) for j, d in zip(ids, distances, strict=True)])
        for ids, distances in zip(graph.neighbors, graph.distances, strict=True)
    ]
    expected = [np.mean([density[j] for j in ids]) / density[i] for i, ids in enumerate(graph.neighbors)]
    np.testing.assert_allclose(local_outlier_factors(graph), expected, rtol=1e-6)


@pytest.mark.parametrize("count", [1, 2, 3, 12])
def test_equal_and_few_images_are_no_outliers(model_of, count):
    found = found_in(model_of(np.ones((count, 4), np.float32)))
    assert len(found.tables["images"]) == count
    assert found.metrics["outliers"] == 0
    assert np.isfinite(found.tables["images"][["distance", "lof", "score"]]).all(axis=None)


def test_where_most_distances_are_equal_the_mean_deviation_stands_in():
    assert robust_scale(np.array([0.0] * 9 + [10.0])) == (0.0, pytest.approx(1.2533))
    assert robust_scale(np.full(5, 3.0)) == (3.0, 1.0)


def test_no_neighbours_no_distance():
    graph = NeighborGraph(np.empty((1, 0), np.int32), np.empty((1, 0), np.float32), "exact")
    assert kth_distances(graph).tolist() == [0]
    assert local_outlier_factors(graph).tolist() == [1]


def test_is_saved_and_deterministic(model_of, blobs, tmp_path):
    model = model_of(*blobs(3, 20))
    found = found_in(model)
    found.save(tmp_path)
    assert load_insight(tmp_path).digest == found.digest == found_in(model).digest
