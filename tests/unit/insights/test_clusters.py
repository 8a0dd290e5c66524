import numpy as np
import pytest

import imgsim
from imgsim.insights.clusters import communities, find_clusters, representatives
from imgsim.insights.measures import measure_traits
from imgsim.insights.registry import load_insight
from imgsim.neighbors.graph import NeighborGraph


def found_in(model, *args, **options):
    return find_clusters(model, measure_traits(model), *args, **options)


def test_groups_of_vectors_become_clusters(model_of, blobs):
    matrix, labels = blobs(6, 40, spread=0.3)
    labels[0] = "odd"
    found = found_in(model_of(matrix, labels), resolution=1.0)
    clusters, members = found.tables["clusters"], found.tables["members"]
    assert clusters["cluster"].tolist() == list(range(6))
    assert clusters["size"].tolist() == [40] * 6
    assert members["row"].tolist() == list(range(240))
    assert members.groupby("cluster")["row"].agg(lambda rows: len(set(rows // 40))).eq(1).all()
    assert clusters["common_label"].tolist() == [f"class {i}" for i in range(6)]
    assert clusters["purity"].tolist() == pytest.approx([39 / 40, 1, 1, 1, 1, 1])
    assert found.metrics["clusters"] == 6
    assert found.metrics["purity"] == pytest.approx(239 / 240)


def test_the_representative_is_in_its_cluster_and_the_most_listed_there(model_of, blobs):
    model = model_of(*blobs(4, 50))
    found = found_in(model)
    members = found.tables["members"]["cluster"].to_numpy()
    for cluster in found.tables["clusters"].itertuples():
        inside = members == cluster.cluster
        assert inside[cluster.row]
        listed = np.bincount(model.graph.neighbors[inside].reshape(-1), minlength=len(model))
        assert listed[cluster.row] == listed[inside].max()
        assert cluster.path == model.images.paths[cluster.row]


def test_of_equally_listed_images_the_nearest_represents():
    ids = np.array([[1, 2], [0, 2], [0, 1]], np.int32)
    distances = np.array([[1, 3], [1, 2], [2, 3]], np.float32)
    graph = NeighborGraph(ids, distances, "exact")
    assert representatives(graph, np.zeros(3, np.int64)).tolist() == [0]


def test_higher_resolution_finds_more(model_of, blobs):
    model = model_of(blobs(8, 60)[0])
    assert found_in(model, 8.0).metrics["clusters"] > found_in(model, 0.5).metrics["clusters"]


def test_bigger_clusters_come_first(model_of, rng):
    corners = np.repeat(np.eye(3), [10, 40, 25], axis=0) + 0.05 * rng.normal(size=(75, 3))
    found = found_in(model_of(corners, k=5), resolution=0.1)
    assert found.tables["clusters"]["size"].tolist() == [40, 25, 10]
    assert found.tables["clusters"]["common_label"].isna().all()
    assert found.tables["clusters"]["purity"].isna().all()
    assert "purity" not in found.metrics


def test_equal_seeds_give_equal_clusters(model_of, rng, tmp_path):
    model = model_of(rng.normal(size=(400, 8)))
    found = found_in(model, seed=5)
    found.save(tmp_path)
    assert found_in(model, seed=5).digest == found.digest == load_insight(tmp_path).digest


@pytest.mark.parametrize("count", [1, 2, 3])
def test_hardly_any_images(model_of, count):
    found = found_in(model_of(np.eye(count, 4), ["a"] * count))
    assert found.tables["members"]["row"].tolist() == list(range(count))
    assert found.tables["clusters"]["size"].sum() == count


def test_the_order_of_ties_does_not_matter(model_of, blobs):
    graph = model_of(blobs(3, 30)[0]).graph
    again = NeighborGraph(graph.neighbors[:, ::-1].copy(), graph.distances[:, ::-1].copy(), "exact")
    np.testing.assert_array_equal(communities(graph, 2.0, 0)[0], communities(again, 2.0, 0)[0])


@pytest.mark.parametrize("resolution", [0, -1, float("nan")])
def test_the_resolution_is_checked(model_of, blobs, resolution):
    with pytest.raises(imgsim.ArgumentError, match="resolution"):
        found_in(model_of(blobs(2, 5)[0], k=2), resolution)
