"""Three ways to run the same function over keys: in this process, in a pool of processes, on Ray.

Workers have one method, `map`. Functions must be importable by name and return little: what they make, they write to
files that all workers see. A key may be run twice (after a lost node), so functions must be idempotent.
"""

from __future__ import annotations

import multiprocessing
import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from threading import Thread
from typing import Any, Protocol, TypeVar

from imgsim import arguments
from imgsim.distribution import install_command
from imgsim.errors import ArgumentError, MissingExtraError, WorkersError

Key = TypeVar("Key")
Result = TypeVar("Result")
KINDS = ("in_process", "processes", "ray")
LOOPBACK = "127.0.0.2"
"""Ray takes 127.0.0.1 for a mistake and puts the address of the network card in its place."""
LOST_NODES = 8
"""Times that a task is sent to another node or worker; one that always kills its worker must end."""
AGAIN = "Run again: what was done is kept."


def usable_cores() -> int:
    """Cores this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Workers(Protocol):
    """Something that runs functions."""

    def map(self, function: Callable[[Key], Result], keys: Sequence[Key]) -> Iterator[Result]:
        """Results in the order of the keys; the first error of a function is raised as it is."""
        ...


@dataclass(frozen=True)
class InProcess:
    """One after the other, here."""

    def map(self, function: Callable[[Key], Result], keys: Sequence[Key]) -> Iterator[Result]:
        """See `Workers.map`."""
        return map(function, keys)


@dataclass(frozen=True)
class Processes:
    """Fresh processes on this machine, one BLAS thread each; ``count`` is by default one for each usable core."""

    count: int | None = None

    def map(self, function: Callable[[Key], Result], keys: Sequence[Key]) -> Iterator[Result]:
        """See `Workers.map`.

        Raises
        ------
        WorkersError
            A worker died.
        """
        if not keys:
            return
        count = min(len(keys), self.count or usable_cores())
        pool = ProcessPoolExecutor(count, multiprocessing.get_context("spawn"), _begin)
        try:
            yield from pool.map(function, keys)
        except BrokenProcessPool as error:
            raise WorkersError(f"a worker process died, perhaps for lack of memory: {error} {AGAIN}") from error
        finally:
            pool.shutdown(cancel_futures=True)


def _begin() -> None:
    """One BLAS thread; and no worker outlives the process that it works for."""
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
    """Tasks of one CPU on a Ray cluster; a task whose node is lost is run on another.

    Parameters
    ----------
    address : str, optional
        ``"auto"`` or ``"host:port"``; by default a cluster that is started on this machine
        (Ray's workers listen on every address of it, whatever it is told, and ask for the token in ``~/.ray``).
        Where Ray runs in this process already, that is used.
    count : int, optional
        CPUs of a cluster that is started here.
    """

    address: str | None = None
    count: int | None = None

    def map(self, function: Callable[[Key], Result], keys: Sequence[Key]) -> Iterator[Result]:
        """See `Workers.map`.

        Raises
        ------
        WorkersError
            The cluster was lost.
        MissingExtraError
            Ray is not installed.
        """
        if not keys:
            return
        ray = self._started()
        remote = ray.remote(num_cpus=1, max_retries=LOST_NODES, scheduling_strategy="SPREAD")(function_of(function))
        waiting = deque(remote.remote(key) for key in keys)
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

    def _started(self) -> Any:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
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


def function_of(function: Callable[[Key], Result]) -> Callable[[Key], Result]:
    """A plain function, as Ray wants one, of any callable."""

    def call(key: Key) -> Result:
        return function(key)

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
