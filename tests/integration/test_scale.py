"""A model of many pictures is made without ever holding the features of all."""

from pathlib import Path

import numpy as np

import imgsim
from imgsim.features import stored
from tests.benchmarks.scale import crops
from tests.sample_images import copy_sample

PICTURES, MORE, BLOCK = 900, 300, 512


class CountingStore(imgsim.FeatureStore):
    """A store that notes how many features it was asked for at once."""

    largest = 0

    def read_features(self, fingerprint, keys):
        self.largest = max(self.largest, len(keys))
        return super().read_features(fingerprint, keys)


def test_no_step_reads_more_features_than_a_block(tmp_path: Path, monkeypatch) -> None:
    photos = imgsim.load_images(copy_sample(tmp_path / "photos", views=6))
    crops(photos, tmp_path / "crops", PICTURES)
    whole = imgsim.create(tmp_path / "crops", backbone="mini", store=imgsim.FeatureStore(tmp_path / "store"))
    monkeypatch.setattr(stored, "BLOCK_ROWS", BLOCK)
    store = CountingStore(tmp_path / "store")
    model = imgsim.create(tmp_path / "crops", backbone="mini", store=store, refine=True)
    assert model.plain_embeddings.tobytes() == whole.embeddings.tobytes()
    crops(photos, tmp_path / "more", MORE, PICTURES)
    model.add(tmp_path / "more", store=store)  # a third more: the projection is fitted again
    model.save(tmp_path / "model.imgsim")
    assert 0 < store.largest <= BLOCK
    loaded = imgsim.load_model(tmp_path / "model.imgsim")
    assert np.array_equal(loaded.embeddings, model.embeddings)
    assert len(loaded) == PICTURES + MORE
