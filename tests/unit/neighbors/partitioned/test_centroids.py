import numpy as np

from imgsim.neighbors.exact import exact_knn
from imgsim.neighbors.kmeans import kmeans
from imgsim.neighbors.partitioned.centroids import centroids, divide_oversized
from tests.unit.neighbors.partitioned.conftest import clusters


def test_kmeans_finds_separate_groups(rng):
    rows = np.repeat(np.eye(4, dtype=np.float32) * 10, 30, axis=0)
    assert np.array_equal(kmeans(rows + 0, 60, rng), np.unique(rows, axis=0))


def test_equal_rows_have_one_centroid(rng):
    assert kmeans(np.ones((50, 3), np.float32), 8, rng).tolist() == [[1, 1, 1]]


def test_oversized_cells_are_divided(rng):
    crowd = clusters(rng, 900)[:1] + 0.01 * rng.standard_normal((900, 16), np.float32)
    sample = np.concatenate([crowd, clusters(rng, 100)]).astype(np.float32)
    centres = divide_oversized(sample, kmeans(sample, 10, rng), 2, 100, rng)
    load = np.bincount(exact_knn(sample, centres, 2)[0].ravel())
    assert load.max() <= 100


def test_division_of_equal_rows_ends(rng):
    sample = np.concatenate([np.ones((500, 3)), np.zeros((5, 3))]).astype(np.float32)
    assert len(divide_oversized(sample, kmeans(sample, 5, rng), 2, 10, rng)) == 2


def test_the_shard_does_not_depend_on_when_it_is_made(work):
    first = centroids(work)
    work.path("centroids", 0).unlink()
    assert centroids(work) == first
