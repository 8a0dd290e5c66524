"""Features that stay in the store give the same embeddings as a matrix, and are never held together."""

import numpy as np
import pytest

import imgsim
from imgsim.features.embeddings import embed
from imgsim.features.stored import BLOCK_ROWS, StoredFeatures
from imgsim.references.text_space import spooled_unit_rows, unit_rows

ROWS = BLOCK_ROWS + 900


class CountingStore(imgsim.FeatureStore):
    """A store that notes how many features it was asked for at once."""

    def __init__(self, root):
        super().__init__(root)
        self.asked = []

    def read_features(self, fingerprint, keys):
        self.asked.append(len(keys))
        return super().read_features(fingerprint, keys)


@pytest.fixture
def matrix(rng):
    return rng.random((ROWS, 600), np.float32)


@pytest.fixture
def stored(tmp_path, rng, matrix):
    keys = [f"{number:064x}" for number in rng.permutation(ROWS)]
    store = CountingStore(tmp_path)
    store.write("net", dict(zip(keys, matrix, strict=True)), {}, {}, {})
    return StoredFeatures(store, "net", keys, 600)


@pytest.mark.parametrize("fit_rows", [50_000, 700])
def test_embeddings_of_stored_features_are_those_of_the_matrix(stored, matrix, monkeypatch, fit_rows):
    monkeypatch.setattr(imgsim.features.embeddings, "FIT_ROWS", fit_rows)
    monkeypatch.setattr(imgsim.features.embeddings, "PAIR_ROWS", 600)
    assert embed(stored).digest == embed(matrix, sha256=stored.keys).digest
    assert max(stored.store.asked) <= BLOCK_ROWS


def test_rows_are_selected_and_joined_without_reading(stored, matrix):
    rows = np.array([5, 3, ROWS - 1])
    both = stored[rows].followed_by(stored[rows[:1]])
    assert (both.shape, stored.store.asked) == ((4, 600), [])
    assert np.array_equal(both, matrix[[5, 3, ROWS - 1, 5]])


def test_raw_features_are_the_matrix(stored, matrix):
    assert np.array_equal(embed(stored, None).matrix, matrix)


def test_rows_of_the_space_of_texts_come_from_blocks(stored, matrix, home):
    assert np.array_equal(spooled_unit_rows(stored), unit_rows(matrix))
    more = spooled_unit_rows(stored[np.arange(3)], unit_rows(matrix[:2]))
    assert np.array_equal(more, unit_rows(matrix[[0, 1, 0, 1, 2]]))
    assert [path.name for path in home.iterdir()] == ["dagster"], "the file has no name"
    assert not more.flags.writeable
    assert max(stored.store.asked) <= BLOCK_ROWS


def test_features_that_are_gone_are_counted_and_named(stored):
    assert stored.missing() == 0
    stored.store.forget(stored.keys[2:4])
    assert stored.missing() == 2
    with pytest.raises(imgsim.ModelFormatError, match=f"2 of {BLOCK_ROWS} features are no longer in"):
        embed(stored)
