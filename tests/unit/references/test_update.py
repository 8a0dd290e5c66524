import shutil

import pytest

import imgsim
from tests.sample_images import copy_sample


def test_add_then_remove_returns_to_the_start(tiny_images, tiny_store, tmp_path):
    model = imgsim.create(tiny_images, store=tiny_store, progress=False)
    before = model.similarity_graph(k=10)
    copy_sample(tmp_path / "more", views=2, kinds=["cone"])
    (tmp_path / "more" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    model.add(tmp_path / "more", store=tiny_store)
    assert model.ids.tolist() == list(range(42))
    assert model.rejected["path"].tolist() == ["broken.png"]
    added = tmp_path / "more" / model.images.paths[41]
    assert model.query(added, k=1)["reference_label"].tolist() == [41]
    assert None not in model.thumbnails(range(42))
    model.remove([40, 41])
    assert model.similarity_graph(k=10).equals(before)


def test_a_loaded_model_can_grow_and_be_saved_again(tiny_model, tiny_images, tmp_path):
    tiny_model.save(tmp_path / "m")
    model = imgsim.load_model(tmp_path / "m")
    shutil.copy(next(tiny_images.rglob("*.jpg")), tmp_path / "twin.jpg")
    model.add(tmp_path / "twin.jpg")
    assert model.query(40, k=2)["distance"].tolist() == [0, 0]
    model.save(tmp_path / "grown")
    assert len(imgsim.load_model(tmp_path / "grown")) == 41


def test_what_cannot_be_added_or_removed_says_why(tiny_images, tiny_store, tmp_path):
    model = imgsim.create(tiny_images, store=tiny_store, progress=False)
    with pytest.raises(imgsim.ArgumentError, match="no images to add"):
        model.add(tmp_path)
    with pytest.raises(imgsim.ArgumentError, match="999"):
        model.remove(999)
    with pytest.raises(imgsim.ArgumentError, match="at least one"):
        model.remove(model.ids)
    assert len(model) == 40
