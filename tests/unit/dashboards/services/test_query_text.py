import pytest

from dashboards.services.models.loaded_model import Loaded
from dashboards.services.query_text import (
    LESS,
    MORE,
    MOST_TERMS,
    MOST_WEIGHT,
    PICTURE,
    Term,
    format_terms,
    is_picture_key,
    parse_terms,
    sound_crop,
    steered,
)


def test_terms_survive_the_url(loaded: Loaded):
    terms = [
        Term(3, 1.0),
        Term(4, -0.5),
        Term(5, 1.25, (10, 20, 90, 100)),
        Term(PICTURE, -2.0, (0, 0, 50, 50), "u0123456789ab"),
    ]
    text = format_terms(loaded, terms)
    assert parse_terms(loaded, text, {"u0123456789ab"}) == (terms, [])


def test_a_twin_keeps_its_own_row(loaded: Loaded, twins: tuple[int, int]):
    for row in twins:
        assert parse_terms(loaded, format_terms(loaded, [Term(row, 1.0)])) == ([Term(row, 1.0)], [])


def test_what_nobody_here_is_called_is_named(loaded: Loaded):
    terms, missing = parse_terms(loaded, f"{loaded.key(1)} nosuch -0.5*u0123456789ab")
    assert terms == [Term(1, 1.0)]
    assert missing == ["nosuch", "u0123456789ab"]
    assert [is_picture_key(key) for key in missing] == [False, True]


def test_weights_and_lengths_have_limits(loaded: Loaded):
    key = loaded.key(0)
    assert parse_terms(loaded, f"900*{key} -0*{key}")[0] == [Term(0, MOST_WEIGHT)]
    assert len(parse_terms(loaded, f"{key} " * 99)[0]) == MOST_TERMS


@pytest.mark.parametrize(
    ("edges", "crop"),
    [
        ((0, 0, 100, 100), None),
        ((10, 20, 50, 60), (10, 20, 50, 60)),
        ((50, 50, 10, 10), (50, 50, 51, 51)),
        ((100, 100, 999, 999), (99, 99, 100, 100)),
    ],
)
def test_a_crop_lies_in_the_picture_and_is_not_empty(edges: tuple[int, int, int, int], crop: object):
    assert sound_crop(*edges) == crop


def test_more_and_less_add_up():
    terms = steered([Term(1, 1.0)], 2, MORE)
    assert terms == [Term(1, 1.0), Term(2, 1.0)]
    terms = steered(terms, 2, LESS)
    assert terms == [Term(1, 1.0), Term(2, 0.5)]
    assert steered(terms, 2, LESS) == [Term(1, 1.0)], "at zero it is out"


def test_a_cropped_image_is_steered_apart_from_the_whole():
    terms = [Term(1, 1.0, (0, 0, 50, 50))]
    assert steered(terms, 1, MORE) == [*terms, Term(1, 1.0)]


def test_steering_keeps_the_last_terms():
    terms = [Term(row, 1.0) for row in range(MOST_TERMS)]
    found = steered(terms, 99, LESS)
    assert len(found) == MOST_TERMS
    assert found[-1] == Term(99, LESS)
