"""A node of a Ray cluster, or the process that drives the work, is killed in the middle of it; nothing is lost."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import imgsim
from imgsim.features.distribute import extract_by
from imgsim.io.vectors import write_npy
from imgsim.neighbors.graph import NeighborGraph
from imgsim.neighbors.partitioned.pipeline import build_shards, collect, prepare
from imgsim.neighbors.partitioned.shards import Work
from imgsim.workers import InProcess, Ray
from tests.faults.nodes import HOW, K, Slow, cluster, files, losing_a_node

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:::ray"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


@pytest.fixture
def vectors(tmp_path: Path) -> Path:
    """2,500 points around 40 centres, in a file."""
    rng = np.random.default_rng(0)
    points = rng.standard_normal((40, 16))[rng.integers(40, size=2500)] + 0.4 * rng.standard_normal((2500, 16))
    write_npy(points.astype(np.float32), tmp_path / "vectors.npy")
    return tmp_path / "vectors.npy"


@pytest.fixture
def reference(vectors: Path, tmp_path: Path) -> Work:
    """The shards that one undisturbed process makes."""
    work = prepare(vectors, K, 0, HOW, tmp_path / "reference")
    build_shards(work, InProcess())
    return work


def table(work: Work, folder: Path) -> bytes:
    """Bytes of the graph's table."""
    graph = NeighborGraph(*collect(work), "partitioned")
    graph.check()
    graph.save(folder)
    return (folder / "neighbors.parquet").read_bytes()


def test_a_lost_node_costs_neither_rows_nor_features(vectors, reference, tiny_images, tmp_path):
    images, backbone = imgsim.load_images(tiny_images), imgsim.get_backbone("mini")
    store = imgsim.FeatureStore(tmp_path / "store")
    expected = imgsim.extract_features(images, backbone, imgsim.FeatureStore(tmp_path / "alone"))
    with cluster() as nodes:
        parts = store.root / "features" / backbone.spec.fingerprint
        with losing_a_node(nodes, parts, 2) as seen:
            features = extract_by(Slow(Ray()), images, backbone, store, piece=2)
        assert 2 <= seen[0] < 20
        assert features.images.paths == images.paths
        assert np.array_equal(features.matrix, expected.matrix)
        work = prepare(vectors, K, 0, HOW, tmp_path / "ray")
        with losing_a_node(nodes, work.folder / "leaf_graph", 5) as seen:
            build_shards(work, Slow(Ray()))
        built = len(list((reference.folder / "leaf_graph").iterdir()))
        assert 5 <= seen[0] < built
    assert files(work) == files(reference)
    assert table(work, tmp_path / "a") == table(reference, tmp_path / "b")


@pytest.mark.parametrize("kind", ["in_process", "processes"])
def test_a_killed_driver_goes_on_from_its_shards(vectors, reference, tmp_path, kind):
    work = prepare(vectors, K, 0, HOW, tmp_path / kind)
    driver = subprocess.Popen([sys.executable, "-m", "tests.faults.nodes", str(vectors), str(tmp_path / kind), kind])
    limit = time.monotonic() + 240
    while len(list((work.folder / "leaf_graph").glob("[!.]*"))) < 4 and driver.poll() is None:
        assert time.monotonic() < limit
        time.sleep(0.01)
    driver.send_signal(signal.SIGKILL)
    assert driver.wait() == -signal.SIGKILL
    time.sleep(1)  # its workers end
    before = {path: path.stat().st_mtime_ns for path in work.folder.rglob("[!.]*.safetensors")}
    assert (
        4
        <= sum(path.parent.name == "leaf_graph" for path in before)
        < len(list((reference.folder / "leaf_graph").iterdir()))
    )
    build_shards(work, InProcess())
    assert all(path.stat().st_mtime_ns == changed for path, changed in before.items())
    assert files(work) == files(reference)
    assert table(work, tmp_path / "a") == table(reference, tmp_path / "b")
