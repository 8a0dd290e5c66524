"""Calls into faiss: what it trusts is checked before, and threads are those of the caller."""

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import faiss
import numpy as np
import pytest

from imgsim.neighbors.exact import exact_knn
from imgsim.neighbors.faiss_calls import (
    ONE_THREAD_UP_TO,
    _faiss,
    nearest_products,
    search_in_cells,
    squared_distances,
)


@contextmanager
def threads(count: int) -> Iterator[None]:
    """A number of threads of OpenMP, of this thread."""
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(count)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)


@pytest.mark.parametrize("threads_used", [1, 4])
def test_exact_search_does_not_depend_on_threads(rng, threads_used):
    matrix = rng.standard_normal((3000, 24), np.float32)
    itself = np.arange(3000)
    ids, distances = exact_knn(matrix, matrix, 10, itself)
    with threads(threads_used):
        again = exact_knn(matrix, matrix, 10, itself)
    assert np.array_equal(ids, again[0])
    assert np.array_equal(distances, again[1])


def test_few_queries_take_one_thread_and_leave_the_rest_as_it_was():
    with threads(3), ThreadPoolExecutor(1) as pool:
        usual = pool.submit(faiss.omp_get_max_threads).result()
        with _faiss(ONE_THREAD_UP_TO) as library:
            assert library.omp_get_max_threads() == 1
            assert pool.submit(faiss.omp_get_max_threads).result() == usual  # the limit is of this thread alone
        with _faiss(ONE_THREAD_UP_TO + 1) as library:
            assert library.omp_get_max_threads() == 3
        assert faiss.omp_get_max_threads() == 3


FORK = """
import os, numpy as np
from imgsim.neighbors.exact import exact_knn
vectors = np.random.default_rng(0).standard_normal((3000, 24), np.float32)
ids = exact_knn(vectors, vectors, 10)[0]
child = os.fork()
if not child:
    os._exit(0 if np.array_equal(exact_knn(vectors, vectors, 10)[0], ids) else 3)
assert os.waitpid(child, 0)[1] == 0
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_process_searches_too():
    """Threads of OpenMP are not copied by a fork, and the child must not wait for them."""
    subprocess.run([sys.executable, "-c", FORK], check=True, timeout=60, env=os.environ | {"OMP_NUM_THREADS": "2"})


def test_on_macos_there_is_one_thread(monkeypatch):
    monkeypatch.setattr("sys.platform", "darwin")
    monkeypatch.setenv("KMP_DUPLICATE_LIB_OK", "")  # so that it is put back
    monkeypatch.delenv("KMP_DUPLICATE_LIB_OK")
    with threads(3), _faiss(10**6) as library:
        assert library.omp_get_max_threads() == 1
        assert os.environ["KMP_DUPLICATE_LIB_OK"] == "TRUE"


@pytest.mark.parametrize("wrong", [-2, 50])
def test_rows_outside_are_refused(rng, wrong):
    matrix = rng.standard_normal((50, 4), np.float32)
    with pytest.raises(IndexError, match="50"):
        squared_distances(matrix[:2], matrix, np.array([[1, 2], [3, wrong]]))
    with pytest.raises(IndexError, match="50"):
        search_in_cells(matrix, matrix, np.full((50, 1), wrong, np.int32), 3)


def test_other_shapes_are_refused(rng):
    matrix = rng.standard_normal((50, 4), np.float32)
    with pytest.raises(ValueError, match="4 and of 3"):
        squared_distances(matrix, matrix[:, :3], np.zeros((50, 1), np.int64))
    with pytest.raises(IndexError, match="50 queries"):
        squared_distances(matrix, matrix, np.zeros((49, 1), np.int64))
    with pytest.raises(ValueError, match="49"):
        nearest_products(matrix, matrix, 3, np.ones(49, bool))


def test_no_candidate_is_at_infinity(rng):
    matrix = rng.standard_normal((50, 4), np.float32)
    assert squared_distances(matrix[:1], matrix, np.array([[0, -1]])).tolist() == [[0.0, np.inf]]
