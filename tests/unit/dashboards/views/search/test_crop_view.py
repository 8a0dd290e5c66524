import pytest

from dashboards.views.search.crop_view import parse_crop


def test_a_crop():
    assert parse_crop([10, 20, 60, 90]) == (10, 20, 60, 90)


@pytest.mark.parametrize(
    "value",
    [None, "10", [0, 0, 100, 100], [1, 2, 3], [0, 0, 50.5, 50], [-1, 0, 50, 50], [0, 0, 101, 50], [True, 0, 5, 5], {}],
)
def test_all_of_the_picture_and_what_is_no_crop(value: object):
    assert parse_crop(value) is None
