from pathlib import Path

import numpy as np
import pytest

from imgsim.neighbors.partitioned.pipeline import prepare
from imgsim.neighbors.partitioned.plan import Partitioning
from imgsim.neighbors.partitioned.shards import Work

SMALL = Partitioning(size=100, overlap=2, shard_rows=170)


@pytest.fixture
def clustered(rng: np.random.Generator) -> np.ndarray:
    """(900, 16) unit vectors around 12 centres."""
    return clusters(rng, 900)


@pytest.fixture
def work(clustered: np.ndarray, tmp_path: Path) -> Work:
    """Nothing done yet: 6 shards, about 18 cells."""
    return prepare(clustered, 5, 0, SMALL, tmp_path)


def clusters(rng: np.random.Generator, n: int, dims: int = 16, spread: float = 0.3) -> np.ndarray:
    """(n, dims) unit vectors around 12 centres."""
    centres = rng.standard_normal((12, dims))
    found = centres[rng.integers(12, size=n)] + spread * rng.standard_normal((n, dims))
    return (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float32)
