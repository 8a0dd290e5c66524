from base64 import b64decode

import pytest

from dashboards.services import uploads
from dashboards.services.models.loaded_model import Loaded
from dashboards.services.query_text import PICTURE, Term
from dashboards.services.uploads import Picture, Refused
from dashboards.views.search import query_view
from dashboards.views.search.query_view import Step, parse_step
from dashboards.widgets.pictures import shelf as pictures


@pytest.fixture
def mine(loaded: Loaded, photo: bytes, monkeypatch: pytest.MonkeyPatch) -> Picture:
    """A picture on the shelf of this session."""
    answer = uploads.read(loaded, "<i>.jpg", photo)
    assert not isinstance(answer, Refused)
    monkeypatch.setattr(pictures, "shelf", lambda: {answer[0].key: answer[0]})
    return answer[0]


def test_steps():
    assert parse_step({"kind": "weight", "place": 1, "weight": -0.75}, 2, 0) == Step("weight", 1, -0.75)
    assert parse_step({"kind": "back", "place": 2, "weight": 0}, 0, 3) == Step("back", 2)


@pytest.mark.parametrize(
    "value",
    [
        None,
        "crop",
        {"kind": "crop", "place": 2},
        {"kind": "crop", "place": -1},
        {"kind": "crop", "place": True},
        {"kind": "back", "place": 1},
        {"kind": "eval", "place": 0},
        {"kind": "weight", "place": 0, "weight": "1"},
        {"kind": "weight", "place": 0, "weight": 99},
        {"kind": "weight", "place": 0, "weight": float("nan")},
    ],
)
def test_anything_else_the_browser_may_send_is_nothing(value: object):
    assert parse_step(value, 2, 1) is None


def test_images_and_pictures_as_the_browser_gets_them(loaded: Loaded, mine: Picture):
    terms = [Term(3, 1.0, (0, 0, 50, 50)), Term(PICTURE, -0.5, picture=mine.key)]
    past = [f"{loaded.key(4)} {loaded.key(5)}", "u000000000000", mine.key]
    sent = query_view.described(loaded, terms, past, unread=[terms[1]])
    image, picture = sent["terms"]
    assert (image["row"], image["src"], image["crop"]) == (3, f"thumbnails/{loaded.token}/3.jpg", [0, 0, 50, 50])
    assert (image["label"], image["unread"]) == (loaded.model.images.labels[3], False)
    assert (picture["row"], picture["name"], picture["weight"], picture["unread"]) == (None, "<i>.jpg", -0.5, True)
    assert b64decode(picture["src"].removeprefix("data:image/jpeg;base64,")) == mine.tile
    assert picture["about"] == "yours: 120 × 80 JPEG, " + picture["about"].rsplit(", ", 1)[1]
    assert [(step["more"], bool(step["src"])) for step in sent["past"]] == [(1, True), (0, False), (0, True)]
    assert sent["past"][0]["name"] == loaded.model.images.paths[4]
