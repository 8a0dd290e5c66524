import numpy as np

from imgsim.insights.duplicates.pairs import first_of_content, neighbor_pairs
from imgsim.neighbors.graph import build_graph


class Model:
    def __init__(self, matrix: np.ndarray, k: int) -> None:
        self.plain_embeddings = matrix
        self.plain_graph = build_graph(matrix, k)


def test_rows_without_a_hash_are_their_own_content():
    assert first_of_content(["a", "b", "a", "", ""]).tolist() == [0, 1, 0, 3, 4]


def test_copies_of_the_same_bytes_do_not_crowd_out_real_neighbours(rng):
    matrix = rng.standard_normal((30, 8)).astype(np.float32)
    matrix[1:20] = matrix[0]  # 20 files of the same bytes fill each other's lists
    matrix[20] = matrix[0] + 0.01
    first = np.where(np.arange(30) < 20, 0, np.arange(30))
    pairs = neighbor_pairs(Model(matrix, 5), first)
    assert [0, 20] in pairs.tolist()
    assert not np.isin(pairs, range(1, 20)).any()
    assert (pairs[:, 0] < pairs[:, 1]).all()
    assert len(np.unique(pairs, axis=0)) == len(pairs)
    others = {int(row): set() for row in [0, *range(20, 30)]}
    for a, b in pairs.tolist():
        others[a].add(b)
        others[b].add(a)
    assert all(len(found) >= 3 for found in others.values())


def test_one_content_only_has_no_pairs():
    matrix = np.ones((4, 3), np.float32)
    assert neighbor_pairs(Model(matrix, 2), np.zeros(4, np.int64)).shape == (0, 2)
    assert neighbor_pairs(Model(matrix[:1], 2), np.zeros(1, np.int64)).shape == (0, 2)
