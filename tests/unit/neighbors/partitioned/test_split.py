import numpy as np
import pytest

from imgsim.neighbors.partitioned.split import pieces_of
from tests.unit.neighbors.partitioned.conftest import clusters


def sets(rng):
    rare = np.concatenate([np.ones((700, 16)), clusters(rng, 40), np.ones((400, 16))]).astype(np.float32)
    return {"clusters": clusters(rng, 900), "equal": np.ones((900, 16), np.float32), "mostly equal": rare}


@pytest.mark.parametrize("name", ["clusters", "equal", "mostly equal"])
def test_every_row_is_in_one_piece_below_the_cap(rng, name):
    vectors = sets(rng)[name]
    members = np.arange(3, len(vectors), 2)
    pieces = list(pieces_of(vectors, members, 40, 80, rng))
    assert max(map(len, pieces)) <= 80
    assert np.array_equal(np.sort(np.concatenate(pieces)), members)
    assert all((np.diff(piece) > 0).all() for piece in pieces)


def test_a_rare_row_is_not_torn_from_its_like(rng):
    vectors = np.ones((1000, 4), np.float32)
    rare = np.arange(0, 1000, 200)
    vectors[rare] = [1, 0, 0, 0]
    pieces = list(pieces_of(vectors, np.arange(1000), 50, 100, rng))
    assert sum(np.isin(rare, piece).all() for piece in pieces) == 1
