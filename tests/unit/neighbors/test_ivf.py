"""Search along the graph: against exact search, whatever the rows are like, and what a damaged file gives."""

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
from imgsim.neighbors.graph import build_graph
from imgsim.neighbors.ivf import InvertedFile
from imgsim.references import folder


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
    graph, cells = build_graph(matrix, 10, "exact"), InvertedFile.build(matrix)
    assert 40 <= len(cells.centroids) <= 80
    found, distances = cells.search(queries, matrix, graph.neighbors, 10)
    true, far = exact_knn(queries, matrix, 10)
    assert shared(found, true) >= 0.99
    same = found == true
    np.testing.assert_array_equal(distances[same], far[same])


def test_best_first_search_leaves_the_first_cell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("imgsim.neighbors.ivf.PROBES", 1)
    matrix = clustered(3000, 0)
    graph, cells, queries = build_graph(matrix, 10, "exact"), InvertedFile.build(matrix), matrix[::30]
    true, _ = exact_knn(queries, matrix, 10)
    walked, _ = cells.search(queries, matrix, graph.neighbors, 10)
    stood, _ = cells.search(queries, matrix, np.empty((3000, 0), np.int32), 10)
    assert shared(stood, true) < 0.9 < 0.99 <= shared(walked, true)


def test_stored_rows_find_themselves_and_equal_seeds_give_equal_cells() -> None:
    matrix = clustered(1000, 0)
    graph, cells = build_graph(matrix, 5, "exact"), InvertedFile.build(matrix, seed=3)
    found, distances = cells.search(matrix[::50], matrix, graph.neighbors, 3)
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
    neighbors = build_graph(matrix, 3, "exact").neighbors
    cells = InvertedFile.build(matrix, seed)
    np.testing.assert_array_equal(np.sort(cells.order), np.arange(rows))
    found, distances = cells.search(matrix[:2], matrix, neighbors, k)
    assert (np.diff(distances, axis=1) >= 0).all()
    assert all(len(set(row)) == k for row in found.tolist())
    if equal:  # of equal distances the first rows count
        np.testing.assert_array_equal(found[0], np.arange(k))


def test_large_models_are_searched_along_their_graph(
    tiny_model: SimilarityModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = tiny_model.query(tiny_model.embeddings[:5], k=3)
    for module in (search, folder):
        monkeypatch.setattr(module, "EXACT_UP_TO", 10)
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


@pytest.mark.parametrize(
    ("name", "change"),
    [
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
    assert len(InvertedFile.load(path, 300, 16).order) == 300
    tensors = load_file(path)
    save_file(tensors | {name: change(tensors[name])}, path)  # type: ignore[operator]
    with pytest.raises(ModelFormatError, match=r"cells\.safetensors"):
        InvertedFile.load(path, 300, 16)
    path.write_bytes(b"torn")
    with pytest.raises(ModelFormatError, match="cannot be read"):
        InvertedFile.load(path, 300, 16)
