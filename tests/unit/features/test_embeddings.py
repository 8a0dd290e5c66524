import numpy as np
import pytest

import imgsim
from imgsim.features.embeddings import Embeddings, embed, fit_projection


def test_rows_have_unit_length_and_the_asked_dimension(rng):
    vectors = embed(rng.random((600, 200), np.float32), dims=32)
    assert vectors.matrix.shape == (600, 32)
    np.testing.assert_allclose(np.linalg.norm(vectors.matrix, axis=1), 1, rtol=1e-5)


def test_a_row_does_not_depend_on_the_rows_beside_it(rng):
    features = rng.random((101, 300), np.float32)
    projection = fit_projection(features, 40)
    together = projection.transform(features)
    for row in (0, 1, 50, 100):
        assert np.array_equal(projection.transform(features[row : row + 1])[0], together[row])
    assert np.array_equal(projection.transform(features[37:60]), together[37:60])


def test_recipe_matches_its_definition(rng):
    features = rng.standard_normal((80, 20), np.float32)
    root = np.sign(features) * np.sqrt(np.abs(features.astype(np.float64)))
    unit = root / np.linalg.norm(root, axis=1, keepdims=True)
    centred = unit - unit.mean(axis=0)
    _, sizes, directions = np.linalg.svd(centred, full_matrices=False)
    scores = centred @ directions[:5].T / (sizes[:5] / np.sqrt(80)) ** 0.5
    expected = scores / np.linalg.norm(scores, axis=1, keepdims=True)
    actual = embed(features, dims=5).matrix
    np.testing.assert_allclose(actual @ actual.T, expected @ expected.T, atol=1e-5)


def test_wide_and_tall_features_are_fitted_alike(rng):
    features = rng.random((60, 90), np.float32)
    wide, tall = embed(features, dims=5), embed(features[:, :10], dims=5)
    for vectors, columns in ((wide, 90), (tall, 10)):
        centred = vectors.projection.components.T @ vectors.projection.components
        assert vectors.projection.components.shape == (columns, 5)
        np.testing.assert_allclose(centred - np.diag(np.diag(centred)), 0, atol=1e-3)  # directions are orthogonal


def test_small_collections_keep_fewer_dimensions(rng):
    features = rng.random((2100, 300), np.float32)
    sizes = {n: embed(features[:n]).matrix.shape[1] for n in (4, 60, 320, 2100)}
    assert sizes == {4: 3, 60: 8, 320: 20, 2100: 128}


@pytest.mark.parametrize("features", [np.ones((1, 8)), np.ones((5, 8)), np.zeros((3, 8))])
def test_images_that_are_all_alike_keep_a_finite_embedding(features):
    matrix = embed(features.astype(np.float32)).matrix
    assert np.isfinite(matrix).all()
    assert (matrix == matrix[0]).all()


def test_none_keeps_raw_features(rng):
    features = rng.random((9, 5), np.float32)
    vectors = embed(features, dims=None)
    assert np.array_equal(vectors.matrix, features)
    assert vectors.projection is None


def test_fit_is_seeded_above_the_sample_size(rng):
    features = rng.random((3100, 12), np.float32)
    assert embed(features, 6, seed=1).digest == embed(features, 6, seed=1).digest
    assert embed(features, 6, seed=1).digest != embed(features, 6, seed=2).digest


@pytest.mark.parametrize("dims", [0, -3, 1.5, True, "128"])
def test_bad_dimensions_are_refused(rng, dims):
    with pytest.raises((imgsim.ArgumentError, imgsim.ArgumentTypeError), match="projection must"):
        embed(rng.random((9, 5), np.float32), dims=dims)


def test_nan_is_refused_with_its_row(rng):
    features = rng.random((9, 5), np.float32)
    features[4, 2] = np.nan
    with pytest.raises(imgsim.ArgumentError, match="row 4"):
        embed(features)


def test_saved_embeddings_come_back_equal_and_read_only(rng, tmp_path):
    vectors = embed(rng.random((50, 30), np.float32), dims=8)
    vectors.save(tmp_path)
    loaded = Embeddings.load(tmp_path)
    assert loaded.digest == vectors.digest
    assert not loaded.matrix.flags.writeable


def test_damaged_files_are_named(tmp_path):
    (tmp_path / "embeddings.arrow").write_bytes(b"not arrow")
    with pytest.raises(imgsim.ModelFormatError, match=r"embeddings\.arrow"):
        Embeddings.load(tmp_path)
