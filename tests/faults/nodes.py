"""A Ray cluster of two worker nodes in this machine, and work slow enough to lose one of them in the middle of it.

``python -m tests.faults.nodes VECTORS FOLDER KIND`` builds a partitioned graph, for a test that kills it.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Thread
from typing import Any

from imgsim.neighbors.partitioned.pipeline import build_shards, prepare
from imgsim.neighbors.partitioned.plan import Partitioning
from imgsim.neighbors.partitioned.shards import Work
from imgsim.workers import LOOPBACK, Workers, get_workers

HOW = Partitioning(size=150, overlap=2, shard_rows=700)
K = 5
PROXIES = ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
PAUSE = 0.1
MEMORY = 100 << 20


def slowly(function: Callable[[Any], Any], key: Any) -> Any:
    """Call after a pause."""
    time.sleep(PAUSE)
    return function(key)


@dataclass(frozen=True)
class Slow:
    """Workers whose every piece of work takes at least a moment."""

    workers: Workers

    def map(self, function: Callable[[Any], Any], pieces: Sequence[Any]) -> Iterator[Any]:
        """See `Workers.map`."""
        return self.workers.map(partial(slowly, function), pieces)


@contextmanager
def cluster() -> Iterator[Any]:
    """A head without CPUs and two nodes of one CPU, connected to; gone afterwards."""
    for name in PROXIES:
        os.environ.pop(name, None)
    os.environ.update(RAY_USAGE_STATS_ENABLED="0", RAY_DISABLE_IMPORT_WARNING="1")
    import ray
    from ray.cluster_utils import Cluster

    head = {"num_cpus": 0, "object_store_memory": MEMORY, "include_dashboard": False, "node_ip_address": LOOPBACK}
    made = Cluster(True, head_node_args=head)
    session = made.head_node.get_session_dir_path()
    try:
        for _ in range(2):
            made.add_node(num_cpus=1, object_store_memory=MEMORY, node_ip_address=LOOPBACK)
        ray.init(address=made.address, log_to_driver=False, _node_ip_address=LOOPBACK)
        yield made
    finally:
        if ray.is_initialized():
            ray.shutdown()
        made.shutdown()
        shutil.rmtree(session, ignore_errors=True)


@contextmanager
def losing_a_node(ray_cluster: Any, folder: Path, files: int) -> Iterator[list[int]]:
    """Kill a node once ``folder`` holds so many files; the list gets the number there were. A new node follows."""
    seen: list[int] = []
    node = sorted(ray_cluster.worker_nodes, key=lambda node: str(node.unique_id))[0]

    def watch() -> None:
        while (count := len(list(folder.glob("[!.]*")))) < files:
            time.sleep(0.01)
        seen.append(count)
        ray_cluster.remove_node(node, allow_graceful=False)

    thread = Thread(target=watch, daemon=True)
    thread.start()
    yield seen
    thread.join(60)
    ray_cluster.add_node(num_cpus=1, object_store_memory=MEMORY, node_ip_address=LOOPBACK)


def files(work: Work) -> dict[str, bytes]:
    """Relative path to bytes of every shard."""
    return {
        path.relative_to(work.folder).as_posix(): path.read_bytes() for path in work.folder.rglob("[!.]*.safetensors")
    }


def main(vectors: str, folder: str, kind: str) -> None:
    """Build, slowly."""
    build_shards(prepare(Path(vectors), K, 0, HOW, Path(folder)), Slow(get_workers(kind, count=2)))


if __name__ == "__main__":
    main(*sys.argv[1:])
