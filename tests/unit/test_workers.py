import os
from functools import partial

import numpy as np
import pytest

import imgsim
from imgsim.neighbors.graph import build_graph
from imgsim.neighbors.partitioned.pipeline import build_shards, prepare
from imgsim.neighbors.partitioned.plan import Partitioning
from imgsim.workers import InProcess, Processes, Ray, get_workers


def power(base, exponent):
    return base**exponent


def refuse(key):
    raise imgsim.ArgumentError(f"{key} is refused")


def die(key):
    os._exit(9)


@pytest.mark.parametrize("by", [InProcess(), Processes(2)])
def test_results_come_in_the_order_of_the_keys(by):
    assert list(by.map(partial(power, 2), [5, 1, 3])) == [32, 2, 8]
    assert list(by.map(partial(power, 2), [])) == []


def test_no_cluster_is_asked_for_nothing():
    assert list(Ray("nowhere:1").map(partial(power, 2), [])) == []


@pytest.mark.parametrize("by", [InProcess(), Processes(1)])
def test_an_error_of_the_function_is_raised_as_it_is(by):
    with pytest.raises(imgsim.ArgumentError, match="7 is refused"):
        list(by.map(refuse, [7]))


def test_a_dead_worker_is_an_engine_error():
    with pytest.raises(imgsim.WorkersError, match="what was done is kept"):
        list(Processes(1).map(die, [1]))


def test_kinds():
    assert get_workers() == get_workers("in_process")
    assert get_workers("processes", count=3) == Processes(3)
    assert get_workers("ray", "auto") == Ray("auto")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [({"kind": "dask"}, "dask"), ({"count": 0}, "count"), ({"kind": "processes", "address": "auto"}, "address")],
)
def test_what_no_engine_takes_is_refused(arguments, message):
    with pytest.raises(imgsim.ArgumentError, match=message):
        get_workers(**arguments)


@pytest.mark.slow
def test_a_graph_is_the_same_by_processes(rng, tmp_path):
    matrix, how = rng.standard_normal((700, 8), np.float32), Partitioning(size=100, shard_rows=200)
    here, there = (prepare(matrix, 5, 0, how, tmp_path / name) for name in ("here", "there"))
    assert build_shards(here, InProcess()) == build_shards(there, Processes(2))
    files = sorted(path.relative_to(here.folder) for path in here.folder.rglob("*.safetensors"))
    assert len(files) > 30
    assert all((here.folder / file).read_bytes() == (there.folder / file).read_bytes() for file in files)
    graph = build_graph(matrix, 5, "partitioned", partitioning=how, workers=Processes(2), folder=tmp_path / "there")
    graph.check()
