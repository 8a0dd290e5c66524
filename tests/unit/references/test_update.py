import shutil
import sys
from collections import Counter
from copy import copy
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import imgsim
from imgsim.backbones.openvino_runtime import bf16_obstacle
from imgsim.decisions import open_decisions, with_decided_labels
from imgsim.features.content.table import ContentTable
from imgsim.insights.duplicates.cleanup import write_plan_script
from imgsim.neighbors.graph import build_graph
from tests.sample_images import copy_sample

needs_bf16 = pytest.mark.skipif(bool(bf16_obstacle()), reason=f"no bf16: {bf16_obstacle()}")


def test_add_then_remove_returns_to_the_start(tiny_images, tiny_store, tmp_path):
    model = imgsim.create(tiny_images, store=tiny_store, backbone="mini", progress=False)
    before = model.similarity_graph(k=10)
    copy_sample(tmp_path / "more", views=2, kinds=["cone"])
    (tmp_path / "more" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    model.add(tmp_path / "more", store=tiny_store)
    assert model.ids.tolist() == list(range(42))
    assert [Path(model.images.root, path) for path in model.rejected["path"]] == [tmp_path / "more" / "broken.png"]
    added = model.images.location(41)
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


class TestUpdate:
    """The model holds what the source holds now, as if it was made of it with the old projection."""

    @pytest.fixture
    def folder(self, tmp_path):
        copy_sample(tmp_path / "photos", views=4)
        return tmp_path / "photos"

    def test_new_gone_moved_and_changed_files(self, folder, tiny_store):
        model = imgsim.create(folder, store=tiny_store, backbone="mini", projection=8, progress=False)
        files = sorted(folder.rglob("*.jpg"))
        ids = dict(zip(model.images.paths, model.ids.tolist(), strict=True))
        vectors = dict(zip(model.images.paths, model.embeddings.copy(), strict=True))
        gone, moved, changed = files[0], files[5], files[9]
        gone.unlink()
        (folder / "other").mkdir()
        moved.rename(folder / "other" / moved.name)
        Image.open(changed).transpose(Image.Transpose.ROTATE_90).save(changed)
        copy_sample(folder / "more", views=2, kinds=["cone"])
        (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
        count = len(list(folder.rglob("*.jpg")))
        found = model.update(folder, store=tiny_store)
        assert (found.added, found.removed, found.images) == (count - len(files) + 3, 3, count)
        assert sorted(Path(folder, path) for path in model.images.paths) == sorted(folder.rglob("*.jpg"))
        assert model.rejected["path"].tolist() == ["broken.png"]
        stayed = {str(file.relative_to(folder)) for file in files if file not in (gone, moved, changed)}
        for path, one, vector in zip(model.images.paths, model.ids.tolist(), model.embeddings, strict=True):
            assert (ids[path] == one and (vectors[path] == vector).all()) if path in stayed else one >= len(files)
        exact = build_graph(model.embeddings, model.graph.k, "exact")
        assert (model.graph.neighbors == exact.neighbors).all()
        assert model.evaluation is None

    def test_nothing_new_changes_no_byte_of_the_embeddings(self, folder, tiny_store, tmp_path):
        model = imgsim.create(folder, store=tiny_store, backbone="mini", progress=False)
        model.save(tmp_path / "m")
        loaded = imgsim.load_model(tmp_path / "m")
        found = loaded.update(folder, store=tiny_store)
        assert (found.added, found.removed) == (0, 0)
        assert loaded.evaluation.metrics == model.evaluation.metrics
        assert loaded.digest == model.digest
        assert loaded.images.root == str(folder), "a saved model does not know it; a source does"

    def test_labels_are_those_of_the_source_unless_people_decided(self, folder, tiny_store, tmp_path):
        decisions = open_decisions(tmp_path / "decisions.db")
        images = imgsim.load_images(folder)
        decisions.set_label(images.sha256[0], "mine")
        plain = imgsim.create(images, store=tiny_store, backbone="mini", progress=False)
        decided = imgsim.create(images, store=tiny_store, backbone="mini", progress=False, decisions=decisions)
        other = imgsim.load_images(folder, labels="none")
        plain.update(other, store=tiny_store)
        assert plain.evaluation is None, "it measured other labels"
        decided.update(other, store=tiny_store)
        assert set(plain.images.labels) == {None}
        assert [decided.images.labels[0], *set(decided.images.labels[1:])] == ["mine", None]
        assert decided.images.decisions

    def test_decisions_of_the_source_are_newer(self, folder, tiny_store, tmp_path):
        images, decisions = imgsim.load_images(folder), open_decisions(tmp_path / "decisions.db")
        decisions.set_label(images.sha256[0], "first")
        model = imgsim.create(images, store=tiny_store, backbone="mini", progress=False, decisions=decisions)
        decisions.set_label(images.sha256[:2], "second")
        model.update(with_decided_labels(images, decisions), store=tiny_store)
        assert list(model.images.labels[:3]) == ["second", "second", images.labels[2]]
        plain = imgsim.create(images, store=tiny_store, backbone="mini", progress=False)
        plain.update(with_decided_labels(images, decisions), store=tiny_store)
        assert plain.images.decisions == model.images.decisions

    def test_another_id_of_a_column_is_another_image(self, folder, tiny_store, tmp_path):
        table = pd.DataFrame({"path": map(str, sorted(folder.rglob("*.jpg")))})
        table["label"] = [f"name {row}" for row in range(len(table))]
        model = imgsim.create(table, "label", store=tiny_store, backbone="mini", progress=False)
        table.loc[3, "label"] = "renamed"
        found = model.update(table, store=tiny_store)
        assert (found.added, found.removed) == (1, 1)
        assert sorted(model.ids) == sorted(table["label"])

    @pytest.mark.parametrize("ids", [None, "id"])
    def test_the_order_of_a_source_is_no_change(self, folder, tiny_store, ids):
        files = sorted(map(str, folder.rglob("*.jpg")))
        model = imgsim.create(imgsim.load_images(files), ids, store=tiny_store, backbone="mini", progress=False)
        found = model.update(imgsim.load_images(files[::-1]), store=tiny_store)
        assert (found.added, found.removed) == (0, 0)
        assert [str(Path(model.images.root, path)) for path in model.images.paths] == files

    def test_a_copy_of_the_folder_is_the_same_source(self, folder, tiny_store, tmp_path):
        model = imgsim.create(folder, store=tiny_store, backbone="mini", progress=False)
        shutil.copytree(folder, tmp_path / "copy")
        copy_sample(tmp_path / "copy" / "more", views=2, kinds=["cone"])
        found = model.update(tmp_path / "copy", store=tiny_store)
        assert (found.added, found.removed) == (2, 0)
        assert model.images.root == str(tmp_path / "copy")
        assert sorted(model.images.paths) == sorted(imgsim.load_images(tmp_path / "copy").paths)

    def test_a_file_that_is_listed_twice(self, folder, tiny_store):
        files = sorted(map(str, folder.rglob("*.jpg")))
        twice = [*files, files[0], files[0]]
        model = imgsim.create(imgsim.load_images(twice), store=tiny_store, backbone="mini", progress=False)
        found = model.update(imgsim.load_images(twice), store=tiny_store)
        assert (found.added, found.removed) == (0, 0)
        found = model.update(imgsim.load_images([*files, files[0]]), store=tiny_store)
        assert (found.added, found.removed) == (0, 1)
        assert Counter(model.images.paths).most_common(1) == [(str(Path(files[0]).relative_to(folder)), 2)]

    @pytest.mark.parametrize(("path", "stage", "kept"), [("cube", "list", 4), ("cube/cube_00.jpg", "read", 1)])
    def test_what_could_not_be_read_is_not_gone(self, folder, tiny_store, path, stage, kept):
        images = imgsim.load_images(folder)
        model = imgsim.create(images, store=tiny_store, backbone="mini", progress=False)
        rest = images[[row for row, label in enumerate(images.labels) if label != "cube"]]
        found = model.update(
            rest.with_rejected([{"path": path, "stage": stage, "reason": "permission denied"}]), store=tiny_store
        )
        assert found.removed == 4 - kept
        assert Counter(model.images.labels)["cube"] == kept
        assert model.rejected["path"].tolist() == [path]

    def test_a_small_model_that_grows_is_fitted_again_without_stored_features(self, folder, tiny_store, tmp_path):
        imgsim.create(folder, store=tiny_store, backbone="mini", progress=False).save(tmp_path / "m")
        model = imgsim.load_model(tmp_path / "m")
        copy_sample(folder / "more", views=8, kinds=["cone"])
        model.update(folder, store=imgsim.FeatureStore(tmp_path / "other"))
        fresh = imgsim.create(model.images, store=tiny_store, backbone="mini", progress=False)
        assert np.allclose(model.embeddings, fresh.embeddings, atol=1e-5)

    def test_features_that_fail_leave_the_model_as_it_was(self, folder, tiny_store, tmp_path):
        imgsim.create(folder, store=tiny_store, backbone="mini", progress=False).save(tmp_path / "m")
        model = imgsim.load_model(tmp_path / "m")
        model.references.onnx = None
        next(folder.rglob("*.jpg")).unlink()
        copy_sample(folder / "more", views=1, kinds=["cone"])
        digest = model.digest
        with pytest.raises(imgsim.BackboneError, match="holds no network"):
            model.update(folder, store=tiny_store)
        assert model.digest == digest

    def test_an_empty_source_says_so_and_changes_nothing(self, folder, tiny_store, tmp_path):
        model = imgsim.create(folder, store=tiny_store, backbone="mini", progress=False)
        (tmp_path / "empty").mkdir()
        with pytest.raises(imgsim.ImgsimError, match="empty"):
            model.update(tmp_path / "empty", store=tiny_store)
        with pytest.raises(imgsim.ArgumentError, match=r"none of the model's .* images is in .*, by path and content"):
            model.update(folder / "cube", store=tiny_store)
        assert model.query(0, k=1)["distance"].tolist() == [0]


class TestModelInBf16:
    """Its stored vectors are in bf16; added images are too, or they are refused."""

    @pytest.fixture
    def saved(self, tiny_images, tiny_model, tiny_store, tmp_path):
        shutil.copytree(tiny_store.root / "backbones", tmp_path / "here" / "backbones")
        store = imgsim.FeatureStore(tmp_path / "here")
        imgsim.create(tiny_images, store=store, precision="bf16", progress=False).save(tmp_path / "m")
        copy_sample(tmp_path / "more", views=1, kinds=["cone"])
        return imgsim.load_model(tmp_path / "m"), store

    @needs_bf16
    def test_added_images_are_in_bf16_too(self, saved, tiny_images, tmp_path):
        model, store = saved
        model.add(tmp_path / "more", store=store)
        assert len(model) == 41
        key = model.images.sha256[-1:]
        assert store.features(model.backbone.fingerprint).contains(key).all()
        assert not store.features(model.backbone.network).contains(key).any()

    @needs_bf16
    def test_a_network_from_elsewhere_is_never_run_by_openvino(self, saved, tmp_path):
        model, _ = saved
        with pytest.raises(imgsim.BackboneError, match=r"exported on this machine.*backbone\.onnx is missing"):
            model.add(tmp_path / "more", store=imgsim.FeatureStore(tmp_path / "other"))
        assert len(model) == 40

    @needs_bf16
    def test_queries_are_in_fp32_and_stored_pictures_are_at_distance_0(self, saved, tiny_images):
        model, _ = saved
        file = next(tiny_images.rglob("*.jpg"))
        assert model.query(file, k=1)["distance"].tolist() == [0]
        row = model.query(file, k=1)["reference_label"].item()
        with Image.open(file) as picture:
            decoded = model.query(picture, k=1)
        assert decoded["reference_label"].tolist() == [row]
        assert 0 < decoded["distance"].item() < 0.15

    def test_without_openvino_stored_features_can_be_added(self, saved_elsewhere, tmp_path, monkeypatch):
        model, store = saved_elsewhere
        monkeypatch.setitem(sys.modules, "openvino", None)
        with pytest.raises(imgsim.MissingExtraError, match="openvino"):
            model.add(tmp_path / "more", store=store)
        images = imgsim.load_images(tmp_path / "more")
        rows = {key: np.ones(2304, np.float32) for key in images.sha256}
        store.write(model.backbone.fingerprint, rows, dict.fromkeys(rows, b"jpeg"), {}, dict.fromkeys(rows, "JPEG"))
        model.add(images, store=store)
        assert len(model) == 41

    @pytest.fixture
    def saved_elsewhere(self, tiny_model, tiny_store, tmp_path):
        """A model whose manifest says bf16, as one from a machine that has it."""
        copy_sample(tmp_path / "more", views=1, kinds=["cone"])
        model = copy(tiny_model)
        model.references.backbone = model.backbone.in_precision("bf16")
        model.save(tmp_path / "m")
        shutil.copytree(tiny_store.root / "backbones", tmp_path / "there" / "backbones")
        return imgsim.load_model(tmp_path / "m"), imgsim.FeatureStore(tmp_path / "there")


def test_what_cannot_be_added_or_removed_says_why(tiny_images, tiny_store, tmp_path):
    model = imgsim.create(tiny_images, store=tiny_store, backbone="mini", progress=False)
    with pytest.raises(imgsim.ArgumentError, match="no images to add"):
        model.add(tmp_path)
    with pytest.raises(imgsim.ArgumentError, match="999"):
        model.remove(999)
    with pytest.raises(imgsim.ArgumentError, match="at least one"):
        model.remove(model.ids)
    assert len(model) == 40


@pytest.mark.parametrize("ids", [True, 1.0, [False], np.ones(40, bool), [[0]]])
def test_what_only_equals_an_id_removes_nothing(tiny_model, ids):
    model = copy(tiny_model)
    with pytest.raises(imgsim.ArgumentError, match="no reference image has the id"):
        model.remove(ids)
    assert len(model) == 40


@pytest.mark.parametrize("ids", [range(3), {0, 1, 2}, np.arange(3), (i for i in range(3))])
def test_ids_to_remove_may_be_any_iterable(tiny_model, ids):
    assert copy(tiny_model).remove(ids).ids.tolist() == list(range(3, 40))


def pictures(folder, count, start=0):
    """Make small pictures of distinct colours, saved without loss."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(start)
    for number in range(start, start + count):
        pixels = rng.integers(0, 256, (4, 4, 3), np.uint8)
        Image.fromarray(pixels).resize((48, 48), Image.Resampling.BICUBIC).save(folder / f"{number:04}.png")
    return folder


class TestPaths:
    def readable(self, model, folders):
        files = [path for folder in folders for path in sorted(folder.rglob("*.png"))]
        assert sorted(model.images.locations) == sorted(map(str, files))
        assert all(model.images.read_bytes(row) for row in range(len(model)))
        assert None not in model.thumbnails(range(len(model)))

    def test_of_a_folder_below(self, tmp_path, tiny_store):
        model = imgsim.create(
            pictures(tmp_path / "all", 3), store=tiny_store, ids="path", backbone="mini", progress=False
        )
        model.add(pictures(tmp_path / "all" / "new", 2, start=3), store=tiny_store)
        assert model.images.root == str(tmp_path / "all")
        assert model.ids.tolist() == ["0000.png", "0001.png", "0002.png", "new/0003.png", "new/0004.png"]
        self.readable(model, [tmp_path / "all"])

    def test_of_folders_beside(self, tmp_path, tiny_store):
        model = imgsim.create(pictures(tmp_path / "a", 3), store=tiny_store, backbone="mini", progress=False)
        model.add(pictures(tmp_path / "b" / "deep", 2), store=tiny_store)
        shutil.copy(tmp_path / "a" / "0000.png", pictures(tmp_path / "a" / "c", 1, start=9) / "twin.png")
        model.add(tmp_path / "a" / "c", store=tiny_store)
        assert model.images.root == str(tmp_path)
        assert {path.split("/")[0] for path in model.images.paths} == {"a", "b"}
        self.readable(model, [tmp_path / "a", tmp_path / "b"])
        moved = write_plan_script(
            model.references, model.insight("duplicates"), tmp_path / "plan.sh", tmp_path.with_name("spare")
        )
        assert moved >= 1

    def test_of_a_saved_model_are_as_they_were(self, tmp_path, tiny_store):
        imgsim.create(pictures(tmp_path / "a", 3), store=tiny_store, backbone="mini", progress=False).save(
            tmp_path / "m"
        )
        model = imgsim.load_model(tmp_path / "m")
        model.add(pictures(tmp_path / "b", 2, start=3), store=tiny_store)
        assert model.images.root == ""
        assert model.images.paths == ["0000.png", "0001.png", "0002.png", "0003.png", "0004.png"]


def test_a_thousand_additions_cost_a_thousand_times_one(tmp_path, tiny_store, monkeypatch):
    """The look-ups of the store are counted: as many by the last addition as by the first, and few fits between."""
    model = imgsim.create(pictures(tmp_path / "p", 8), projection=4, store=tiny_store, backbone="mini", progress=False)
    one = imgsim.load_images(tmp_path / "p" / "0000.png")
    counted = []
    locate = ContentTable._locate
    monkeypatch.setattr(
        ContentTable, "_locate", lambda self, pool, keys: (counted.append(len(keys)), locate(self, pool, keys))[1]
    )
    per_addition = []
    for _ in range(1000):
        before = len(counted)
        model.add(one, store=imgsim.FeatureStore(tiny_store.root))
        per_addition.append(len(counted) - before)
    assert per_addition[-1] == min(per_addition)
    assert sum(per_addition) < 1.05 * 1000 * min(per_addition)
    before = len(counted)
    assert None not in model.thumbnails(range(len(model)))
    assert len(counted) - before == 1
    assert len(model) == 1008


class TestGrowth:
    def test_few_images_get_the_neighbours_that_were_asked_for(self, tmp_path, tiny_store):
        folder = pictures(tmp_path / "p", 30)
        images = imgsim.load_images(folder)
        whole = imgsim.create(images, store=tiny_store, k=12, backbone="mini", progress=False)
        model = imgsim.create(images[:2], store=tiny_store, k=12, backbone="mini", progress=False)
        model.save(tmp_path / "m")
        model = imgsim.load_model(tmp_path / "m")
        model.add(images[2:5], store=tiny_store)
        assert (model.graph.k, model.projection.dims) == (4, 4)
        model.add(images[5:], store=tiny_store)
        assert (model.graph.k, model.projection.dims) == (12, whole.projection.dims)
        assert np.array_equal(model.embeddings, whole.embeddings)
        assert np.array_equal(model.graph.neighbors, whole.graph.neighbors)

    def test_after_a_removal_too(self, tmp_path, tiny_store):
        images = imgsim.load_images(pictures(tmp_path / "p", 30))
        model = imgsim.create(images, store=tiny_store, backbone="mini", progress=False)
        model.remove(list(range(3, 30)))
        assert model.graph.k == 2
        model.add(images[3:], store=tiny_store)
        assert model.graph.k == 10
        assert np.array_equal(model.graph.neighbors, build_graph(model.embeddings, 10, "exact").neighbors)

    def test_without_their_features_the_embeddings_stay(self, tmp_path, tiny_store):
        images = imgsim.load_images(pictures(tmp_path / "p", 30))
        imgsim.create(images[:5], store=tiny_store, backbone="mini", progress=False).save(tmp_path / "m")
        model = imgsim.load_model(tmp_path / "m")
        before = model.embeddings.copy()
        with pytest.warns(UserWarning, match="the store lacks the features of 5"):
            model.add(images[5:], store=imgsim.FeatureStore(tmp_path / "another"))
        assert np.array_equal(model.embeddings[:5], before)
        assert model.graph.k == 10

    def test_a_fit_is_not_repeated_for_each_image(self, tmp_path, tiny_store):
        images = imgsim.load_images(pictures(tmp_path / "p", 40))
        model = imgsim.create(images[:10], store=tiny_store, backbone="mini", progress=False)
        fitted = set()
        for row in range(10, 40):
            model.add(images[row], store=tiny_store)
            fitted.add(model.projection.rows)
        assert len(fitted) < 8


def test_a_model_says_what_its_labels_are(tiny_images, tiny_store, tmp_path):
    images = imgsim.load_images(tiny_images)
    model = imgsim.create(images[:8], store=tiny_store, backbone="mini", progress=False)
    model.add(images[8:12], store=tiny_store)
    assert model.images.labels_from == "names of folders"
    model.save(tmp_path / "m")
    assert imgsim.load_model(tmp_path / "m").images.labels_from == "names of folders"
    alone = next(tiny_images.rglob("*.jpg"))
    assert imgsim.load_images(alone).labels == [None]
