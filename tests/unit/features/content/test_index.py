import hashlib

import numpy as np
import pyarrow as pa
import pytest

from imgsim.errors import ArgumentError
from imgsim.features.content.index import (
    DamagedError,
    Index,
    digests,
    first_of_each,
    from_arrow,
    matches,
    sort,
    to_arrow,
)

KEYS = [hashlib.sha256(b"%d" % i).hexdigest() for i in range(1000)]


def index_of(keys, group, loaded):
    """An index of these keys in groups of so many; numbers of loaded groups are appended to ``loaded``."""
    order = sort(keys)
    starts = np.append(np.arange(0, len(keys), group), len(keys))

    def load(groups):
        loaded.extend(groups)
        place = np.concatenate([np.arange(starts[i], starts[i + 1]) for i in groups])
        return keys[order[place]], order[place].astype(np.int32)

    return Index(starts, keys[order[starts[:-1]], 0], load)


def test_numbers_sort_as_keys_do_and_come_back_from_arrow():
    numbers = digests(KEYS)
    assert [KEYS[i] for i in sort(numbers)] == sorted(KEYS)
    assert [key.hex() for key in to_arrow(numbers).to_pylist()] == KEYS
    assert (
        from_arrow(pa.chunked_array([to_arrow(numbers)[3:5], to_arrow(numbers)[7:]]))
        == numbers[[3, 4, *range(7, 1000)]]
    ).all()


@pytest.mark.parametrize("wrong", ["", "a", "g" * 64, KEYS[0][:-1], KEYS[0] + " "])
def test_what_is_no_sha256_is_refused(wrong):
    with pytest.raises(ArgumentError, match="64 hexadecimal digits"):
        digests([KEYS[0], wrong])


def test_every_key_has_its_row_and_others_have_none():
    numbers = digests(KEYS)
    index = index_of(numbers, 64, [])
    assert index.rows(numbers).tolist() == list(range(1000))
    assert index.rows(digests([hashlib.sha256(b"x").hexdigest(), "0" * 64, "f" * 64])).tolist() == [-1] * 3


def test_only_groups_that_may_hold_a_key_are_loaded_and_only_once():
    numbers, loaded = digests(KEYS), []
    index = index_of(numbers, 10, loaded)
    for _ in range(2):
        assert index.rows(numbers[[17, 500]]).tolist() == [17, 500]
        assert len(loaded) <= 4
    assert index.rows(numbers).tolist() == list(range(1000))
    assert sorted(loaded) == list(range(100))


def test_different_keys_of_equal_first_numbers_are_told_apart():
    numbers = digests(KEYS)
    numbers[:100, 0] = numbers[7, 0]
    for wanted in (numbers, numbers[:3], numbers[98:101]):
        assert (numbers[index_of(numbers, 8, []).rows(wanted)] == wanted).all()
    absent = numbers[:1].copy()
    absent[0, 3] += 1
    assert index_of(numbers, 8, []).rows(absent).tolist() == [-1]


def test_an_index_that_points_beyond_its_rows_is_damaged():
    numbers = digests(KEYS[:3])
    index = Index(np.array([0, 3]), numbers[:1, 0] * 0, lambda _: (numbers, np.array([0, 1, 3], np.int32)))
    with pytest.raises(DamagedError, match="does not fit"):
        index.rows(numbers)


def test_sets_of_keys():
    numbers = digests([KEYS[i] for i in (5, 3, 5, 9, 3)])
    assert first_of_each(numbers).tolist() == [True, True, False, True, False]
    assert matches(numbers, digests([KEYS[3], KEYS[8]])).tolist() == [False, True, False, False, True]
    assert not matches(numbers, digests([])).any()
