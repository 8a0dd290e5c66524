import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from imgsim.columns.texts import Texts

VALUES = ["a", "b", None, "c", "a"]


@pytest.fixture(params=[pa.array(VALUES), pa.chunked_array([pa.array(VALUES[:2]), pa.array(VALUES[2:])])])
def texts(request):
    return Texts(request.param)


def test_texts_are_like_a_list(texts):
    assert texts == VALUES
    assert texts != [*VALUES[:4], "b"]
    assert list(texts) == texts.tolist() == VALUES
    assert (texts[3], texts[-1], texts[np.int64(1)]) == ("c", "a", "b")
    assert texts[1:4] == VALUES[1:4]
    assert texts[np.array([3, 0])] == ["c", "a"]
    assert ("b" in texts, None in texts, "z" in texts, 1 in texts) == (True, True, False, False)
    assert (texts.index("a"), texts.index("a", 1)) == (0, 4)
    assert repr(texts) == repr(VALUES)
    with pytest.raises(ValueError, match="'z' is not among"):
        texts.index("z")
    with pytest.raises(IndexError):
        texts[5]


def test_texts_become_arrays(texts):
    assert np.asarray(texts, object).tolist() == VALUES
    assert np.array(texts[3:], "S").tolist() == [b"c", b"a"]
    assert pa.array(texts, pa.string()).to_pylist() == VALUES
    assert texts.among(["a", "c", "nowhere"]).tolist() == [True, False, False, True, True]


def test_rows_and_places_are_those_of_a_list() -> None:
    texts, same = Texts(["a", "b", "c", "b"]), ["a", "b", "c", "b"]
    assert texts[np.array([-1, 0])] == ["b", "a"]
    assert texts[np.array([True, False, False, True])] == ["a", "b"]
    assert texts[np.array([])] == []
    assert texts.index("b", -3) == same.index("b", -3)
    assert texts.index("b", -2, 99) == same.index("b", -2, 99)
    more = ["d"]
    assert texts + more == same + more
    assert more + texts == more + same
    assert pd.DataFrame({"text": texts}).equals(pd.DataFrame({"text": same}))


@pytest.mark.parametrize("row", ["3", "a", 1.5, None, np.array([0.5])])
def test_a_row_is_a_whole_number(row) -> None:
    with pytest.raises(TypeError):
        Texts(["a", "b"])[row]


@pytest.mark.parametrize("row", [2, -3, 2**70, np.array([5]), np.array([True])])
def test_a_row_lies_inside(row) -> None:
    with pytest.raises(IndexError):
        Texts(["a", "b"])[row]
