"""Workers run a function over pieces of work: in this process, in a pool of processes, or on a Ray cluster.

Workers have one method, `map`. Functions must be importable by name and return little: results go to files that all
workers see. A piece may be run twice (after a lost node), so functions must be idempotent.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from multiprocessing.reduction import ForkingPickler
from threading import Thread
from types import ModuleType
from typing import Any, Protocol, TypeVar

from imgsim import arguments
from imgsim.distribution import install_command
from imgsim.errors import ArgumentError, MissingExtraError, WorkersError

Piece = TypeVar("Piece")
Result = TypeVar("Result")
KINDS = ("in_process", "processes", "ray")
LOOPBACK = "127.0.0.2"
"""Loopback address of a local Ray cluster: Ray replaces 127.0.0.1 by the address of the network card."""
LOST_NODES = 8
"""Retries of a task whose node or worker died; limited, since a task may always kill its worker."""
AGAIN = "Run again: what was done is kept."
GUARD = 'A script that defines what its workers run must start its own work below `if __name__ == "__main__":`.'


def usable_cores() -> int:
    """Return the number of cores that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Workers(Protocol):
    """Interface of everything that runs a function over pieces of work."""

    def map(self, function: Callable[[Piece], Result], pieces: Sequence[Piece]) -> Iterator[Result]:
        """Yield the results in the order of the pieces; the first error that the function raises is raised here."""
        ...


@dataclass(frozen=True)
class InProcess:
    """Workers that run one piece after the other in this process."""

    def map(self, function: Callable[[Piece], Result], pieces: Sequence[Piece]) -> Iterator[Result]:
        """See `Workers.map`."""
        return map(function, pieces)


@dataclass(frozen=True)
class Processes:
    """Workers in fresh processes on this machine, one BLAS thread each; ``count`` is by default `usable_cores`.

    They do not run the caller's script again, so it needs no ``if __name__ == "__main__":``, unless the function or
    a piece is defined in that script.
    """

    count: int | None = None

    def map(self, function: Callable[[Piece], Result], pieces: Sequence[Piece]) -> Iterator[Result]:
        """See `Workers.map`.

        Raises
        ------
        WorkersError
            A worker process died, or this machine cannot run a pool of processes.
        """
        if not pieces:
            return
        of_script = any(b"__main__" in bytes(ForkingPickler.dumps(item)) for item in (function, *pieces))
        pool = _pool(min(len(pieces), self.count or usable_cores()))
        try:
            with nullcontext() if of_script else _without_script():
                results = pool.map(function, pieces)  # starts the processes
            yield from results
        except BrokenProcessPool as error:
            advice = f"{GUARD} Otherwise memory may be short." if of_script else "Perhaps memory is short."
            raise WorkersError(f"a worker process died: {error} {advice} {AGAIN}") from error
        finally:
            pool.shutdown(cancel_futures=True)


def _pool(count: int) -> ProcessPoolExecutor:
    try:
        return ProcessPoolExecutor(count, multiprocessing.get_context("spawn"), _start_process)
    except (ImportError, OSError) as error:  # no semaphores: they are files in /dev/shm on Linux
        raise WorkersError(
            f"this machine cannot run a pool of processes: {error}. Mount a writable /dev/shm (docker run --shm-size), "
            "or leave workers out."
        ) from error


@contextmanager
def _without_script() -> Iterator[None]:
    """Hide where ``__main__`` comes from, so that a spawned process does not run the caller's script or notebook."""
    script = sys.modules["__main__"]
    stand_in = ModuleType("__main__")
    vars(stand_in).update({name: value for name, value in vars(script).items() if name not in ("__file__", "__spec__")})
    sys.modules["__main__"] = stand_in
    try:
        yield
    finally:
        sys.modules["__main__"] = script


def _start_process() -> None:
    """Limit BLAS and OpenMP to one thread, and end this process when its parent ends."""
    os.environ["OMP_NUM_THREADS"] = "1"  # read by libraries that are loaded later, as faiss is
    import numpy  # noqa: F401  loads BLAS
    from threadpoolctl import threadpool_limits

    threadpool_limits(1)
    Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


@dataclass(frozen=True)
class Ray:
    """Workers on a Ray cluster, one CPU per task; a task whose node is lost runs on another.

    Parameters
    ----------
    address : str, optional
        ``"auto"`` or ``"host:port"``; by default a cluster is started on this machine. Its workers listen on all
        network addresses, which Ray cannot be told otherwise, and require the token in ``~/.ray``. If this process has
        initialised Ray already, that cluster is used.
    count : int, optional
        CPUs of a cluster started here.
    """

    address: str | None = None
    count: int | None = None

    def map(self, function: Callable[[Piece], Result], pieces: Sequence[Piece]) -> Iterator[Result]:
        """See `Workers.map`.

        Raises
        ------
        WorkersError
            The cluster was lost.
        MissingExtraError
            Ray is not installed.
        """
        if not pieces:
            return
        ray = self._connect()
        remote = ray.remote(num_cpus=1, max_retries=LOST_NODES, scheduling_strategy="SPREAD")(
            as_plain_function(function)
        )
        waiting = deque(remote.remote(piece) for piece in pieces)
        try:
            while waiting:
                yield ray.get(waiting.popleft())
        except ray.exceptions.RayTaskError as error:
            raise error.cause from error
        except ray.exceptions.RayError as error:
            raise WorkersError(f"Ray could not finish: {error} {AGAIN}") from error
        finally:
            for reference in waiting:
                ray.cancel(reference)

    def _connect(self) -> Any:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        os.environ.setdefault("RAY_TQDM_PATCH_PRINT", "0")  # numba cannot compile what Ray puts in place of print
        try:
            import ray
        except ImportError as error:
            raise MissingExtraError(f"Ray is not installed: {install_command('ray')}.") from error
        if ray.is_initialized():
            return ray
        try:
            if self.address is None:
                ray.init(
                    address="local",
                    num_cpus=self.count,
                    include_dashboard=False,
                    log_to_driver=False,
                    _node_ip_address=LOOPBACK,
                )
            else:
                ray.init(address=self.address, log_to_driver=False)
        except (ConnectionError, OSError, RuntimeError) as error:
            raise WorkersError(f"no Ray cluster at {self.address or 'this machine'}: {error}") from error
        return ray


def as_plain_function(function: Callable[[Piece], Result]) -> Callable[[Piece], Result]:
    """Wrap any callable in a plain function, since Ray accepts no other callables."""

    def call(piece: Piece) -> Result:
        return function(piece)

    return call


def get_workers(kind: str = "in_process", address: str | None = None, count: int | None = None) -> Workers:
    """Return the workers of this ``kind``: ``"in_process"``, ``"processes"`` or ``"ray"``.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        An unknown kind, a count below 1, or an address for something else than Ray.
    """
    count = None if count is None else arguments.positive_int(count, "count")
    if kind not in KINDS:
        raise ArgumentError(f"workers are one of {', '.join(KINDS)}, not {kind!r}.")
    if address is not None and kind != "ray":
        raise ArgumentError(f"only Ray has an address; {kind!r} takes none.")
    if kind == "ray":
        return Ray(address, count)
    return Processes(count) if kind == "processes" else InProcess()
