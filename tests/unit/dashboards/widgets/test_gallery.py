import pytest

from dashboards.services.decided import store
from dashboards.services.models.loaded_model import Loaded
from dashboards.widgets import gallery
from dashboards.widgets.decisions.known import known
from dashboards.widgets.gallery import Action, Tile, parse, parse_rows

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
        "src": f"thumbnails/{loaded.token}/2.jpg",
        "title": "a/<b>\\n.jpg",
        "label": "\\u202ex",
        "rank": 1,
        "distance": 0.123457,
        "meaning": "",
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


def test_what_is_decided_about_a_tile(loaded: Loaded):
    keys, labels = loaded.model.images.sha256, loaded.model.images.labels
    one, other, query = [row for row, key in enumerate(keys) if keys.count(key) == 1][:3]
    tiles = [gallery.tile(loaded, row) for row in (one, other)]
    nothing = {"decided": None, "tags": "", "alike": None}
    assert [gallery._decided(tile, known(loaded), query) for tile in tiles] == [nothing] * 2
    assert gallery._decided(tiles[0], None, query) == nothing, "the store cannot be read"
    to = store()
    to.set_label(keys[one], "tr\u202eee")
    to.set_label(keys[other], labels[other])
    for tag in ("late", "blurry"):
        to.add_tag(keys[other], tag)
    to.mark_pairs(keys[query], keys[one], False)
    assert [gallery._decided(tile, known(loaded), query) for tile in tiles] == [
        {"decided": "tr\\u202eee", "tags": "", "alike": False},
        {"decided": None, "tags": "blurry, late", "alike": None},
    ]
    assert gallery._decided(tiles[0], known(loaded), None)["alike"] is None


@pytest.mark.parametrize(
    ("sent", "rows"),
    [([3, 1, 3], [3, 1]), ([], []), ([-1, 7, 2.0, True, "1", None, 0], [0]), (3, []), (None, []), ({"row": 1}, [])],
)
def test_rows_for_the_basket_are_those_of_the_model(sent: object, rows: list[int]):
    assert parse_rows(sent, 7) == rows
