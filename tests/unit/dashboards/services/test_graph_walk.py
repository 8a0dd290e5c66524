from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboards.services import graph_walk
from dashboards.services.models.loaded_model import Loaded
from imgsim.neighbors.graph import NeighborGraph


def ring(n: int, k: int) -> NeighborGraph:
    """Everybody lists the k after him, at distances 1 to k."""
    neighbors = (np.arange(n)[:, None] + np.arange(1, k + 1)) % n
    return NeighborGraph(
        neighbors.astype(np.int32), np.tile(np.arange(1, k + 1, dtype=np.float32), (n, 1)), "exact", 0.0
    )


def random_graph(n: int, k: int, seed: int) -> NeighborGraph:
    rng = np.random.default_rng(seed)
    neighbors = np.array([rng.choice(np.delete(np.arange(n), row), k, replace=False) for row in range(n)], np.int32)
    return NeighborGraph(neighbors, np.sort(rng.random((n, k), np.float32), axis=1), "exact", 0.0)


def test_the_centre_then_its_nearest_then_theirs():
    nodes = graph_walk.walk(ring(30, 4), 0, near=3, far=2).nodes
    assert [node.row for node in nodes if node.ring == 1] == [1, 2, 3]
    assert [(node.row, node.parent) for node in nodes if node.ring == 2] == [(4, 1), (5, 2), (6, 3), (7, 3)]
    assert nodes[0].distance == 0


def test_neighbours_are_dealt_out_in_turn():
    """Else the first neighbour would take what the others list as well."""
    nodes = graph_walk.walk(ring(40, 6), 0, near=2, far=3).nodes
    children = {parent: sum(node.parent == parent for node in nodes) for parent in (1, 2)}
    assert children == {1: 3, 2: 3}


@settings(deadline=None, max_examples=40)
@given(st.integers(12, 60), st.integers(1, 10), st.integers(6, 10), st.integers(2, 4), st.integers(0, 99))
def test_nobody_twice_and_no_two_pictures_touch(n: int, k: int, near: int, far: int, seed: int):
    graph = random_graph(n, k, seed)
    shown = graph_walk.walk(graph, seed % n, near=near, far=far)
    rows = [node.row for node in shown.nodes]
    assert len(rows) == len(set(rows))
    assert graph_walk.overlap(shown.nodes) < 0
    assert all(abs(node.x) + node.radius <= graph_walk.SIDE / 2 for node in shown.nodes)
    assert all(abs(node.y) + node.radius <= graph_walk.SIDE / 2 for node in shown.nodes)
    pairs = [frozenset((edge.source, edge.target)) for edge in shown.edges]
    assert len(pairs) == len(set(pairs))
    assert all(edge.target in graph.neighbors[edge.source] for edge in shown.edges)


def test_mutual_edges():
    graph = NeighborGraph(np.array([[1], [0], [0]], np.int32), np.ones((3, 1), np.float32), "exact", 0.0)
    assert graph_walk.is_mutual(graph, 0, 1)
    assert not graph_walk.is_mutual(graph, 2, 0)
    assert graph_walk.walk(graph, 2).nodes[1].mutual is False


def test_a_cut_ends_lists_and_takes_edges():
    shown = graph_walk.walk(ring(30, 6), 0, near=6, far=3, cut=2.0)
    assert [node.row for node in shown.nodes if node.ring == 1] == [1, 2]
    assert max(edge.distance for edge in shown.edges) <= 2


def test_the_shortest_edge_is_the_closest():
    edges = graph_walk.walk(ring(30, 4), 0, near=4, far=2).edges
    assert {edge.closeness for edge in edges if edge.distance == 1} == {1.0}
    assert {edge.closeness for edge in edges if edge.distance == 4} == {0.0}
    assert {edge.kind for edge in edges} == {"tree", "cross"}


def test_of_a_group_of_duplicates_one_is_shown():
    groups = np.full(30, -1, np.int32)
    groups[[1, 2, 4]] = 7
    rows = [node.row for node in graph_walk.walk(ring(30, 5), 0, groups=groups).nodes]
    assert len({1, 2, 4} & set(rows)) == 1
    groups[0] = 7
    assert not {1, 2, 4} & {node.row for node in graph_walk.walk(ring(30, 5), 0, groups=groups).nodes}, (
        "the centre is of it"
    )


def test_a_single_image_stands_alone():
    graph = NeighborGraph(np.empty((1, 0), np.int32), np.empty((1, 0), np.float32), "exact", 0.0)
    shown = graph_walk.walk(graph, 0)
    assert [(node.row, node.x, node.y) for node in shown.nodes] == [(0, 0.0, 0.0)]
    assert shown.edges == ()


def test_hub_scores_in_words(loaded: Loaded):
    most, least = int(loaded.in_degree.argmax()), int(loaded.in_degree.argmin())
    assert graph_walk.hub(loaded, most).in_degree == loaded.in_degree.max()
    assert f"shows up in {loaded.in_degree.max()} answers" in graph_walk.hub(loaded, most).words
    assert graph_walk.start(loaded) == most
    if loaded.in_degree[least] == 0:
        assert "antihub" in graph_walk.hub(loaded, least).words
    bound = loaded.model.graph.k + 2 * loaded.in_degree.std()
    assert all(
        (graph_walk.hub(loaded, row).kind == "hub") == (loaded.in_degree[row] > bound) for row in range(len(loaded))
    )


@pytest.mark.parametrize(("degree", "words"), [(1, "shows up in 1 answer"), (0, "an antihub")])
def test_words_for_few(degree: int, words: str):
    assert words in graph_walk.Hub(degree, 10.0, "antihub" if degree == 0 else "usual").words


def test_a_trail_grows_and_a_step_back_shortens_it(loaded: Loaded):
    text = ""
    for here, to in pairwise((3, 8, 12, 20)):
        text = graph_walk.step(loaded, graph_walk.read_trail(loaded, text), here, to)
    assert graph_walk.read_trail(loaded, text) == [3, 8, 12]
    assert graph_walk.read_trail(loaded, graph_walk.step(loaded, [3, 8, 12], 20, 8)) == [3]
    assert graph_walk.step(loaded, [3], 8, 8) == graph_walk.address(loaded, 3), "a step to where one is adds nothing"


def test_a_trail_of_strangers_is_bounded_and_read_carefully(loaded: Loaded):
    assert graph_walk.read_trail(loaded, "nobody r99999 <b> r3") == [3]
    assert len(graph_walk.read_trail(loaded, " ".join(f"r{row}" for row in range(40)))) <= graph_walk.TRAIL


def test_addresses_tell_files_with_the_same_bytes_apart(loaded: Loaded, twins: tuple[int, int]):
    one, other = (graph_walk.address(loaded, row) for row in twins)
    assert (loaded.row(one), loaded.row(other)) == twins
