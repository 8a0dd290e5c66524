import json
import logging
import subprocess
import sys

import numpy as np
import pytest

import imgsim
from imgsim.io.vectors import open_vectors, write_embeddings, write_npy
from imgsim.neighbors.exact import exact_knn
from imgsim.neighbors.graph import build_graph
from imgsim.neighbors.partitioned import pipeline
from imgsim.neighbors.partitioned.leaves import leaf_sizes, members
from imgsim.neighbors.partitioned.pipeline import build_shards, collect, prepare
from imgsim.neighbors.partitioned.plan import Partitioning
from imgsim.workers import InProcess
from tests.unit.neighbors.partitioned.conftest import SMALL


def shards(work):
    """Relative path to bytes of all shards."""
    return {path.relative_to(work.folder): path.read_bytes() for path in work.folder.rglob("*.safetensors")}


def test_the_graph_is_valid_and_near_the_exact_one(clustered):
    graph = build_graph(clustered, 5, "partitioned", partitioning=SMALL)
    graph.check()
    assert (len(graph), graph.k, graph.method) == (900, 5, "partitioned")
    true = exact_knn(clustered, clustered, 5, exclude=np.arange(900))[1]
    recall = (graph.distances <= true[:, -1:]).mean()
    assert recall >= 0.98
    assert graph.facts["measured_recall"] == pytest.approx(recall)
    assert graph.facts["predicted_recall"] <= recall + 1e-9
    assert graph.facts["largest_partition"] <= 200


FEW_FILES = """
import resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
import numpy as np, psutil
from imgsim.neighbors.graph import build_graph
from imgsim.neighbors.partitioned.plan import Partitioning
matrix = np.random.default_rng(0).standard_normal((2000, 8), np.float32)
build_graph(matrix, 5, "exact")  # what libraries open, they keep
before = psutil.Process().num_fds()
graph = build_graph(matrix, 5, "partitioned", partitioning=Partitioning(size=50, overlap=2), folder=sys.argv[1])
graph.check()
print(int(graph.facts["partitions"]), psutil.Process().num_fds() - before)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
def test_more_shards_than_files_that_may_be_open(tmp_path):
    """macOS allows 256, Linux 1,024; each mapped shard is an open file."""
    command = [sys.executable, "-c", FEW_FILES, str(tmp_path)]
    partitions, left_open = map(int, subprocess.check_output(command, text=True).split())
    assert partitions > 64
    assert left_open == 0
    assert not list(tmp_path.rglob("*.safetensors"))


def test_prediction_is_the_recall_before_refinement(work, clustered):
    facts = build_shards(work, InProcess())
    merged = np.concatenate([work.read("merge", s)["ids"] for s in range(work.plan.shards)])
    true = exact_knn(clustered, clustered, 5, exclude=np.arange(900))[0]
    assert facts["predicted_recall"] == pytest.approx(
        (true[:, :, None] == merged[:, None]).any(axis=2).mean(), abs=1e-6
    )


def test_one_partition_is_exact(clustered):
    graph = build_graph(clustered, 5, "partitioned", partitioning=Partitioning(size=450, shard_rows=200))
    exact = build_graph(clustered, 5, "exact")
    assert np.array_equal(graph.neighbors, exact.neighbors)
    assert np.array_equal(graph.distances, exact.distances)


def test_leaves_are_within_the_cap_and_hold_every_row_twice(work):
    build_shards(work, InProcess())
    sizes = leaf_sizes(work)
    assert sizes.max() <= work.plan.cap
    rows = np.concatenate([members(work, leaf) for leaf in range(len(sizes))])
    assert np.array_equal(np.bincount(rows), np.full(900, 2))


@pytest.mark.parametrize("write", [write_npy, write_embeddings])
def test_files_give_the_graph_of_the_array(clustered, tmp_path, write):
    path = tmp_path / ("v.npy" if write is write_npy else "v.arrow")
    write(clustered, path)
    assert np.array_equal(open_vectors(path), clustered)
    from_file = build_graph(path, 5, "partitioned", partitioning=SMALL)
    assert from_file.digest == build_graph(clustered, 5, "partitioned", partitioning=SMALL).digest
    assert build_graph(path, 5).digest == build_graph(clustered, 5).digest


def test_pieces_go_when_the_graph_is_done_unless_kept(clustered, home, tmp_path):
    build_graph(clustered, 5, "partitioned", partitioning=SMALL)
    assert list((home / "graphs").iterdir()) == []
    build_graph(clustered, 5, "partitioned", partitioning=SMALL, folder=tmp_path, keep=True)
    (made,) = tmp_path.iterdir()
    manifest = json.loads((made / "manifest.json").read_text())
    assert manifest["rows"] == 900
    assert {entry["name"] for entry in manifest["shards"]} == {
        p.relative_to(made).as_posix() for p in made.rglob("*.safetensors")
    }


@pytest.mark.parametrize(
    "stage", ["centroids", "assign", "leaves", "ground_truth", "leaf_graph", "merge", "reverse", "refine", "finish"]
)
def test_lost_and_damaged_shards_are_built_anew(work, stage):
    facts = build_shards(work, InProcess())
    whole = shards(work)
    lost, cut = work.path(stage, 0), sorted((work.folder / stage).iterdir())[-1]
    lost.unlink()
    if cut != lost:
        cut.write_bytes(cut.read_bytes()[:-5])
    assert build_shards(work, InProcess()) == facts
    assert shards(work) == whole


class Harming(InProcess):
    """Cuts off a shard of another stage when its own is about to run."""

    def __init__(self, work, when, what, times=1):
        self.work, self.when, self.what, self.times = work, when, what, times

    def map(self, function, pieces):
        if function.func.__name__ == self.when and self.times:
            self.times -= 1
            path = self.work.path(self.what, 0)
            path.write_bytes(path.read_bytes()[:-7])
        return super().map(function, pieces)


@pytest.mark.parametrize(("when", "what"), [("merge", "leaf_graph"), ("refine", "merge"), ("leaf_graph", "leaves")])
def test_a_shard_damaged_during_the_build_is_found_and_built_anew(work, tmp_path, caplog, when, what):
    with caplog.at_level(logging.WARNING):
        build_shards(work, Harming(work, when, what))
    assert f"{what}/000000" in caplog.text
    undisturbed = prepare(np.array(work.open()), 5, 0, SMALL, tmp_path / "other")
    build_shards(undisturbed, InProcess())
    assert shards(undisturbed) == shards(work)


def test_what_is_damaged_every_time_is_an_error(work):
    workers = Harming(work, "merge", "leaf_graph", pipeline.ATTEMPTS)
    with pytest.raises(imgsim.ShardError, match="leaf_graph/000000"):
        build_shards(work, workers)


def test_a_shard_with_other_rows_is_found_by_the_manifest(work):
    build_shards(work, InProcess())
    whole = collect(work)
    path = work.path("finish", 2)
    path.unlink()
    work.compute_once("finish", 2, lambda: {"distances": whole[1][:9], "ids": whole[0][:9]})
    with pytest.raises(imgsim.ShardError, match=r"finish/000002.*9 rows instead of 170"):
        build_shards(work, InProcess())


def test_recall_is_told_before_and_after(clustered, capsys, caplog):
    with caplog.at_level(logging.INFO):
        build_graph(clustered, 5, "partitioned", progress=True, partitioning=SMALL)
    lines = [line for line in capsys.readouterr().err.splitlines() if "recall" in line]
    assert "before refinement" in lines[0]
    assert "measured" in lines[1]
    assert caplog.text.count("recall") == 2


@pytest.mark.parametrize("n", [1, 2, 3, 7])
def test_fewer_rows_than_neighbours(rng, n):
    graph = build_graph(
        rng.standard_normal((n, 3), np.float32), 10, "partitioned", partitioning=Partitioning(2, shard_rows=2)
    )
    graph.check()
    assert graph.k == n - 1


def test_nan_is_refused(clustered):
    clustered[700, 3] = np.nan
    with pytest.raises(imgsim.ArgumentError, match="finite"):
        build_graph(clustered, 5, "partitioned")


def test_facts_survive_saving(clustered, tmp_path):
    graph = build_graph(clustered, 5, "partitioned", partitioning=SMALL)
    graph.save(tmp_path)
    assert imgsim.NeighborGraph.load(tmp_path).facts == graph.facts
