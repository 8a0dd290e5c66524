"""Search in cells: against exact search, whatever the rows are like, and what a damaged file gives."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file, save_file

import imgsim
from imgsim.errors import ModelFormatError
from imgsim.model import SimilarityModel
from imgsim.neighbors import search
from imgsim.neighbors.exact import exact_knn
from imgsim.neighbors.ivf import InvertedFile, probes_for
from imgsim.references.manifest import stamp


def clustered(rows: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(20, 16)).repeat(-(-rows // 20), 0)[:rows] + rng.normal(0, 0.4, (rows, 16))
    matrix /= np.linalg.norm(matrix, axis=1, keepdims=True)
    return matrix.astype(np.float32)


def shared(found: np.ndarray, true: np.ndarray) -> float:
    return float(np.mean([len(set(a) & set(b)) / len(b) for a, b in zip(found, true, strict=True)]))


def test_nearly_as_good_as_exact_for_new_vectors() -> None:
    both = clustered(6200, 0)
    queries, matrix = both[::31], np.delete(both, np.s_[::31], axis=0)
    cells = InvertedFile.build(matrix)
    assert 100 <= len(cells.centroids) <= round(3 * 6000**0.5)
    assert 1 <= cells.probes < len(cells.centroids) / 2
    found, distances = cells.search(queries, matrix, 10)
    true, far = exact_knn(queries, matrix, 10)
    assert shared(found, true) >= 0.99
    same = found == true
    np.testing.assert_array_equal(distances[same], far[same])


def test_many_neighbours_take_more_cells() -> None:
    matrix = clustered(6000, 0)
    cells, queries = InvertedFile.build(matrix), matrix[::100]
    found, _ = cells.search(queries, matrix, 200)
    true, _ = exact_knn(queries, matrix, 200)
    assert shared(found, true) >= 0.98
    assert len(cells.candidates(queries[:1], 200)[0]) > len(cells.candidates(queries[:1], 10)[0])


def test_the_probes_hold_the_share_of_neighbours_that_is_wanted() -> None:
    near = np.array([[3, 1, 2], [1, 0, 2]], np.int32)
    of_true = np.array([[3, 3, 1, 0], [1, 1, 1, 0]], np.int32)  # 5 of 8 in the first cell, 7 in two, one in no cell
    wanted = (0.0, 0.6, 0.7, 0.87, 0.99)
    assert [probes_for(share, near, of_true) for share in wanted] == [1, 1, 2, 2, 4]


def test_stored_rows_find_themselves_and_equal_seeds_give_equal_cells() -> None:
    matrix = clustered(1000, 0)
    cells = InvertedFile.build(matrix, seed=3)
    found, distances = cells.search(matrix[::50], matrix, 3)
    np.testing.assert_array_equal(found[:, 0], np.arange(0, 1000, 50))
    assert not distances[:, 0].any()
    again = InvertedFile.build(matrix, seed=3)
    np.testing.assert_array_equal(cells.order, again.order)
    np.testing.assert_array_equal(cells.centroids, again.centroids)


@settings(deadline=None)
@given(st.integers(1, 60), st.integers(1, 60), st.integers(0, 10), st.booleans())
def test_answers_keep_the_rules(rows: int, k: int, seed: int, equal: bool) -> None:
    matrix = np.ones((rows, 4), np.float32) if equal else clustered(rows, seed)[:, :4].copy()
    k = min(k, rows)
    cells = InvertedFile.build(matrix, seed)
    np.testing.assert_array_equal(np.sort(cells.order), np.arange(rows))
    found, distances = cells.search(matrix[:2], matrix, k)
    assert (np.diff(distances, axis=1) >= 0).all()
    assert all(len(set(row)) == k for row in found.tolist())
    if equal:  # of equal distances the first rows count
        np.testing.assert_array_equal(found[0], np.arange(k))


def test_large_models_are_searched_in_cells(
    tiny_model: SimilarityModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = tiny_model.query(tiny_model.embeddings[:5], k=3)
    monkeypatch.setattr(search, "EXACT_UP_TO", 10)
    tiny_model.save(tmp_path / "m.imgsim")
    assert (tmp_path / "m.imgsim" / "cells.safetensors").is_file()
    loaded = imgsim.load_model(tmp_path / "m.imgsim")
    np.testing.assert_array_equal(loaded.references.search.cells.order, tiny_model.references.search.cells.order)
    assert loaded.query(tiny_model.embeddings[:5], k=3).equals(before)
    assert loaded.query(tiny_model.embeddings[:5], k=3, exact=True).equals(before)
    kept = loaded.ids[5:].tolist()
    loaded.remove(loaded.ids[:5].tolist())
    assert len(loaded.references.search.cells.order) == len(kept)


def test_small_models_carry_no_cells(tiny_model: SimilarityModel, tmp_path: Path) -> None:
    tiny_model.save(tmp_path / "m.imgsim")
    assert not (tmp_path / "m.imgsim" / "cells.safetensors").exists()


def test_cells_of_earlier_versions_are_made_again(
    tiny_model: SimilarityModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "EXACT_UP_TO", 10)
    tiny_model.save(tmp_path / "m.imgsim")
    path, manifest = tmp_path / "m.imgsim" / "cells.safetensors", tmp_path / "m.imgsim" / "manifest.json"
    tensors = load_file(path)
    del tensors["probes"]
    save_file(tensors, path)
    notes = json.loads(manifest.read_text())
    notes["parts"][path.name] = dict(stamp(path))
    manifest.write_text(json.dumps(notes))
    loaded = imgsim.load_model(tmp_path / "m.imgsim")
    assert loaded.references.search.built_cells is None
    assert loaded.query(0, k=3).equals(tiny_model.query(0, k=3))
    assert loaded.references.search.built_cells is not None


def test_rows_come_and_go() -> None:
    matrix = clustered(1000, 0)
    whole = InvertedFile.build(matrix)
    keep = np.flatnonzero(np.arange(1000) % 7)
    kept = whole.keeping(keep)
    np.testing.assert_array_equal(np.sort(kept.order), np.arange(len(keep)))
    queries = matrix[keep[::50]]
    found, _ = kept.search(queries, matrix[keep], 5)
    assert shared(found, exact_knn(queries, matrix[keep], 5)[0]) >= 0.98
    again = kept.with_rows(whole._cells()[::7])
    assert np.array_equal(np.bincount(again._cells()), np.bincount(whole._cells()))


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("probes", lambda a: a - 999),
        ("probes", lambda a: a[:0]),
        ("order", lambda a: a[:-1]),
        ("order", np.zeros_like),
        ("starts", lambda a: a[::-1].copy()),
        ("centres", lambda a: a * np.nan),
        ("centres", lambda a: a.astype(np.float64)),
    ],
)
def test_cells_of_something_else_are_refused(tmp_path: Path, name: str, change: object) -> None:
    path = tmp_path / "cells.safetensors"
    InvertedFile.build(clustered(300, 0)).save(path)
    loaded = InvertedFile.load(path, 300, 16)
    assert loaded is not None
    assert len(loaded.order) == 300
    tensors = load_file(path)
    save_file(tensors | {name: change(tensors[name])}, path)  # type: ignore[operator]
    with pytest.raises(ModelFormatError, match=r"cells\.safetensors"):
        InvertedFile.load(path, 300, 16)
    path.write_bytes(b"torn")
    with pytest.raises(ModelFormatError, match="cannot be read"):
        InvertedFile.load(path, 300, 16)


@pytest.mark.parametrize("value", [np.nan, np.inf, 3e19])
def test_a_damaged_vector_does_no_harm(value: float) -> None:
    matrix = clustered(300, 0)
    cells = InvertedFile.build(matrix)
    matrix[7, 3] = value
    found, _ = cells.search(matrix[[7, 8]], matrix, 3)
    assert found.shape == (2, 3)
    assert found[1, 0] == 8
