"""Photos prepared for training: decoded once, the teacher asked once, whatever kills or cuts files meanwhile."""

from pathlib import Path

import numpy as np
import pytest

import imgsim
from imgsim.backbones.mini.network import DIM
from training import photos as photos_module
from training.photos import PhotoSet, boxes, prepare
from training.teacher import Teacher

SEED = 0


def test_boxes_lie_inside_and_depend_on_view_and_seed_alone() -> None:
    assert (boxes(3, 0, SEED) == [0, 0, 1, 1]).all()
    found = boxes(500, 1, SEED)
    assert (found[:, :2] >= 0).all()
    assert (found[:, 2:] <= 1 + 1e-6).all()
    area = np.prod(found[:, 2:] - found[:, :2], axis=1)
    assert area.min() >= 0.29
    assert area.max() <= 1 + 1e-6
    assert (boxes(500, 1, SEED) == found).all()
    assert (boxes(500, 2, SEED) != found).any()
    assert (boxes(500, 1, SEED + 1) != found).any()


def test_prepared_photos(photo_set: PhotoSet, tiny_images: Path, teacher: Teacher) -> None:
    assert photo_set.pixels.shape == (40, 48, 48, 3)
    assert len(photo_set.rows) == 40
    assert len(photo_set.targets) == 2
    assert photo_set.targets[0].shape == (40, 1, DIM)
    table = imgsim.load_images(tiny_images)
    from imgsim.decoding.decode import decode

    whole = np.array(photos_module._cut(decode(table.read_bytes(7)), photo_set.boxes[0, 7], teacher.size))
    assert np.allclose(teacher.features(whole[None])[0], photo_set.targets[0][7], atol=0.02)


def test_a_killed_preparation_goes_on(
    tiny_images: Path, tmp_path: Path, teacher: Teacher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(photos_module, "CHUNK", 16)
    asked: list[int] = []
    features = Teacher.features

    def counted(self: Teacher, crops: np.ndarray) -> np.ndarray:
        if len(asked) == 2:
            asked.append(0)
            raise KeyboardInterrupt
        asked.append(len(crops))
        return features(self, crops)

    monkeypatch.setattr(Teacher, "features", counted)
    with pytest.raises(KeyboardInterrupt):
        prepare(imgsim.load_images(tiny_images), tmp_path, teacher, views=1, side=32, progress=False)
    found = prepare(imgsim.load_images(tiny_images), tmp_path, teacher, views=1, side=32, progress=False)
    assert asked == [16, 16, 0, 8]
    assert (np.abs(found.targets[0].astype(np.float32)).sum((1, 2)) > 0).all()
    prepare(imgsim.load_images(tiny_images), tmp_path, teacher, views=2, side=32, progress=False)
    assert asked[4:] == [16, 16, 8]  # only the new crop


def test_an_array_cut_while_it_was_made_is_made_anew(tiny_images: Path, tmp_path: Path, teacher: Teacher) -> None:
    made = prepare(imgsim.load_images(tiny_images), tmp_path, teacher, views=1, side=32, progress=False)
    view = next(tmp_path.glob("*/*/view-0.npy"))
    for path in (view, view.with_name("done-0.npy")):
        path.write_bytes(path.read_bytes()[:100])
    again = prepare(imgsim.load_images(tiny_images), tmp_path, teacher, views=1, side=32, progress=False)
    assert (again.targets[0] == made.targets[0]).all()


def test_answers_about_pictures_that_were_lost_are_asked_again(
    tiny_images: Path, tmp_path: Path, teacher: Teacher
) -> None:
    table = imgsim.load_images(tiny_images)
    made = prepare(table, tmp_path, teacher, views=1, side=32, progress=False)
    pixels, view = np.array(made.pixels), np.array(made.targets[0])
    for lost in ("pixels.npy", "view-0.npy"):
        next(tmp_path.rglob(lost)).unlink()
        again = prepare(table, tmp_path, teacher, views=1, side=32, progress=False)
        assert (again.pixels == pixels).all()
        assert (again.targets[0] == view).all()


def test_photos_that_cannot_be_decoded_are_left_out(tiny_images: Path, tmp_path: Path, teacher: Teacher) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    sources = sorted(tiny_images.rglob("*.jpg"))[:4]
    for source in sources:
        (folder / source.name).write_bytes(source.read_bytes())
    cut = folder / sources[0].name
    cut.write_bytes(cut.read_bytes()[:-400])
    found = prepare(imgsim.load_images(folder), tmp_path / "work", teacher, views=1, side=32, progress=False)
    assert found.rows.tolist() == [1, 2, 3]
    for path in folder.iterdir():
        path.write_bytes(cut.read_bytes())
    with pytest.raises(imgsim.ImgsimError, match="none of the 4 files"):
        prepare(imgsim.load_images(folder), tmp_path / "work", teacher, views=1, side=32, progress=False)
