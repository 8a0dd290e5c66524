import numpy as np
import pytest

from imgsim.insights.clusters import find_clusters
from imgsim.insights.distinct import distinct_pictures, distinct_vectors
from imgsim.insights.hubness import measure_hubness
from imgsim.insights.map.layout import make_map
from imgsim.insights.measures import measure_traits
from imgsim.insights.outliers import find_outliers
from imgsim.neighbors.graph import build_graph

COPIES, OTHERS = 40, 60


@pytest.fixture(scope="module")
def crowded(model_of, blobs):
    """60 images in 3 groups; a lonely one; 39 copies of the first, of the same bytes, and one of the lonely one."""
    matrix = np.concatenate([blobs(3, OTHERS // 3)[0], -np.ones((1, 16), np.float32) / 4])
    rows = np.concatenate([np.arange(OTHERS + 1), np.zeros(COPIES - 1, int), [OTHERS]])
    return model_of(matrix[rows], contents=rows), model_of(matrix), rows


@pytest.fixture(scope="module")
def traits(crowded):
    return measure_traits(crowded[0]), measure_traits(crowded[1])


def test_distinct_vectors_are_found_through_the_graph():
    vectors = np.array([[0], [5], [0], [5], [0], [7]], np.float32)
    same, first = distinct_vectors(build_graph(vectors, 1))
    assert same.tolist() == [0, 1, 0, 1, 0, 2]
    assert first.tolist() == [0, 1, 5]


def test_the_graph_is_that_of_the_pictures_without_copies(crowded, traits):
    found = distinct_pictures(crowded[0], traits[0])
    assert found.first.tolist() == list(range(OTHERS + 1))
    assert found.picture.tolist() == crowded[2].tolist()
    found.graph.check()
    np.testing.assert_array_equal(found.graph.neighbors, crowded[1].graph.neighbors)
    np.testing.assert_allclose(found.graph.distances, crowded[1].graph.distances, atol=1e-6)


def test_without_copies_it_is_the_graph(crowded, traits):
    assert distinct_pictures(crowded[1], traits[1]).graph is crowded[1].graph


def test_copies_share_one_cluster_and_change_no_other(crowded, traits):
    members, alone = (
        find_clusters(model, of).tables["members"]["cluster"] for model, of in zip(crowded, traits, strict=False)
    )
    assert members[crowded[2] == 0].nunique() == 1
    together = members.to_numpy()[: OTHERS + 1]
    assert ((together[:, None] == together) == (alone.to_numpy()[:, None] == alone.to_numpy())).all()


def test_a_copy_hides_no_outlier(crowded, traits):
    table, alone = (
        find_outliers(model, of).tables["images"].set_index("row") for model, of in zip(crowded, traits, strict=False)
    )
    assert table["outlier"][[OTHERS, OTHERS + COPIES]].all()
    np.testing.assert_allclose(table["score"][range(OTHERS + 1)], alone["score"][range(OTHERS + 1)], rtol=1e-4)
    assert table["score"][OTHERS + 1] == table["score"][0]


def test_copies_are_no_hubs(crowded, traits):
    found, alone = (measure_hubness(model, of) for model, of in zip(crowded, traits, strict=False))
    assert found.metrics | {"images": 0} == alone.metrics | {"images": 0}
    assert found.tables["hubs"].equals(alone.tables["hubs"])


def test_a_map_of_copies_is_finite_and_puts_them_in_one_place(crowded):
    table = make_map(crowded[0]).tables["map"]
    assert np.isfinite(table[["x", "y"]]).all(axis=None)
    assert len(table.loc[crowded[2] == 0, ["x", "y"]].drop_duplicates()) == 1


@pytest.mark.parametrize("copies", [2, 20])
def test_one_picture_only(model_of, copies):
    model = model_of(np.ones((copies, 4)))
    traits = measure_traits(model)
    assert find_clusters(model, traits).tables["clusters"]["size"].tolist() == [copies]
    assert not find_outliers(model, traits).tables["images"]["outlier"].any()
    assert measure_hubness(model, traits).metrics["hubs"] == 0
