import shutil

import numpy as np
import pytest
from PIL import Image

import imgsim
import imgsim.features.compute
import imgsim.features.extract
from imgsim.features.compute import image_pixels
from imgsim.features.extract import Features
from tests.sample_images import copy_sample


@pytest.fixture
def copy(tiny_images, tmp_path):
    shutil.copytree(tiny_images, tmp_path / "copy")
    return tmp_path / "copy"


@pytest.fixture
def store(tmp_path, tiny_model, tiny_store):
    """An empty store that already has the exported network."""
    shutil.copytree(tiny_store.root / "backbones", tmp_path / "store" / "backbones")
    return imgsim.FeatureStore(tmp_path / "store")


def extract(folder, store, **options) -> Features:
    return imgsim.extract_features(imgsim.load_images(folder), imgsim.get_backbone("mini"), store, **options)


def test_nothing_is_computed_twice(copy, store):
    first = extract(copy, store)
    assert (first.stats["computed"], first.stats["reused"]) == (40, 0)
    again = extract(copy, store)
    assert (again.stats["computed"], again.stats["reused"]) == (0, 40)
    assert np.array_equal(first.matrix, again.matrix)


def test_renamed_and_duplicate_files_cost_nothing(copy, store):
    extract(copy, store)
    files = sorted(copy.rglob("*.jpg"))
    shutil.copy(files[0], copy / "twin.jpg")
    files[1].rename(copy / "renamed.jpg")
    features = extract(copy, store)
    assert features.stats["computed"] == 0
    assert len(features.images) == 41


def test_one_new_file_costs_one(copy, store):
    extract(copy, store)
    copy_sample(copy.parent / "new", views=1, kinds=["cone"])
    shutil.copy(next((copy.parent / "new").rglob("*.jpg")), copy / "new.jpg")
    assert extract(copy, store).stats["computed"] == 1


def test_result_does_not_depend_on_workers_or_batch(copy, tiny_store, store):
    one = extract(copy, store, threads=1, batch_size=1)
    assert np.array_equal(one.matrix, extract(copy, tiny_store, threads=4).matrix)


@pytest.mark.parametrize(("accident", "kept"), [(KeyboardInterrupt, 16), (MemoryError, 12)])
def test_an_interrupted_run_keeps_what_it_computed_a_dead_one_what_it_stored(copy, store, monkeypatch, accident, kept):
    monkeypatch.setattr(imgsim.features.compute, "PART_ROWS", 12)
    images = imgsim.load_images(copy)
    original, calls = imgsim.features.compute.thumbnail, []

    def dies(*arguments):
        calls.append(1)
        if len(calls) > 20:
            raise accident
        return original(*arguments)

    monkeypatch.setattr(imgsim.features.compute, "thumbnail", dies)
    with pytest.raises(accident):
        imgsim.extract_features(images, imgsim.get_backbone("mini"), store, threads=1)
    monkeypatch.setattr(imgsim.features.compute, "thumbnail", original)
    assert extract(copy, store).stats["computed"] == 40 - kept


def test_files_that_vanish_or_change_are_rejected_with_their_reason(copy, store):
    images = imgsim.load_images(copy)
    (copy / images.paths[0]).unlink()
    shutil.copy(copy / images.paths[5], copy / images.paths[1])
    features = imgsim.extract_features(images, imgsim.get_backbone("mini"), store)
    assert len(features.images) == len(features.matrix) == 38
    reasons = features.images.rejected.set_index("path")
    assert reasons.loc[images.paths[0], "stage"] == "read"
    assert "changed after it was scanned" in reasons.loc[images.paths[1], "reason"]


def test_undecodable_files_are_remembered_not_tried_again(copy, store, monkeypatch):
    path = sorted(copy.rglob("*.jpg"))[3]
    path.write_bytes(path.read_bytes()[:-900])
    first = extract(copy, store).images.rejected
    monkeypatch.setattr(imgsim.features.compute, "decode", None)  # would fail if called
    again = extract(copy, store)
    assert again.images.rejected.equals(first)
    assert first["stage"].tolist() == ["decode"]
    assert len(again.images) == 39


def test_saved_features_come_back(copy, store, tmp_path):
    features = extract(copy, store)
    features.save(tmp_path / "saved")
    loaded = Features.load(tmp_path / "saved", store)
    assert loaded.digest == features.digest
    assert np.array_equal(loaded.matrix, features.matrix)
    elsewhere = Features.load(tmp_path / "saved", imgsim.FeatureStore(tmp_path / "other"))
    assert elsewhere.vectors.missing() == 40
    with pytest.raises(imgsim.ModelFormatError, match="no longer in"):
        _ = elsewhere.matrix


def test_batched_engines_give_each_image_its_own_row(copy, store, monkeypatch):
    class Batched:
        batched = True

        def __call__(self, pixels):
            return pixels.reshape(len(pixels), -1)[:, :7].astype(np.float32)

    monkeypatch.setattr(imgsim.features.compute, "make_runtime", lambda *_: Batched())
    features = extract(copy, store, batch_size=7)
    for row in (0, 6, 7, 39):
        _, pixels = image_pixels(features.images.read_bytes(row), features.backbone)
        assert np.array_equal(features.matrix[row], pixels.reshape(-1)[:7])


@pytest.mark.parametrize("batch_size", [0, -1, 1.5])
def test_bad_batch_size(copy, store, batch_size):
    with pytest.raises((ValueError, TypeError), match="batch_size must be"):
        extract(copy, store, batch_size=batch_size)


def test_a_file_that_memory_did_not_suffice_for_is_tried_again(tmp_path, store, monkeypatch):
    from imgsim.decoding import decode

    def no_memory(*_):
        raise MemoryError

    (tmp_path / "large").mkdir()
    Image.linear_gradient("L").save(tmp_path / "large" / "large.png")
    with monkeypatch.context() as scarce:
        scarce.setattr(decode, "_rgb", no_memory)
        (rejected,) = extract(tmp_path / "large", store).images.rejected.to_dict("records")
    assert (rejected["stage"], rejected["reason"]) == ("read", "too little memory to decode this PNG")
    assert len(extract(tmp_path / "large", store).matrix) == 1


@pytest.mark.parametrize("table", ["features", "thumbnails"])
def test_what_a_deleted_part_held_comes_back_whole(copy, store, table):
    first = extract(copy, store)
    for part in (store.root / table).rglob("*.parquet"):
        part.unlink()
    again = extract(copy, store)
    assert again.stats["computed"] == 40
    assert np.array_equal(first.matrix, again.matrix)
    assert None not in store.read_thumbnails(again.images.sha256)


def test_damage_found_while_features_are_read_is_mended_at_once(copy, store):
    first = extract(copy, store)
    (part,) = (store.root / "features").rglob("*.parquet")
    data = bytearray(part.read_bytes())
    data[len(data) // 2] ^= 1
    part.write_bytes(data)
    with pytest.warns(UserWarning, match="is damaged"):
        again = extract(copy, store)
    assert np.array_equal(first.matrix, again.matrix)
    assert again.images.rejected.empty


def test_pictures_that_a_network_gives_nan_for_are_rejected_by_name(copy, store, monkeypatch):
    class Batched:
        batched = True

        def __call__(self, pixels):
            values = pixels.reshape(len(pixels), -1)[:, :7].astype(np.float32)
            values[values[:, 0] > np.median(values[:, 0])] = np.inf
            return values

    monkeypatch.setattr(imgsim.features.compute, "make_runtime", lambda *_: Batched())
    features = extract(copy, store, batch_size=40)
    rejected = features.images.rejected
    assert np.isfinite(features.matrix).all()
    assert len(features.matrix) + len(rejected) == 40
    assert set(rejected["stage"]) == {"network"}
    assert set(rejected["reason"]) == {"mini gives NaN or infinity for this picture"}
    assert store.undecodable.find(features.images.sha256)[1] is None


def test_features_of_other_decoders_have_another_digest(copy, store, monkeypatch):
    features = extract(copy, store)
    before = features.digest
    monkeypatch.setattr(imgsim.features.extract, "decoding_version", lambda kind: f"{kind} 99")
    assert features.digest != before


def test_a_suspect_that_time_did_not_suffice_for_stays_a_suspect(copy, store, monkeypatch):
    from imgsim.decoding import subprocess_check
    from imgsim.decoding.crash_journal import journal

    images = imgsim.load_images(copy)
    with journal() as notes:
        notes._note(images.sha256[0])
        (path,) = [p for p in (imgsim.io.home.home() / "inflight").iterdir() if not p.suffix]
        kept = path.read_bytes()
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(kept)
    path.with_suffix(".lock").touch()
    monkeypatch.setattr(subprocess_check, "SECONDS", 0.01)
    (rejected,) = extract(copy, store).images.rejected.to_dict("records")
    assert "took more than" in rejected["reason"]
    assert rejected["stage"] == "read"
    monkeypatch.undo()
    assert len(extract(copy, store).matrix) == 40
