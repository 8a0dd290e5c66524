import builtins
import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import imgsim
from imgsim.insights.map.layout import (
    connect_components,
    links_between,
    make_map,
    neighbors_kept,
    place,
    principal_plane,
)
from imgsim.insights.map.repulsion import MOST_CELLS, Repulsion, _cell
from imgsim.insights.map.tsne import Attraction, tsne
from imgsim.insights.registry import load_insight
from imgsim.neighbors.graph import NeighborGraph, build_graph
from imgsim.references.insight import Insight

SIZES = (1, 2, 3, 10, 11, 22, 23, 50)


def _points(insight: Insight) -> np.ndarray:
    return insight.tables["map"][["x", "y"]].to_numpy()


def test_planted_groups_stay_apart_and_neighbours_together(model_of, blobs):
    matrix, labels = blobs(6, 60, spread=0.3)
    found = make_map(model_of(matrix, labels))
    points, names = _points(found), np.array(labels)
    centers = np.stack([points[names == name].mean(axis=0) for name in dict.fromkeys(labels)])
    nearest = np.linalg.norm(points[:, None] - centers, axis=2).argmin(axis=1)
    assert (nearest == np.repeat(range(6), 60)).mean() == 1
    assert found.metrics["images"] == 360
    assert found.metrics["neighbors_kept_in_30"] > 0.8
    assert found.metrics["neighbors_kept_in_30"] >= found.metrics["neighbors_kept_in_10"] > 0.4
    assert found.params == {"k": 10, "seed": 0}


def test_the_table_names_every_image_and_fills_the_box(model_of, blobs, tmp_path):
    matrix, labels = blobs(3, 30)
    table = make_map(model_of(matrix, labels)).tables["map"]
    assert table["row"].tolist() == list(range(90))
    assert table["path"][31] == "class 1/31.jpg"
    assert table["label"].tolist() == labels
    assert [str(kind) for kind in table.dtypes[["row", "x", "y"]]] == ["int32", "float32", "float32"]
    sides = table[["x", "y"]].to_numpy()
    assert max(sides.max(axis=0)) == 1
    assert min(sides.min(axis=0)) == -1
    assert sides.max(axis=0) + sides.min(axis=0) == pytest.approx(0, abs=1e-6)


def test_it_can_be_saved_and_read(model_of, blobs, tmp_path):
    found = make_map(model_of(*blobs(2, 20)))
    found.save(tmp_path)
    loaded = load_insight(tmp_path)
    assert loaded.digest == found.digest
    assert np.array_equal(_points(loaded), _points(found))


PROGRAM = """
import hashlib, numpy as np
from imgsim.neighbors.graph import build_graph
from imgsim.insights.map.layout import place
matrix = np.random.default_rng(3).standard_normal((400, 24), np.float32)
print(hashlib.sha256(place(matrix, build_graph(matrix, 10), seed=7).tobytes()).hexdigest())
"""


def test_equal_seeds_give_equal_maps_in_other_processes_and_with_more_threads():
    def digest(threads: str) -> str:
        environment = {"OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads, "PATH": ""}
        where = Path(__file__).parents[4]
        command = [sys.executable, "-W", "error", "-c", PROGRAM]
        return subprocess.run(command, cwd=where, env=environment, check=True, capture_output=True, text=True).stdout

    assert digest("1") == digest("2")


def test_another_seed_gives_another_map(model_of, blobs):
    model = model_of(*blobs(3, 30))
    assert make_map(model).digest == make_map(model).digest
    assert not np.array_equal(_points(make_map(model)), _points(make_map(model, seed=1)))


@pytest.mark.parametrize("copies", [2, 40])
def test_equal_images_are_one_point(model_of, blobs, copies):
    matrix, _ = blobs(3, 40)
    matrix = np.concatenate([matrix, np.repeat(matrix[:2], copies, axis=0)])
    points = _points(make_map(model_of(matrix)))
    for original in (0, 1):
        assert (points[120 + copies * original : 120 + copies * (original + 1)] == points[original]).all()
    assert len(np.unique(points, axis=0)) == 120


@pytest.mark.parametrize("n", SIZES)
def test_small_collections_have_a_map(model_of, rng, n):
    found = make_map(model_of(rng.standard_normal((n, 8))))
    points = _points(found)
    assert points.shape == (n, 2)
    assert np.isfinite(points).all()
    assert np.abs(points).max() == (0 if n == 1 else 1)
    assert len(np.unique(points, axis=0)) == n
    assert ("neighbors_kept_in_10" in found.metrics) == (n > 1)


@pytest.mark.parametrize("n", SIZES)
def test_equal_images_only_lie_in_the_middle(model_of, n):
    assert (_points(make_map(model_of(np.ones((n, 4))))) == 0).all()


def test_vectors_on_a_line_keep_their_order(model_of):
    points = _points(make_map(model_of(np.arange(9)[:, None] * np.ones((1, 5)))))
    steps = np.diff(points[:, 0])
    assert (np.sign(steps) == np.sign(steps[0])).all()
    assert np.abs(points[:, 1]).max() < 1e-4
    assert np.isfinite(_points(make_map(model_of(np.arange(60)[:, None])))).all()


def test_parts_without_a_link_stay_near_the_rest(model_of, blobs):
    matrix, labels = blobs(8, 30, spread=0.05)
    model = model_of(matrix, labels, k=3)
    points, names = _points(make_map(model)), np.array(labels)
    radii = [np.linalg.norm(points[names == n] - points[names == n].mean(axis=0), axis=1).mean() for n in set(labels)]
    assert min(radii) > 0.02


def test_lone_parts_are_tied_to_their_nearest_in_the_largest(rng):
    vectors = np.concatenate([np.arange(20), [100, 101], [-50, -51]])[:, None].astype(np.float32)
    graph = build_graph(vectors, 1)
    links = links_between(graph, np.arange(24), 24)
    from scipy.sparse.csgraph import connected_components

    assert connected_components(links, directed=False)[0] > 1
    whole = connect_components(links_between(build_graph(vectors[:20], 2), np.arange(20), 24), vectors, rng)
    assert connected_components(whole, directed=False)[0] == 1
    assert whole[20, 19] == whole[19, 20] == whole[21, 19] == whole[22, 0] == 1


def test_no_image_file_is_opened(tiny_model, monkeypatch):
    def refuse(*arguments: object, **_: object) -> None:
        raise AssertionError(f"opened {arguments[0]}")

    make_map(tiny_model)  # modules are imported
    monkeypatch.setattr(builtins, "open", refuse)
    monkeypatch.setattr(io, "open", refuse)
    assert len(make_map(tiny_model).tables["map"]) == len(tiny_model)


def test_progress_and_quiet_write_nothing_to_stdout(model_of, blobs, capsys):
    model = model_of(*blobs(2, 20))
    make_map(model)
    assert capsys.readouterr() == ("", "")
    make_map(model, progress=True)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(("spread", "error"), [(0.01, 0.01), (1, 0.02), (5, 0.2), (30, 0.25)])
def test_repulsion_is_that_of_the_formula(rng, spread, error):
    points = (spread * rng.standard_normal((300, 2))).astype(np.float32)
    apart = points[:, None].astype(np.float64) - points
    kernel = 1 / (1 + (apart**2).sum(axis=2))
    expected = (apart * (kernel**2)[:, :, None]).sum(axis=1)
    force, total = Repulsion()(points)
    assert total == pytest.approx(kernel.sum() - 300, rel=0.06)
    assert np.linalg.norm(force - expected) < error * np.linalg.norm(expected)


def test_attraction_is_that_of_the_formula(rng):
    points = rng.standard_normal((40, 2)).astype(np.float32)
    links = links_between(build_graph(points, 4), np.arange(40), 40)
    both = (links + links.T).toarray() / (2 * links.sum())
    apart = points[:, None] - points
    expected = (apart * (both / (1 + (apart**2).sum(axis=2)))[:, :, None]).sum(axis=1)
    assert Attraction(links)(points) == pytest.approx(expected, abs=1e-7)


@pytest.mark.parametrize("span", [0, 1e-20, 1e-4, 1, 63, 500, 5000, 1e6])
def test_the_grid_is_fine_enough_and_never_too_big(span):
    cell = _cell(span)
    assert span / cell <= MOST_CELLS
    assert span == 0 or span / cell >= 64 or cell == 0.5


def test_layout_of_two_nodes():
    from scipy.sparse import csr_matrix

    links = csr_matrix(np.array([[0, 1], [0, 0]], np.float32))
    points = tsne(links, np.array([[0, 0], [1, 0]], np.float32))
    assert np.isfinite(points).all()


def test_principal_plane_is_that_of_the_widest_directions(rng):
    matrix = (rng.standard_normal((500, 6)) * [0.1, 5, 0.1, 2, 0.1, 0.1]).astype(np.float32)
    plane = principal_plane(matrix, rng)
    assert abs(np.corrcoef(plane[:, 0], matrix[:, 1])[0, 1]) > 0.99
    assert abs(np.corrcoef(plane[:, 1], matrix[:, 3])[0, 1]) > 0.99


def test_neighbors_kept_is_everything_for_the_same_plane(rng):
    plane = rng.standard_normal((100, 2)).astype(np.float32)
    assert neighbors_kept(plane, plane) == {"neighbors_kept_in_10": 1.0, "neighbors_kept_in_30": 1.0}
    assert neighbors_kept(plane[:1], plane[:1]) == {}
    shuffled = neighbors_kept(plane, rng.permutation(plane))
    assert shuffled["neighbors_kept_in_10"] < 0.3


def test_a_graph_of_one_neighbour_is_enough(rng):
    matrix = rng.standard_normal((200, 8)).astype(np.float32)
    graph = build_graph(matrix, 1)
    assert isinstance(graph, NeighborGraph)
    assert np.isfinite(place(matrix, graph)).all()


def test_vectors_of_any_size_have_the_same_map(rng):
    vectors = rng.normal(size=(60, 8)).astype(np.float32)
    small, large = (
        imgsim.create(embeddings=vectors * np.float32(factor), progress=False).insight("map").metrics
        for factor in (2.0**20, 2.0**55)
    )
    assert large == pytest.approx(small, abs=0.1)
