import os
import subprocess
import sys
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


SCRIPT = """
import operator
from functools import partial
from imgsim.workers import Processes

print(list(Processes(2).map(partial(operator.mul, 2), [5, 1])))
"""
DEFINING = """
from imgsim import WorkersError
from imgsim.workers import Processes

def double(value):
    return 2 * value

def run():
    try:
        print(list(Processes(1).map(double, [5])))
    except WorkersError as error:
        print(error)

"""


def run_script(code, tmp_path, *, as_stdin=False):
    (tmp_path / "script.py").write_text(code)
    command = [sys.executable, "-" if as_stdin else str(tmp_path / "script.py")]
    given = code if as_stdin else None
    return subprocess.run(command, input=given, cwd=tmp_path, capture_output=True, text=True, check=True, timeout=120)


@pytest.mark.parametrize("as_stdin", [False, True])
def test_a_script_needs_no_guard(tmp_path, as_stdin):
    done = run_script(SCRIPT, tmp_path, as_stdin=as_stdin)
    assert done.stdout == "[10, 2]\n"
    assert done.stderr == ""


def test_a_script_that_defines_the_function_is_told_of_the_guard(tmp_path):
    assert '`if __name__ == "__main__":`' in run_script(DEFINING + "run()\n", tmp_path).stdout
    guarded = DEFINING + 'if __name__ == "__main__":\n    run()\n'
    assert run_script(guarded, tmp_path).stdout == "[10]\n"


def test_a_machine_without_semaphores_is_an_error_that_says_so(monkeypatch):
    def refuse_semaphores(*_, **__):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("multiprocessing.synchronize.SemLock.__init__", refuse_semaphores)
    with pytest.raises(imgsim.WorkersError, match="/dev/shm"):
        list(Processes(1).map(partial(power, 2), [1]))


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


def threads_of_faiss(_key):
    import faiss

    return faiss.omp_get_max_threads()


def test_each_process_has_one_thread_of_openmp():
    assert list(Processes(1).map(threads_of_faiss, [0])) == [1]
