import numpy as np
import pytest

from imgsim.columns.row_lookup import RowLookup


def test_the_first_row_of_each_value_is_found(rng):
    values = rng.integers(0, 500, 2000)
    lookup, rows = RowLookup(lambda: values), values.tolist()
    assert [lookup.row(value) for value in range(-2, 510)] == [
        rows.index(value) if value in rows else None for value in range(-2, 510)
    ]
    assert (lookup.row(2**70), lookup.row("3")) == (None, None)


@pytest.mark.parametrize("kind", [str, bytes])
def test_texts_are_found_whole(kind):
    values = np.array(["b", "", "ab", "b"]).astype(kind)
    lookup = RowLookup(lambda: values)
    asked = ["b", "", "ab", "a", "abc", "zz", "b\0"]
    found = [lookup.row(text if kind is str else text.encode()) for text in asked]
    assert found == [0, 1, 2, None, None, None, None]
    assert lookup.row(1) is None


def test_nothing_is_sorted_before_a_row_is_looked_up():
    asked = []
    lookup = RowLookup(lambda: asked.append(1) or np.arange(3))
    assert not asked
    assert (lookup.row(2), lookup.row(1), asked) == (2, 1, [1])


def test_no_values():
    assert RowLookup(lambda: np.array([], np.int64)).row(0) is None
