"""One thread for the sums of a fit: NumPy, SciPy and faiss bring a BLAS each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module

from threadpoolctl import threadpool_limits

from imgsim.neighbors.faiss_calls import load_faiss


@contextmanager
def one_blas_thread(*modules: str) -> Iterator[None]:
    """Limit BLAS to one thread, so that sums have one order and no thread waits for another.

    A limit misses what is loaded later, so faiss and ``modules`` are loaded first.

    Parameters
    ----------
    modules : str
        Names of modules that bring a BLAS of their own, such as ``"scipy.linalg"``.
    """
    load_faiss()
    for module in modules:
        import_module(module)
    with threadpool_limits(1, "blas"):
        yield
