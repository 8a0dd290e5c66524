"""The search page in every state, over a real registry."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from dashboards.services.models.loaded_model import Loaded
from dashboards.services.originals import CHANGED, GONE
from tests.dashboard_components import said, send, shown
from tests.dashboard_pictures import bomb, encoded, halves
from tests.dashboard_registry import STRANGE

OpenPage = Callable[..., AppTest]
PHOTO = ("photo.png", encoded(halves(), "PNG"), "image/png")


def loaded(test: AppTest) -> Loaded:
    return test.session_state["open"].loaded


def answer(test: AppTest) -> list[dict[str, Any]]:
    """The tiles of the answer."""
    assert not test.exception
    data = shown(test, "answer")
    assert data is not None
    return data["tiles"]


def terms(test: AppTest) -> list[dict[str, Any]]:
    data = shown(test, "terms")
    assert data is not None
    return data["terms"]


def q(test: AppTest) -> str:
    return said(test, "q")


def trail(test: AppTest) -> list[str]:
    return [step for step in said(test, "trail").split("|") if step]


def button(test: AppTest, label: str) -> Any:
    return next(item for item in test.button if item.label == label)


def upload(test: AppTest, *files: tuple[str, bytes, str]) -> AppTest:
    test.query_params["by"] = "upload"
    test.run()
    test.file_uploader[0].set_value(list(files)).run()
    assert not test.exception
    return test


# Stored images


def test_a_visitor_without_link_gets_an_example_and_its_answer(open_page: OpenPage):
    test = open_page()
    assert len(answer(test)) == 20
    assert len(terms(test)) == 1
    assert any("example" in item.value for item in test.caption)
    assert q(test) == "", "nobody asked, so the link stays short"


def test_a_link_gives_the_answer_of_the_library(open_page: OpenPage):
    test = open_page()
    model, row = loaded(test).model, 7
    test = open_page(q=loaded(test).key(row), k="5")
    tiles = answer(test)
    wanted = model.query(model.ids[row], k=6)["reference_label"].tolist()[1:]
    assert [model.ids[tile["row"]] for tile in tiles] == wanted
    assert [tile["rank"] for tile in tiles] == [1, 2, 3, 4, 5]
    assert [tile["same"] for tile in tiles] == [
        model.images.labels[tile["row"]] == model.images.labels[row] for tile in tiles
    ]
    assert terms(test)[0]["row"] == row


def test_every_control_has_a_help(open_page: OpenPage):
    for by in ("upload", "camera", "web"):
        test = open_page(by=by)
        controls = [
            *test.button,
            *test.text_input,
            *test.segmented_control,
            *test.file_uploader,
            *test.camera_input,
            *test.slider,
            *test.selectbox,
            *test.multiselect,
            *test.toggle,
        ]
        assert len(controls) > 8
        assert not [control.label for control in controls if not control.help]


def test_random_asks_with_an_image_that_passes_the_filters(open_page: OpenPage):
    test = open_page(label="torus")
    example = loaded(test).key(terms(test)[0]["row"])
    button(test, "Random").click().run()
    assert terms(test)[0]["label"] == "torus"
    assert loaded(test).row(q(test)) == terms(test)[0]["row"]
    assert trail(test) == [example], "the example is the first step"


def test_random_without_any_image(open_page: OpenPage):
    test = open_page(path="no such path")
    button(test, "Random").click().run()
    assert any("No image passes" in toast.value for toast in test.toast)


def test_a_part_of_a_path_lists_images_and_a_click_asks(open_page: OpenPage):
    test = open_page()
    send(test, "find", "find", "TORUS/")
    assert said(test, "find") == "TORUS/"
    assert shown(test, "answer") is None
    found = shown(test, "found")
    assert found is not None
    assert {tile["label"] for tile in found["tiles"]} == {"torus"}
    row = found["tiles"][2]["row"]
    send(test, "found", "action", {"kind": "query", "row": row})
    assert (q(test), said(test, "find")) == (loaded(test).key(row), "")
    assert terms(test)[0]["row"] == row
    assert shown(test, "find")["text"] == ""


def test_a_whole_path_or_id_asks_at_once(open_page: OpenPage):
    test = open_page()
    for name in (loaded(test).model.images.paths[9], str(loaded(test).model.ids[4])):
        send(test, "find", "find", name)
        assert loaded(test).row(q(test)) == loaded(test).row(name)
        assert answer(test)


def test_a_name_of_nothing(open_page: OpenPage):
    test = open_page(find="no *such* thing")
    assert "no \\*such\\* thing" in test.info[0].value
    button(test, "Back to results").click().run()
    assert answer(test)


# Asking on


def test_a_click_makes_an_image_the_query_and_the_trail_leads_back(open_page: OpenPage):
    test = open_page()
    keys = [loaded(test).key(terms(test)[0]["row"])]
    for _ in range(3):
        row = next(tile["row"] for tile in answer(test) if loaded(test).key(tile["row"]) not in keys)
        keys.append(loaded(test).key(row))
        send(test, "answer", "action", {"kind": "query", "row": row})
        assert terms(test)[0]["row"] == row
    assert (q(test), trail(test)) == (keys[3], keys[:3])
    send(test, "terms", "step", {"kind": "back", "place": 1})
    assert (q(test), trail(test)) == (keys[1], keys[:1])
    assert terms(test)[0]["row"] == loaded(test).row(keys[1])


def test_more_and_less_like_this(open_page: OpenPage):
    test = open_page(q="r3")
    before = answer(test)
    more, less = before[1]["row"], before[-1]["row"]
    send(test, "answer", "action", {"kind": "more", "row": more})
    send(test, "answer", "action", {"kind": "less", "row": less})
    assert [(term["row"], term["weight"]) for term in terms(test)] == [(3, 1.0), (more, 1.0), (less, -0.5)]
    after = answer(test)
    assert not {tile["row"] for tile in after} & {3, more, less}
    assert [tile["row"] for tile in after] != [tile["row"] for tile in before]


def test_weights_removing_and_asking_alone(open_page: OpenPage):
    test = open_page(q="r3 r4 -0.5*r5")
    send(test, "terms", "step", {"kind": "weight", "place": 1, "weight": -1.25})
    assert [term["weight"] for term in terms(test)] == [1.0, -1.25, -0.5]
    assert trail(test) == [], "a weight is no new query"
    send(test, "terms", "step", {"kind": "remove", "place": 0})
    assert [term["row"] for term in terms(test)] == [4, 5]
    assert answer(test)
    send(test, "terms", "step", {"kind": "only", "place": 1})
    assert [(term["row"], term["weight"]) for term in terms(test)] == [(5, 1.0)]
    assert len(trail(test)) == 2


def test_pictures_that_cancel_out(open_page: OpenPage):
    test = open_page(q="r3 -1*r3")
    assert not test.exception
    assert "cancel each other out" in test.warning[0].value
    assert len(terms(test)) == 2, "they stay there to be changed"


def test_only_unlike(open_page: OpenPage):
    test = open_page(q="-0.5*r3")
    assert len(answer(test)) == 20
    assert {tile["same"] for tile in answer(test)} == {None}


def test_a_part_of_a_stored_image(open_page: OpenPage):
    test = open_page(q="r3")
    whole = answer(test)
    send(test, "terms", "step", {"kind": "crop", "place": 0})
    assert shown(test, "terms") is None
    assert shown(test, "crop") == {
        "src": whole and f"thumbnails/{loaded(test).token}/3.jpg",
        "name": loaded(test).model.images.paths[3],
        "crop": [0, 0, 100, 100],
    }
    send(test, "crop", "crop", [10, 20, 60, 90])
    assert q(test).endswith("@10.20.60.90")
    assert [tile["distance"] for tile in answer(test)] != [tile["distance"] for tile in whole], "it answers at once"
    button(test, "Done").click().run()
    assert terms(test)[0]["crop"] == [10, 20, 60, 90]
    send(test, "terms", "step", {"kind": "whole", "place": 0})
    assert [tile["row"] for tile in answer(test)] == [tile["row"] for tile in whole]


def test_the_basket(open_page: OpenPage):
    test = open_page(k="6")
    row = answer(test)[2]["row"]
    send(test, "answer", "basket", {"into": [row], "out": []})
    assert [tile["row"] for tile in answer(test) if tile["basket"]] == [row]
    button(test, "Add all").click().run()
    assert all(tile["basket"] for tile in answer(test))
    send(test, "answer", "basket", {"into": [], "out": [row]})
    assert [tile["row"] for tile in answer(test) if not tile["basket"]] == [row]


def test_what_a_browser_makes_up_does_nothing(open_page: OpenPage):
    test = open_page(q="r3")
    before = answer(test)
    for value in ({"kind": "query", "row": 10**9}, {"kind": "drop", "row": 1}, "x", None):
        send(test, "answer", "action", value)
        send(test, "terms", "step", value)
    assert answer(test) == before
    assert q(test) == "r3"


# The answer


def test_duplicates_are_marked_and_collapse(open_page: OpenPage):
    row = next(row for row, path in enumerate(loaded(open_page()).model.images.paths) if path.endswith(STRANGE))
    tiles = answer(open_page(q=f"r{row}"))
    assert (tiles[0]["distance"], tiles[0]["duplicate"]) == (0.0, "identical file")
    test = open_page(q=f"r{row}", collapse="1")
    assert tiles[0]["row"] not in {tile["row"] for tile in answer(test)}
    assert any("near-duplicates collapsed" in item.value for item in test.markdown)


def test_a_name_that_is_markup_stays_a_name(open_page: OpenPage):
    test = open_page(find=STRANGE)
    found = shown(test, "found")
    assert found is not None
    assert [tile["title"] for tile in found["tiles"]] == [f"cube/{STRANGE}"]
    assert not [item.value for item in test.markdown if "<img" in re.sub(r"\\.", "", item.value)]


def test_beyond_the_largest_distance_it_says_how_far_the_nearest_is(open_page: OpenPage):
    nearest = answer(open_page(q="r3"))[0]["distance"]
    test = open_page(q="r3", cut="0.01")
    assert f"{nearest:.3f}" in test.info[0].value
    button(test, "Any distance").click().run()
    assert len(answer(test)) == 20


def test_filters_that_pass_nothing_can_be_cleared(open_page: OpenPage):
    test = open_page(q="r3", path="no such path", same="same", label="cube")
    assert "No image passes the filters" in test.info[0].value
    button(test, "Clear the filters").click().run()
    assert len(answer(test)) == 20
    assert set(test.query_params) == {"q", "model", "version"}


def test_the_size_of_tiles_is_in_the_link(open_page: OpenPage):
    data = shown(open_page(size="large"), "answer")
    assert data is not None
    assert data["size"] == "large"
    data = shown(open_page(size="gigantic"), "answer")
    assert data is not None
    assert data["size"] == "medium"


# Links


def test_a_link_to_an_image_that_is_not_there(open_page: OpenPage):
    test = open_page(q="nosuch r3")
    assert "This picture is not in version 2 of tiny (nosuch)" in test.warning[0].value.replace("\\", "")
    assert terms(test)[0]["row"] == 3, "the rest of it is answered"
    assert answer(test)


def test_a_link_to_nothing_offers_an_example(open_page: OpenPage):
    test = open_page(q="nosuch")
    assert shown(test, "answer") is None
    button(test, "Show an example").click().run()
    assert len(answer(test)) == 20


@pytest.mark.parametrize(
    ("keys", "words"), [("u0123456789ab", "your upload"), ("u0123456789ab u0123456789ac", "2 of your uploads")]
)
def test_a_link_to_uploads_of_another_session_says_so(open_page: OpenPage, keys: str, words: str):
    test = open_page(q=keys)
    assert not test.exception
    assert words in test.warning[0].value
    assert "This server no longer has" in test.warning[0].value


@pytest.mark.parametrize(
    "text", ["@", "*", "-", "r3@1.2", "1e9*r3", "-" * 50, "r3@999.0.0.0", "\u202e", "r3|r4", "9" * 5000]
)
def test_nonsense_in_a_link_is_no_error(open_page: OpenPage, text: str):
    test = open_page(q=text, trail=text, size=text, by=text, find="")
    assert not test.exception


# Pictures of one's own


def test_an_upload_is_asked_with(open_page: OpenPage):
    test = upload(open_page(), PHOTO)
    assert [term["name"] for term in terms(test)] == ["photo.png"]
    assert terms(test)[0]["about"].startswith("yours: 120 × 80 PNG")
    assert re.fullmatch("u[0-9a-f]{12}", q(test))
    assert len(answer(test)) == 20
    assert {tile["same"] for tile in answer(test)} == {None}
    assert not test.file_uploader[0].value, "the uploader is empty for the next"


def test_several_uploads_are_one_query_and_one_that_cannot_be_read_gets_a_sentence(open_page: OpenPage):
    other = ("other.jpg", encoded(halves(60, 60)), "image/jpeg")
    bad = ("*bad*.jpg", b"\xff\xd8\xff no", "image/jpeg")
    test = upload(open_page(), PHOTO, bad, other)
    assert [term["name"] for term in terms(test)] == ["photo.png", "other.jpg"]
    assert [error.value[:12] for error in test.error] == ["\\*bad\\*\\.jpg"]
    assert len(answer(test)) == 20
    send(test, "answer", "action", {"kind": "query", "row": answer(test)[0]["row"]})
    assert not test.error, "a new question forgets it"
    send(test, "terms", "step", {"kind": "back", "place": 1})
    assert [term["name"] for term in terms(test)] == ["photo.png", "other.jpg"], "the session keeps them"


def test_only_unreadable_uploads_leave_the_query_as_it_was(open_page: OpenPage):
    test = upload(open_page(q="r3"), ("bomb.png", bomb(30_000, 30_000), "image/png"))
    assert "megapixels" in test.error[0].value
    assert (q(test), terms(test)[0]["row"]) == ("r3", 3)


def test_the_upload_of_a_stored_file_finds_it_at_distance_zero(open_page: OpenPage, dashboard_folder: Path):
    test = open_page()
    data = (dashboard_folder / "pictures" / loaded(test).model.images.paths[3]).read_bytes()
    upload(test, ("copy.jpg", data, "image/jpeg"))
    assert (answer(test)[0]["row"], answer(test)[0]["distance"], answer(test)[0]["duplicate"]) == (
        3,
        0.0,
        "identical file",
    )


def test_an_upload_can_be_cropped_steered_and_asked_of_another_version(open_page: OpenPage):
    test = upload(open_page(), PHOTO)
    send(test, "terms", "step", {"kind": "crop", "place": 0})
    data = shown(test, "crop")
    assert data is not None
    assert data["src"].startswith("data:image/jpeg;base64,")
    send(test, "crop", "crop", [0, 0, 50, 100])
    button(test, "Done").click().run()
    send(test, "answer", "action", {"kind": "less", "row": answer(test)[0]["row"]})
    assert [term["weight"] for term in terms(test)] == [1.0, -0.5]
    test.query_params["version"] = "1"
    test.run()
    assert loaded(test).version == "1"
    assert terms(test)[0]["name"] == "photo.png"
    assert answer(test)


def test_a_photo_of_the_camera(open_page: OpenPage):
    test = open_page(by="camera")
    test.camera_input[0].set_value(("photo.jpg", encoded(halves()), "image/jpeg")).run()
    assert not test.exception
    assert [term["name"] for term in terms(test)] == ["photo"]
    assert answer(test)


def web(test: AppTest, url: str) -> AppTest:
    next(item for item in test.text_input if item.label == "Address of a picture").set_value(url)
    button(test, "Search").click().run()
    assert not test.exception
    return test


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8080/a.jpg", "http://169.254.169.254/latest/meta-data", "http://[::1]/"]
)
def test_private_addresses_are_refused_in_a_sentence(open_page: OpenPage, url: str):
    test = web(open_page(by="web", q="r3"), url)
    assert "private or reserved network" in test.error[0].value
    assert (q(test), len(answer(test))) == ("r3", 20)


def test_questions_by_web_address_can_be_turned_off(open_page: OpenPage, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("IMGSIM_DASHBOARD_URLS", "0")
    test = open_page(by="web")
    assert answer(test)
    assert not [item for item in test.text_input if item.label == "Address of a picture"]


def test_the_picture_of_a_web_address_is_asked_with(open_page: OpenPage, monkeypatch: pytest.MonkeyPatch):
    from dashboards.views.search import web as service

    monkeypatch.setattr(service, "fetch", lambda url: PHOTO[1])  # the network itself: tests/unit/dashboards/test_web.py
    test = web(open_page(by="web"), "https://pictures.example/some/photo.png?size=1")
    assert [term["name"] for term in terms(test)] == ["photo.png"]
    assert answer(test)


# Details


def test_details_of_an_image_of_the_answer(open_page: OpenPage):
    test = open_page(q="r3", k="3")
    rows = [tile["row"] for tile in answer(test)]
    model = loaded(test).model
    send(test, "answer", "action", {"kind": "details", "row": rows[1]})
    assert not test.exception
    assert any(model.images.paths[rows[1]] in str(item.value) for item in test.get("html"))
    assert any(item.value == "2 of 3" for item in test.caption)
    neighbours = shown(test, "details-neighbours")
    assert neighbours is not None
    assert [tile["row"] for tile in neighbours["tiles"]] == model.graph.neighbors[rows[1]].tolist()
    button(test, "Next").click().run()  # AppTest runs the page, the browser only the dialog
    assert test.session_state["details-row"] == rows[2]


def test_details_show_the_original_where_it_is_as_it_was(open_page: OpenPage, dashboard_registry: Path):
    test = open_page(q="r3")
    model = loaded(test).model
    file = dashboard_registry / "pictures" / model.images.paths[3]
    data = file.read_bytes()
    assert f"originals/{loaded(test).token}/3/2048.jpg" in details(test)
    try:
        file.write_bytes(data + b" ")
        assert f"thumbnails/{loaded(test).token}/3.jpg" in details(test)
        assert any(CHANGED in item.value for item in test.caption)
        file.unlink()
        details(test)
        assert any(GONE in item.value for item in test.caption)
    finally:
        file.write_bytes(data)


def details(test: AppTest) -> str:
    """The HTML of the details of the query."""
    send(test, "terms", "step", {"kind": "details", "place": 0})
    assert not test.exception
    return " ".join(str(item.value) for item in test.get("html"))


def test_details_of_the_query(open_page: OpenPage):
    test = open_page(q="r3")
    send(test, "terms", "step", {"kind": "details", "place": 0})
    assert not test.exception
    assert any(loaded(test).model.images.sha256[3] in str(item.value) for item in test.get("html"))
