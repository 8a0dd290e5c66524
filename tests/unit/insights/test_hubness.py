import numpy as np
import pytest

from imgsim.insights.hubness import in_degrees, measure_hubness, skewness
from imgsim.insights.measures import measure_traits
from imgsim.insights.registry import load_insight
from imgsim.neighbors.graph import NeighborGraph


def found_in(model, *args, **options):
    return measure_hubness(model, measure_traits(model), *args, **options)


def test_a_hub_and_antihubs_are_listed(model_of, rng):
    around = rng.normal(size=(40, 64))
    around /= np.linalg.norm(around, axis=1, keepdims=True)
    model = model_of(np.concatenate([np.zeros((1, 64)), around]), ["hub", *["a", "b"] * 20], k=2)
    found = found_in(model)
    hubs, antihubs = found.tables["hubs"], found.tables["antihubs"]
    degrees = in_degrees(model.graph)
    assert hubs["row"][0] == 0
    assert hubs["in_degree"][0] == degrees[0] == found.metrics["max_in_degree"] == 40
    assert hubs["mismatch"][0] == 1
    assert antihubs["row"].tolist() == np.flatnonzero(degrees == 0).tolist()
    assert (antihubs["in_degree"] == 0).all()
    assert found.metrics["antihubs"] == len(antihubs) > 0
    assert found.metrics["hub_share"] == pytest.approx(hubs["in_degree"].sum() / model.graph.neighbors.size)


def test_an_even_graph_has_no_hubness(model_of):
    angles = np.linspace(0, 2 * np.pi, 30, endpoint=False)
    ring = model_of(np.stack([np.cos(angles), np.sin(angles)], axis=1), k=2)
    ids = np.stack([np.roll(np.arange(30), 1), np.roll(np.arange(30), -1)], axis=1).astype(np.int32)
    ring.graph = NeighborGraph(ids, ring.graph.distances, "exact")
    found = found_in(ring)
    assert found.metrics == {
        "images": 30,
        "skewness": 0,
        "robin_hood": 0,
        "hubs": 0,
        "hub_share": 0,
        "antihubs": 0,
        "max_in_degree": 2,
    }


def test_more_dimensions_more_hubness(model_of):
    few, many = (found_in(model_of(np.random.default_rng(0).normal(size=(500, d)))).metrics for d in (3, 100))
    assert many["skewness"] > few["skewness"] + 1
    assert many["robin_hood"] > few["robin_hood"]


def test_skewness_by_hand():
    values = np.array([0, 0, 0, 4])
    assert skewness(values) == pytest.approx(((3 * -1 + 27) / 4) / 3**1.5)


def test_mismatch_counts_labelled_images_only(model_of, blobs):
    matrix, labels = blobs(1, 40)
    found = found_in(model_of(matrix, labels))
    assert (found.tables["hubs"]["mismatch"] == 0).all()
    assert found_in(model_of(matrix)).tables["hubs"]["mismatch"].isna().all()


@pytest.mark.parametrize("count", [1, 2])
def test_hardly_any_images(model_of, count, tmp_path):
    found = found_in(model_of(np.eye(count, 4), ["a"] * count))
    assert found.metrics["hubs"] == found.metrics["antihubs"] == 0
    found.save(tmp_path)
    assert load_insight(tmp_path).digest == found.digest
