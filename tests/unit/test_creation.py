from pathlib import Path

import numpy as np
import pytest

import imgsim
from imgsim.creation import assemble
from imgsim.features.embeddings import embed
from imgsim.features.extract import Features
from tests.text_models import colour_backbone, colour_images


def test_a_folder_is_enough(tiny_images, tiny_store):
    model = imgsim.create(tiny_images, store=tiny_store, backbone="mini", progress=False)
    assert len(model) == 40
    assert len(model.rejected) == 0


def test_black_and_white_find_their_own(tmp_path, rng):
    from PIL import Image

    for i in range(10):
        base = 20 if i < 5 else 235
        noise = rng.integers(-20, 20, (64, 64, 3)) + base
        Image.fromarray(noise.astype(np.uint8)).save(tmp_path / f"{i}.png")
    model = imgsim.create(tmp_path, backbone="mini", progress=False)
    frame = model.query(imgsim.load_images(tmp_path))
    assert len(frame) == 50
    assert ((frame["query_label"] < 5) == (frame["reference_label"] < 5)).all()
    assert len(model.similarity_graph()) == 50


def test_images_can_be_called_by_a_column(tiny_images, tiny_store):
    model = imgsim.create(
        imgsim.load_images(tiny_images), ids="path", store=tiny_store, backbone="mini", progress=False
    )
    path = model.images.paths[3]
    assert model.query(path, k=1)["reference_label"].tolist() == [path]
    assert model.ids[3] == path


@pytest.mark.parametrize(
    ("column", "message"), [("label", "unique"), ("nope", "no column"), ("mtime", "whole numbers or strings")]
)
def test_unsuitable_label_columns_are_refused(tiny_images, tiny_store, column, message):
    with pytest.raises((ValueError, TypeError), match=message):
        imgsim.create(imgsim.load_images(tiny_images), ids=column, store=tiny_store, backbone="mini", progress=False)


def test_bad_files_end_in_rejected(tiny_images, tmp_path):
    import shutil

    shutil.copytree(tiny_images, tmp_path / "c")
    good = next((tmp_path / "c").rglob("*.jpg")).read_bytes()
    (tmp_path / "c" / "half.jpg").write_bytes(good[: len(good) // 2])
    (tmp_path / "c" / "empty.jpg").write_bytes(b"")
    model = imgsim.create(tmp_path / "c", backbone="mini", progress=False)
    assert len(model) == 40
    assert dict(zip(model.rejected["path"], model.rejected["stage"], strict=True)) == {
        "empty.jpg": "header",
        "half.jpg": "decode",
    }
    assert len(set(model.ids.tolist())) == 40
    assert set(model.query(0, k=40)["reference_label"]) == set(model.images.ids.tolist())


def test_nothing_usable_is_an_error_that_says_so(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"")
    with pytest.raises(imgsim.ArgumentError, match=r"1 files were rejected, the first: a\.jpg"):
        imgsim.create(tmp_path, backbone="mini", progress=False)


def test_single_image(tiny_images, tmp_path):
    path = next(tiny_images.rglob("*.jpg"))
    model = imgsim.create(path, backbone="mini", progress=False)
    assert len(model.query(0)) == 1
    assert len(model.similarity_graph()) == 0
    model.save(tmp_path / "one.imgsim")
    assert len(imgsim.load_model(tmp_path / "one.imgsim").query(0)) == 1


class TestVectors:
    def test_ids_and_answers(self, rng):
        model = imgsim.create(embeddings=rng.random((5, 3)), ids=list("abcde"), progress=False)
        assert model.query("c", k=1)["reference_label"].tolist() == ["c"]

    @pytest.mark.parametrize(
        ("values", "ids", "message"),
        [
            (np.zeros((3, 2)), ["a", "a", "b"], "unique"),
            (np.zeros((3, 2)), ["a", "b"], "2 ids for 3"),
            (np.full((3, 2), np.nan), None, "row 0"),
            (np.zeros(3), None, r"\(n, d\)"),
            (np.zeros((0, 3)), None, "nothing to search"),
            (np.zeros((3, 2)), [1.5, 2.5, 3.5], "whole numbers or strings"),
        ],
    )
    def test_bad_vectors(self, values, ids, message):
        with pytest.raises((ValueError, TypeError), match=message):
            imgsim.create(embeddings=values, ids=ids, progress=False)

    def test_either_images_or_vectors(self, rng):
        with pytest.raises(imgsim.ArgumentError, match="either"):
            imgsim.create()
        with pytest.raises(imgsim.ArgumentError, match="either"):
            imgsim.create("folder", embeddings=rng.random((3, 3)))
        with pytest.raises(imgsim.ArgumentTypeError, match="name of a column"):
            imgsim.create("folder", ids=[1])
        with pytest.raises(imgsim.ArgumentError, match="another name of ids="):
            imgsim.create("folder", ids="path", label="path")


def test_input_vectors_are_not_changed(rng):
    values = rng.random((20, 4)).astype(np.float32)
    before = values.copy()
    imgsim.create(embeddings=values, progress=False).query(values)
    assert np.array_equal(values, before)
    values[0] = 7  # and stay the caller's to change


def test_raw_features_without_projection(tiny_images, tiny_store):
    model = imgsim.create(tiny_images, projection=None, store=tiny_store, backbone="mini", progress=False)
    assert model.embeddings.shape == (40, 2304)
    assert model.query(tiny_images / model.images.paths[2], k=1)["distance"].tolist() == [0.0]


def test_an_engine_is_not_a_name(tmp_path):
    with pytest.raises(imgsim.ArgumentTypeError, match=r"imgsim\.workers\.get_workers\('processes'\)"):
        imgsim.create(tmp_path, workers="processes")


def test_stages_that_were_saved_make_a_model_that_takes_words(tmp_path: Path) -> None:
    """As in the pipeline: each stage may run in another process, and the network is not at hand at the end."""
    store = imgsim.FeatureStore(tmp_path / "store")
    images = imgsim.load_images(colour_images(tmp_path / "images"))
    imgsim.extract_features(images, colour_backbone(), store).save(tmp_path / "features")
    features = Features.load(tmp_path / "features", store)
    vectors = embed(features.matrix, 8)
    graph = imgsim.build_graph(vectors.matrix, 3)
    model = imgsim.SimilarityModel(assemble(features.images, features, vectors, graph, None, store))
    found = model.query(text="a blue car", k=4)
    assert {model.images.labels[row] for row in found["reference_label"]} == {"blue"}
