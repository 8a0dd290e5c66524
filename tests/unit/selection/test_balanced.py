import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from imgsim.selection.balanced import even_counts


@given(st.lists(st.integers(1, 30), min_size=1, max_size=12), st.integers(0, 200))
def test_counts_are_as_even_as_the_sizes_allow(sizes: list[int], total: int):
    groups = np.array(sizes)
    counts = even_counts(groups, total)
    assert counts.sum() == min(total, sum(sizes))
    assert ((counts >= 0) & (counts <= groups)).all()
    with_more = counts[counts < groups]
    if len(with_more):
        assert with_more.max() - with_more.min() <= 1
        assert counts.max() <= with_more.min() + 1


def test_the_rest_goes_to_the_largest():
    assert even_counts(np.array([5, 9, 7]), 5).tolist() == [1, 2, 2]
