from copy import copy

import numpy as np
import pytest

import imgsim
from imgsim.features.learnt import Learning


@pytest.fixture(scope="module")
def learnt(tiny_model, tiny_store):
    return tiny_model.learn(store=tiny_store, others="ignore")


def test_the_old_model_is_untouched(tiny_model, learnt):
    assert tiny_model.references.learning is None
    assert learnt.images is tiny_model.images
    assert learnt.graph.k == tiny_model.graph.k
    assert learnt.references.learning.classes == ("bricks", "cube", "sphere", "torus")


def test_a_stored_picture_is_at_distance_0_from_itself(learnt):
    for row in (0, 17, 39):
        assert learnt.query(learnt.images.location(row), k=1)["distance"].tolist() == [0]


def test_saved_and_loaded_it_is_the_same_model(learnt, tmp_path):
    learnt.save(tmp_path / "m")
    loaded = imgsim.load_model(tmp_path / "m")
    assert (loaded.digest, loaded.revision) == (learnt.digest, learnt.revision)
    assert loaded.references.learning.digest == learnt.references.learning.digest
    assert loaded.evaluate().metrics == learnt.evaluate().metrics
    assert copy(loaded).references.learning.labels == learnt.references.learning.labels


def test_the_record_of_other_images_is_refused(learnt, tmp_path):
    learnt.references.learning.save(tmp_path)
    with pytest.raises(imgsim.ModelFormatError, match="it is of 40 images, not 39"):
        Learning.load(tmp_path, 39)


def test_the_summary_says_what_was_learnt(learnt):
    assert learnt.summary("dict")["Embedding"]["learnt"].startswith("40 images of 4 labels")


def test_added_images_keep_the_projection_and_removed_ones_too(learnt, tiny_store):
    model = copy(learnt)
    model.remove([39])
    before = model.projection
    model.add(learnt.images[[39]], store=tiny_store)
    assert model.projection is before
    record = model.references.learning
    assert record.held_out is None
    assert record.folds[-1] == -1
    assert record.folds[:39].min() >= 0
    assert np.array_equal(model.embeddings, learnt.embeddings)


def test_create_learns_as_well(tiny_images, tiny_store, learnt):
    model = imgsim.create(tiny_images, store=tiny_store, backbone="mini", progress=False, learn="labels")
    assert model.references.learning.labels == learnt.references.learning.labels
    refined = imgsim.create(tiny_images, store=tiny_store, backbone="mini", progress=False, learn="labels", refine=True)
    assert np.array_equal(refined.plain_embeddings, model.embeddings)
    assert refined.references.learning.digest == model.references.learning.digest


def test_without_a_projection_nothing_can_be_learnt(tiny_images, tiny_store):
    with pytest.raises(imgsim.ArgumentError, match="in place of the projection"):
        imgsim.create(tiny_images, store=tiny_store, projection=None, learn="labels", progress=False)
    with pytest.raises(imgsim.ArgumentError, match="learn must be"):
        imgsim.create(tiny_images, store=tiny_store, learn="folders", progress=False)
