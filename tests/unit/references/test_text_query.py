"""Queries in words: which images they find, how texts and pictures mix, and what is refused."""

import copy
import pickle  # noqa: TID251
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import imgsim
from tests.text_models import COLOURS, colour_backbone, colour_images, colour_model


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return colour_images(tmp_path_factory.mktemp("colours") / "images")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> imgsim.FeatureStore:
    return imgsim.FeatureStore(tmp_path_factory.mktemp("store"))


@pytest.fixture(scope="module")
def model(folder: Path, store: imgsim.FeatureStore) -> imgsim.SimilarityModel:
    return colour_model(folder, store, ids="path")


def rows_of(model: imgsim.SimilarityModel) -> np.ndarray:
    return np.asarray(model.references.text.rows, np.float64)


@pytest.mark.parametrize("name", COLOURS)
def test_a_text_finds_its_pictures(model: imgsim.SimilarityModel, name: str) -> None:
    found = model.query(text=f"a {name.upper()} car", k=4)
    assert [label.split("/")[0] for label in found["reference_label"]] == [name] * 4
    vector = model.references.text.texts([f"a {name} car"])[0].astype(np.float64)
    expected = np.sort(np.linalg.norm(rows_of(model) - vector, axis=1))[:4]
    np.testing.assert_allclose(found["distance"], expected, atol=1e-5)


def test_each_text_of_a_list_is_a_query(model: imgsim.SimilarityModel) -> None:
    found = model.query(text=["red", {"blue": 2.0}], k=1, ids=["one", "two"])
    assert found["query_label"].tolist() == ["one", "two"]
    assert [label.split("/")[0] for label in found["reference_label"]] == ["red", "blue"]
    np.testing.assert_allclose(found["distance"][1], model.query(text="blue", k=1)["distance"][0], atol=1e-6)


def test_the_other_arguments_hold_for_texts_too(model: imgsim.SimilarityModel) -> None:
    assert len(model.query(text="red", k=None)) == len(model)
    near = model.query(text="red", k=None, radius=0.5)
    assert set(near["distance"] <= 0.5) == {True}
    assert [label.split("/")[0] for label in near["reference_label"]] == ["red"] * 4
    other = model.query(text="red", k=2, among=["blue"])
    assert [label.split("/")[0] for label in other["reference_label"]] == ["blue"] * 2


def test_pictures_and_texts_mix(model: imgsim.SimilarityModel, folder: Path) -> None:
    row = model.ids.tolist().index("red/red_1.png")
    words = model.references.text.texts(["green", "red"]).astype(np.float64)
    expected = rows_of(model)[row] + 1.5 * words[0] - 0.5 * words[1]
    expected /= np.linalg.norm(expected)
    distances = np.sort(np.linalg.norm(rows_of(model) - expected, axis=1))
    data = (folder / "red" / "red_1.png").read_bytes()
    text = {"green": 1.5, "red": -0.5}
    for x in ("red/red_1.png", folder / "red" / "red_1.png", data):
        found = model.query(x, text=text, k=None)
        np.testing.assert_allclose(found["distance"], distances, atol=1e-5)
    raw = rows_of(model)[[row]].astype(np.float32) * 7  # a feature of any length
    np.testing.assert_allclose(model.query(raw, text=text, k=None)["distance"], distances, atol=1e-5)


def test_a_new_picture_and_a_text(model: imgsim.SimilarityModel) -> None:
    picture = np.full((30, 30, 3), (200, 30, 30), np.uint8)
    plain = model.query(picture, text={"red": 1e-9}, k=1)
    assert plain["reference_label"][0].startswith("red")
    assert model.query(picture, text={"red": -1, "blue": 3}, k=1)["reference_label"][0].startswith("blue")


def test_one_text_for_all_pictures_or_one_for_each(model: imgsim.SimilarityModel) -> None:
    pictures = ["red/red_0.png", "blue/blue_0.png"]
    pairs = model.query(pictures, text=["green", "red"], k=3)
    for position, (picture, word) in enumerate(zip(pictures, ["green", "red"], strict=True)):
        alone = model.query(picture, text=word, k=3)
        np.testing.assert_allclose(pairs["distance"][pairs["query_label"] == position], alone["distance"], atol=1e-6)
    assert len(model.query(pictures, text="green", k=3)) == 6
    with pytest.raises(imgsim.ArgumentError, match="3 texts for 2 pictures"):
        model.query(pictures, text=["a", "b", "c"])


@pytest.mark.parametrize(
    ("arguments", "error", "reason"),
    [
        ({}, imgsim.ArgumentTypeError, "cannot search for nothing"),
        ({"text": ""}, imgsim.ArgumentError, "text is empty"),
        ({"text": " \n"}, imgsim.ArgumentError, "text is empty"),
        ({"text": "x" * 10_001}, imgsim.ArgumentError, "10,001 characters"),
        ({"text": "\ud800"}, imgsim.ArgumentError, "surrogate"),
        ({"text": []}, imgsim.QueryError, "empty"),
        ({"text": {}}, imgsim.QueryError, "empty"),
        ({"text": 5}, imgsim.ArgumentTypeError, "not int"),
        ({"text": ["red", None]}, imgsim.ArgumentTypeError, "not NoneType"),
        ({"text": {"red": "1"}}, imgsim.ArgumentTypeError, "weight of 'red'"),
        ({"text": {"red": True}}, imgsim.ArgumentTypeError, "weight of 'red'"),
        ({"text": {"red": float("nan")}}, imgsim.ArgumentError, "from -1,000,000 to"),
        ({"text": {"red": 10**400}}, imgsim.ArgumentError, "from -1,000,000 to"),
        ({"text": {"red": 0}}, imgsim.QueryError, "adds up to nothing"),
        ({"text": {"red": 1, "Red": -1}}, imgsim.QueryError, "query 0 adds up to nothing"),
        ({"x": "red/red_0.png", "text": "red", "k": 0}, imgsim.ArgumentError, "k must be"),
        ({"x": np.zeros((1, 7), np.float32), "text": "red"}, imgsim.QueryError, "7 values; this model's have 3"),
        ({"text": "red", "ids": "path"}, imgsim.ArgumentError, "must be an ImageTable"),
    ],
)
def test_what_cannot_be_asked(
    model: imgsim.SimilarityModel, arguments: dict[str, Any], error: type, reason: str
) -> None:
    with pytest.raises(error, match=reason):
        model.query(**arguments)


def test_a_model_without_words_says_so(tiny_model: imgsim.SimilarityModel) -> None:
    with pytest.raises(imgsim.BackboneError, match=r"no text tower, so it cannot be asked in words\. Create the model"):
        tiny_model.query(text="red")
    with pytest.raises(imgsim.BackboneError, match="no text tower"):
        tiny_model.classify(["red", "blue"])


def test_a_tower_that_cannot_be_exported_is_left_out_with_a_warning(folder: Path, tmp_path: Path) -> None:
    def broken() -> Any:
        raise imgsim.BackboneError("its tokenizer is not there.")

    backbone = replace(colour_backbone(name="half"), text=broken)
    with pytest.warns(UserWarning, match=r"its tokenizer is not there\. The model cannot be asked in words"):
        half = colour_model(folder, imgsim.FeatureStore(tmp_path / "s"), backbone=backbone)
    assert len(half.query(0)) == 5
    with pytest.raises(imgsim.BackboneError, match="holds no text tower, though its network half has one"):
        half.query(text="red")


def same_answers(one: imgsim.SimilarityModel, other: imgsim.SimilarityModel) -> bool:
    queries = ["red", {"a blue car": 1, "green": -0.25}]
    return one.query(text=queries).equals(other.query(text=queries))


def test_saved_copied_and_pickled_models_answer_alike(model: imgsim.SimilarityModel, tmp_path: Path) -> None:
    model.save(tmp_path / "m.imgsim")
    loaded = imgsim.load_model(tmp_path / "m.imgsim")
    assert loaded.digest == model.digest
    assert loaded.backbone.has_text
    assert loaded.references.text.rows.base is not None  # memory-mapped
    for other in (loaded, copy.copy(loaded), pickle.loads(pickle.dumps(loaded)), copy.deepcopy(loaded)):
        assert same_answers(other, model)
    loaded.save(tmp_path / "again.imgsim")
    assert same_answers(imgsim.load_model(tmp_path / "again.imgsim"), model)


def test_the_text_tower_is_opened_when_it_is_asked(model: imgsim.SimilarityModel, tmp_path: Path) -> None:
    model.save(tmp_path / "m.imgsim")
    loaded = imgsim.load_model(tmp_path / "m.imgsim")
    loaded.query("red/red_0.png")
    assert loaded.references.text._tower is None
    loaded.query(text="red")
    assert loaded.references.text._tower is not None


def test_added_and_removed_images_are_found_by_words(folder: Path, store: imgsim.FeatureStore, tmp_path: Path) -> None:
    whole = colour_model(folder, store)
    part = colour_model(folder, store)
    gone = [row for row, label in enumerate(whole.images.labels) if label == "red"]
    part.remove(gone)
    assert part.references.text.rows.shape == (8, 3)
    assert "red" not in [
        part.images.labels[int(part.references.rows_of_ids([i])[0])] for i in part.query(text="red")["reference_label"]
    ]
    part.save(tmp_path / "part.imgsim")
    grown = imgsim.load_model(tmp_path / "part.imgsim")
    grown.add(folder / "red", store=store)
    found = grown.query(text="red", k=4)
    np.testing.assert_allclose(found["distance"], whole.query(text="red", k=4)["distance"], atol=1e-6)
    assert len(grown.references.text.rows) == len(grown)


def test_vectors_are_raw_features_of_length_one(model: imgsim.SimilarityModel, store: imgsim.FeatureStore) -> None:
    _, features = store.read_features(model.backbone.fingerprint, model.images.sha256)
    np.testing.assert_allclose(rows_of(model), features / np.linalg.norm(features, axis=1, keepdims=True), atol=1e-6)
    assert not model.references.text.rows.flags.writeable


def test_a_picture_of_answers_to_words(model: imgsim.SimilarityModel) -> None:
    assert model.show(text=["red", "blue"], k=3).height > model.show(text="red", k=3).height
    assert model.show("red/red_0.png", text="blue", k=3).width > 0
