import pytest

import imgsim
from imgsim.cli.mcp.answers import MOST, Answers


@pytest.fixture(scope="module")
def model(tiny_images, tiny_store):
    found = imgsim.create(imgsim.load_images(tiny_images), store=tiny_store, k=10, backbone="mini", progress=False)
    found.insight("outliers")
    return found


@pytest.fixture
def answers(model):
    return Answers({"tiny": model, "again": model})


def test_models_are_described(answers):
    first, second = answers.models()
    assert (first["model"], second["model"]) == ("tiny", "again")
    assert (first["images"], first["labels"], first["network"]) == (40, 4, "mini")
    assert first["takes_words"] is False
    assert first["insights"] == ["outliers"]


def test_a_stored_image_is_not_its_own_neighbour(answers, model):
    path = model.images.paths[3]
    found = answers.similar(None, {"image": path}, 5, None)["neighbors"]
    expected = model.query([model.ids[3]], k=6).iloc[1:]
    assert [row["id"] for row in found] == expected["reference_label"].tolist()
    assert [row["distance"] for row in found] == pytest.approx(expected["distance"].tolist())
    assert [row["rank"] for row in found] == [1, 2, 3, 4, 5]
    assert answers.similar("again", {"image": str(model.ids[3])}, 5, None)["neighbors"] == found


def test_a_file_finds_itself(answers, model, tiny_images):
    path = model.images.paths[7]
    first = answers.similar(None, {"file": str(tiny_images / path)}, 3, None)["neighbors"][0]
    assert (first["path"], first["distance"]) == (path, 0.0)


def test_only_images_with_a_label(answers, model):
    label = model.images.labels[-1]
    found = answers.similar(None, {"image": model.images.paths[0]}, MOST, label)["neighbors"]
    assert {row["label"] for row in found} == {label}
    assert len(found) == 10


def test_a_picture_is_its_thumbnail(answers, model):
    assert answers.picture(None, model.images.paths[5]) == model.thumbnails([5])[0]


def test_rows_of_an_insight_come_page_by_page(answers):
    whole = answers.insight(None, "outliers", "images", MOST)
    assert whole["of"] == 40
    parts = [answers.insight(None, "outliers", "images", 15, offset)["rows"] for offset in (0, 15, 30, 45)]
    assert [len(part) for part in parts] == [15, 15, 10, 0]
    assert [row for part in parts for row in part] == whole["rows"]


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda a: a.similar(None, {}, 5, None), "one of image, file and text"),
        (lambda a: a.similar(None, {"image": "0", "text": "a car"}, 5, None), "one of image, file and text"),
        (lambda a: a.similar(None, {"image": "no/such.jpg"}, 5, None), "no reference image"),
        (lambda a: a.similar(None, {"file": "/no/such.jpg"}, 5, None), "/no/such.jpg"),
        (lambda a: a.similar(None, {"text": "a car"}, 5, None), "text tower"),
        (lambda a: a.similar("other", {"image": "0"}, 5, None), "no model 'other'"),
        (lambda a: a.similar(None, {"image": "0"}, 101, None), "1 to 100 rows"),
        (lambda a: a.similar(None, {"image": "0"}, 5, "unicorn"), "labelled 'unicorn'"),
        (lambda a: a.picture(None, "no/such.jpg"), "no reference image"),
        (lambda a: a.insight(None, "leaks"), "does not carry the insight 'leaks'.*imgsim leaks MODEL"),
        (lambda a: a.insight(None, "horoscope"), "no insight 'horoscope'"),
        (lambda a: a.insight(None, "outliers", "stars"), "no table 'stars'"),
        (lambda a: a.insight(None, "outliers", "images", 5, -1), "offset"),
    ],
)
def test_what_cannot_be_answered_is_told(answers, ask, message):
    with pytest.raises(imgsim.ImgsimError, match=message):
        ask(answers)
