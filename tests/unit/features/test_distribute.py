from multiprocessing.reduction import ForkingPickler

import numpy as np
import pytest

import imgsim
from imgsim.features.content.table import ContentTable
from imgsim.features.distribute import extract_by
from imgsim.images.table import ImageTable
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


class Elsewhere:
    """Workers that get pickled pieces, as other processes do, and count what they get and what they look up."""

    def __init__(self, monkeypatch):
        self.sent, self.looked_up = [], 0
        self._monkeypatch = monkeypatch

    def map(self, function, pieces):
        def locate(table, pool, keys, real=ContentTable._locate):
            self.looked_up += len(keys)
            return real(table, pool, keys)

        self.sent = [bytes(ForkingPickler.dumps(piece)) for piece in pieces]
        for piece in self.sent:
            with self._monkeypatch.context() as counting:
                counting.setattr(ContentTable, "_locate", locate)
                function(ForkingPickler.loads(piece))
            yield


def test_workers_look_nothing_up_and_get_no_more_than_their_images(tiny_images, tmp_path, monkeypatch):
    images, backbone = imgsim.load_images(tiny_images), imgsim.get_backbone("mini")
    reason = "a reason that is long enough to be seen " * 5
    rejected = [{"path": f"{i}.jpg", "stage": "header", "reason": f"{i} {reason}"} for i in range(2000)]
    skipped = [{"path": f"{i}.txt", "reason": reason} for i in range(2000)]
    littered = ImageTable(images.table, rejected, images.root, skipped)
    workers, store = Elsewhere(monkeypatch), imgsim.FeatureStore(tmp_path / "store")
    features = extract_by(workers, littered, backbone, store, piece=8)
    assert len(workers.sent) == 5
    assert sum(map(len, workers.sent)) < len(images) * 1000  # the rejected rows alone are 10 times as much
    assert workers.looked_up == 0
    assert features.stats["computed"] == len(images)
    assert len(features.images.rejected) == 2000
    again = Elsewhere(monkeypatch)
    assert np.array_equal(extract_by(again, littered, backbone, store, piece=8).matrix, features.matrix)
    assert again.sent == []


def test_pieces_grow_with_the_images_alone(tiny_images, tmp_path, monkeypatch):
    images, backbone = imgsim.load_images(tiny_images), imgsim.get_backbone("mini")
    sizes = []
    for count in (20, 40):
        workers = Elsewhere(monkeypatch)
        extract_by(workers, images[:count], backbone, imgsim.FeatureStore(tmp_path / str(count)), piece=4)
        sizes.append(sum(map(len, workers.sent)))
    assert sizes[1] == pytest.approx(2 * sizes[0], rel=0.05)
