"""A damaged or forged model folder is refused as one, or answers; nothing else happens, whatever its checksums say."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import imgsim
from imgsim.backbones.runtime import MAX_MEMORY
from imgsim.backbones.text.export import export_text
from imgsim.backbones.text.files import TextFiles
from imgsim.features.embeddings import Embeddings
from imgsim.neighbors import search
from imgsim.references.manifest import PARTS, stamp
from imgsim.references.refined import refine
from imgsim.references.text_space import TextSpace, unit_rows
from tests.memory import bounded_memory
from tests.property.fuzzing import MEMORY, damaged, examples
from tests.text_models import colour_backbone
from tests.zoo.making import jpeg

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4),
    max_leaves=12,
)
FORGED = (*PARTS, "insights/outliers/insight.json", "insights/outliers/images.parquet")


@pytest.fixture(scope="module", autouse=True)
def _large() -> Iterator[None]:
    """Models are searched in cells, as large ones are."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(search, "EXACT_UP_TO", 10)
        yield


@pytest.fixture(scope="module")
def saved(
    _large: None,
    tiny_model: imgsim.SimilarityModel,
    tiny_store: imgsim.FeatureStore,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """A learnt and refined model with an insight and a text tower, saved; the tests write into it and put it back."""
    base = tmp_path_factory.mktemp("forged")
    folder = base / "m.imgsim"
    tiny_model.learn(store=tiny_store).save(folder)
    model = imgsim.load_model(folder)
    embeddings = Embeddings(model.embeddings, model.projection, learning=model.references.learning)
    refined = refine(embeddings, model.graph)
    ids = model.ids[::-1].copy()  # ids of their own, in a file of their own
    thumbnails = model.references.thumbnail_source
    model.references.replace_rows(model.images, refined, ids, model.graph, thumbnails)
    model.evaluate()
    model.insight("outliers")
    export_text(colour_backbone(), base / "text")
    rows = np.random.default_rng(0).standard_normal((len(model), 3))
    model.references.text = TextSpace(unit_rows(rows.astype(np.float32)), TextFiles.load(base / "text"))
    model.save(folder, overwrite=True)
    _use(folder)  # what the libraries take for themselves
    return folder


def use(folder: Path, limit: int = MEMORY) -> None:
    """Everything a reader of a model does with it; only errors of the library may come out."""
    with bounded_memory(limit):
        _use(folder)


def _use(folder: Path) -> None:
    try:
        model = imgsim.load_model(folder)
        model.query(0, k=3)
        model.query(jpeg(), k=3)
        model.query(text="a red car", k=3)
        model.classify(["red", "blue"])
        model.similarity_graph(k=2)
        model.summary("dict")
        model.thumbnails([0, 1])
        for insight in model.insights.values():
            assert {name: len(table) for name, table in insight.tables.items()}
    except imgsim.ImgsimError as error:
        assert str(error)


@examples(150)
@given(st.sampled_from(FORGED), st.data())
def test_forged_files(saved: Path, name: str, data: st.DataObject) -> None:
    """A byte is changed, and the checksum with it."""
    whole, manifest = (saved / name).read_bytes(), (saved / "manifest.json").read_text()
    (saved / name).write_bytes(data.draw(damaged(st.just(whole))))
    changed = json.loads(manifest)
    changed["parts" if name in PARTS else "extras"][name] = dict(stamp(saved / name))
    try:
        (saved / "manifest.json").write_text(json.dumps(changed))
        use(saved, MEMORY + (MAX_MEMORY >> 20 if name.endswith(".onnx") else 0))
    finally:
        (saved / name).write_bytes(whole)
        (saved / "manifest.json").write_text(manifest)


@examples(60)
@given(st.sampled_from(FORGED), st.floats(0, 1, exclude_max=True), st.integers(1, 255))
def test_a_flipped_byte_is_found_and_named(saved: Path, name: str, place: float, change: int) -> None:
    whole = (saved / name).read_bytes()
    at = int(place * len(whole))
    (saved / name).write_bytes(whole[:at] + bytes([whole[at] ^ change]) + whole[at + 1 :])
    try:
        with pytest.raises(imgsim.ModelFormatError, match="is damaged") as caught:
            imgsim.load_model(saved)
        assert str(saved / name) in str(caught.value)
    finally:
        (saved / name).write_bytes(whole)


@examples(60)
@given(st.sampled_from(FORGED), st.floats(0, 1, exclude_max=True))
def test_a_truncated_file_is_found_and_named(saved: Path, name: str, keep: float) -> None:
    whole = (saved / name).read_bytes()
    (saved / name).write_bytes(whole[: int(keep * len(whole))])
    try:
        with pytest.raises(imgsim.ModelFormatError, match="is not the size") as caught:
            imgsim.load_model(saved)
        assert str(saved / name) in str(caught.value)
    finally:
        (saved / name).write_bytes(whole)


@examples(150)
@given(st.data(), JSON)
def test_forged_manifests(saved: Path, data: st.DataObject, value: object) -> None:
    """Any value of the manifest is replaced by anything."""
    manifest = (saved / "manifest.json").read_text()
    changed = json.loads(manifest)
    place = changed
    key = data.draw(st.sampled_from(sorted(place)))
    while isinstance(place[key], dict) and place[key] and data.draw(st.booleans()):
        place = place[key]
        key = data.draw(st.sampled_from(sorted(place)))
    place[key] = value
    try:
        (saved / "manifest.json").write_text(json.dumps(changed))
        use(saved)
    finally:
        (saved / "manifest.json").write_text(manifest)
