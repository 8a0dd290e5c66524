"""Decided labels in tables of images, in saved models, and in what is computed from them."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

import imgsim
from imgsim.decisions import Decisions, as_decisions, open_decisions, with_decided_labels
from imgsim.errors import ArgumentError, ArgumentTypeError
from imgsim.images.table import ImageTable
from tests.unit.decisions.sha import A


@pytest.fixture
def store(home: Path) -> Decisions:
    return open_decisions()


@pytest.fixture
def images(tiny_images: Path) -> ImageTable:
    return imgsim.load_images(tiny_images)


def test_without_a_decision_about_them_images_stay_as_they_are(store: Decisions, images: ImageTable):
    assert with_decided_labels(images, store) is images
    store.set_label(A, "tree")
    store.add_tag(images.sha256[0], "blurry")
    assert with_decided_labels(images, store) is images
    assert (images.decisions, images.changed_labels, images.source_digest) == (None, 0, images.digest)
    assert images.table.column_names == imgsim.schema.IMAGES.names


def test_decided_labels_take_the_place_of_those_of_the_source(store: Decisions, images: ImageTable):
    store.set_label([images.sha256[0], images.sha256[1]], "tree")
    store.set_label(images.sha256[2], images.labels[2])
    decided = with_decided_labels(images, store)
    assert list(decided.labels[:3]) == ["tree", "tree", images.labels[2]]
    assert list(decided.labels[3:]) == list(images.labels[3:])
    assert list(decided.source_labels) == list(images.labels)
    assert (decided.changed_labels, decided.labels_from) == (2, images.labels_from)
    assert decided.digest != images.digest
    assert decided.source_digest == images.digest

    store.set_label(A, "of another collection")
    assert with_decided_labels(images, store).decisions == decided.decisions
    store.set_label(images.sha256[0], None)
    later = with_decided_labels(decided, store)
    assert (later.labels[0], later.labels[1]) == (images.labels[0], "tree")
    assert later.decisions != decided.decisions
    store.set_label(images.sha256[:3], None)
    assert with_decided_labels(decided, store).digest == images.digest


def test_they_go_along_into_slices_files_and_longer_tables(store: Decisions, images: ImageTable, tmp_path: Path):
    store.set_label(images.sha256[0], "tree")
    decided = with_decided_labels(images, store)
    decided.save(tmp_path / "images.parquet")
    for table in (ImageTable.load(tmp_path / "images.parquet"), decided[:5], decided.filter_by("tree", "label")):
        assert (table.labels[0], table.source_labels[0]) == ("tree", images.labels[0])
        assert (table.decisions, table.changed_labels) == (decided.decisions, 1)
    decided.save(tmp_path / "images.csv")
    assert ImageTable.load(tmp_path / "images.csv").labels[0] == "tree"
    for longer, row in ((decided[:2].append(images[2:]), 0), (images[2:].append(decided[:2]), 38)):
        assert longer.decisions == decided.decisions
        assert (longer.labels[row], longer.source_labels[row]) == ("tree", images.labels[0])
        assert longer.changed_labels == 1
        assert len(longer) == 40


def test_a_saved_table_without_decisions_has_no_sign_of_them(images: ImageTable, tmp_path: Path):
    images.save(tmp_path / "images.parquet")
    written = pq.read_table(tmp_path / "images.parquet")
    assert written.column_names == imgsim.schema.IMAGES.names
    assert not [key for key in written.schema.metadata if b"decisions" in key]


def test_a_model_is_made_of_them_and_remembers(
    store: Decisions, images: ImageTable, tiny_store: imgsim.FeatureStore, tiny_model: imgsim.SimilarityModel, tmp_path
):
    cube = [key for key, label in zip(images.sha256, images.labels, strict=True) if label == "cube"]
    store.set_label(cube, "block")
    options = {"store": tiny_store, "backbone": "mini", "progress": False}
    plain, model = imgsim.create(images, **options), imgsim.create(images, decisions=True, **options)
    assert plain.digest == tiny_model.digest, "they are asked for"
    assert "block" in model.evaluation.per_class["label"].tolist()
    assert "cube" not in model.evaluation.per_class["label"].tolist()
    assert (model.embeddings == plain.embeddings).all()
    model.save(tmp_path / "model")
    loaded = imgsim.load_model(tmp_path / "model")
    assert loaded.images.decisions == model.images.decisions is not None
    assert list(loaded.images.source_labels) == list(images.labels)
    assert loaded.digest == model.digest


@pytest.mark.parametrize("value", [None, False])
def test_no_store(value):
    assert as_decisions(value) is None


def test_stores_of_create(home: Path, tmp_path: Path):
    store = open_decisions(tmp_path / "other.db")
    assert as_decisions(store) is store
    assert as_decisions(True).url == str(home / "decisions.db")
    assert as_decisions(tmp_path / "other.db").url == as_decisions(str(tmp_path / "other.db")).url == store.url
    with pytest.raises(ArgumentTypeError, match="decisions must be True, an address or"):
        as_decisions(3)
    with pytest.raises(ArgumentError, match="vectors have none"):
        imgsim.create(embeddings=[[1.0, 0.0], [0.0, 1.0]], decisions=True)
