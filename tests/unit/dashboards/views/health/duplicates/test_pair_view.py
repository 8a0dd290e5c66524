import pandas as pd

from dashboards.views.health.duplicates.pair_view import beside

GROUPS = [
    pd.DataFrame({"row": [7, 3], "keep": [True, False]}),
    pd.DataFrame({"row": [5, 2, 9], "keep": [False, True, False]}),
    pd.DataFrame({"row": [4, 8], "keep": [False, False]}),
]


def test_a_copy_is_compared_with_one_to_keep():
    assert beside(GROUPS, 3) == 7
    assert beside(GROUPS, 7) == 3, "the one to keep with another"
    assert beside(GROUPS, 9) == 2
    assert beside(GROUPS, 8) == 4, "where none is kept with the first other one"


def test_nothing_beside_a_picture_that_has_no_copy():
    assert beside(GROUPS, 1) is None
    assert beside([GROUPS[0].head(1)], 7) is None
