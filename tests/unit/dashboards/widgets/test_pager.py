import pytest

from dashboards.widgets.pager import Pages


@pytest.mark.parametrize(
    ("count", "page", "part", "words"),
    [
        (0, 1, slice(0, 0), "0"),
        (10, 1, slice(0, 10), "10"),
        (11, 1, slice(0, 10), "1 to 10 of 11"),
        (11, 2, slice(10, 11), "11 to 11 of 11"),
        (9144, 2, slice(10, 20), "11 to 20 of 9,144"),
    ],
)
def test_a_page_knows_its_part_of_the_list(count: int, page: int, part: slice, words: str):
    pages = Pages(count, 10, page)
    assert pages.slice == part
    assert pages.words == words


@pytest.mark.parametrize(
    ("count", "unit", "said"),
    [
        (1, "images", "1 image"),
        (1, "classes", "1 class"),
        (0, "pairs, the nearest first", "0 pairs, the nearest first"),
        (1, "labels, the most doubtful first", "1 label, the most doubtful first"),
        (11, "copies", "1 to 10 of 11 copies"),
    ],
)
def test_a_page_names_its_unit(count: int, unit: str, said: str):
    assert Pages(count, 10, 1).of(unit) == said


def test_an_empty_list_has_one_page():
    assert Pages(0, 10, 1).last == 1
    assert Pages(20, 10, 1).last == 2
