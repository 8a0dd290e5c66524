import pytest

from dashboards.services.models.loaded_model import Loaded
from dashboards.widgets import gallery
from dashboards.widgets.gallery import Action, Tile, parse

OFFERED = ("query", "details", "basket")


def test_what_was_offered_on_a_row_that_is_shown():
    assert parse({"kind": "details", "row": 3}, OFFERED, {3, 4}) == Action("details", 3)


@pytest.mark.parametrize(
    "value",
    [
        None,
        "details",
        [],
        {},
        {"kind": "details"},
        {"kind": "details", "row": 5},
        {"kind": "details", "row": "3"},
        {"kind": "details", "row": True},
        {"kind": "details", "row": 3.0},
        {"kind": "more", "row": 3},
        {"kind": "delete", "row": 3},
        {"kind": ["details"], "row": 3},
    ],
)
def test_anything_else_the_browser_may_send_is_nothing(value: object):
    assert parse(value, OFFERED, {1, 3}) is None


def test_a_tile_as_the_browser_gets_it(loaded: Loaded):
    strange = Tile(2, "a/<b>\n.jpg", "\u202ex", rank=1, distance=0.123456789, same=False, duplicate="same bytes")
    sent = gallery._described(loaded, strange, basket=True)
    assert sent == {
        "row": 2,
        "src": f"/thumbnails/{loaded.token}/2.jpg",
        "title": "a/<b>\\n.jpg",
        "label": "\\u202ex",
        "rank": 1,
        "distance": 0.123457,
        "same": False,
        "duplicate": "same bytes",
        "keep": False,
        "note": "",
        "basket": True,
    }


def test_the_tile_of_a_row(loaded: Loaded):
    assert gallery.tile(loaded, 3, note="n") == Tile(
        3, loaded.model.images.paths[3], loaded.model.images.labels[3], note="n"
    )
