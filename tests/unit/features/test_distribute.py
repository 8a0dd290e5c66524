import numpy as np
import pytest

import imgsim
from imgsim.features.distribute import extract_by
from imgsim.workers import Processes


@pytest.mark.slow
def test_workers_fill_the_store_and_broken_files_are_reported(tiny_images, tiny_store, tiny_model, tmp_path):
    for i, path in enumerate(sorted(tiny_images.rglob("*.jpg"))[:9]):
        (tmp_path / f"{i}.jpg").write_bytes(path.read_bytes())
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 not a picture")
    images, backbone = imgsim.load_images(tmp_path), imgsim.get_backbone("mini")
    store = imgsim.FeatureStore(tmp_path / "store")
    features = extract_by(Processes(2), images, backbone, store, piece=4)
    here = imgsim.extract_features(images, backbone, imgsim.FeatureStore(tmp_path / "other"))
    assert np.array_equal(features.matrix, here.matrix)
    assert features.images.rejected.equals(here.images.rejected)
    assert len(features.matrix) == 9
    assert features.stats["computed"] == here.stats["computed"]
    again = extract_by(Processes(2), images, backbone, store, piece=4)
    assert (again.stats["computed"], again.stats["reused"]) == (
        len(images) - again.stats["reused"],
        again.stats["reused"],
    )
    assert np.array_equal(again.matrix, features.matrix)
