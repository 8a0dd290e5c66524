import numpy as np
import pytest

from imgsim.features.principal import normalized, principal_directions


def rows_with_spectrum(rng, n, d):
    """Positive features whose normalised rows have variances that fall as those of features of photographs do."""
    directions = np.linalg.qr(rng.standard_normal((d, d)))[0]
    wide = rng.standard_normal((n, d)) / np.arange(1, d + 1) ** 0.75
    return np.square(10 + wide @ directions.T).astype(np.float32)


@pytest.mark.parametrize(("n", "d", "dims"), [(90, 300, 20), (1200, 300, 20), (60, 20, 20)])
def test_small_ones_are_exact(rng, n, d, dims):
    features = rows_with_spectrum(rng, n, d)
    rows = normalized(features).astype(np.float64)
    _, sizes, directions = np.linalg.svd(rows - rows.mean(axis=0), full_matrices=False)
    found = principal_directions(features, dims)
    np.testing.assert_allclose(found.mean, rows.mean(axis=0), atol=1e-7)
    np.testing.assert_allclose(found.values, sizes[: len(found.values)] ** 2 / n, rtol=1e-2)
    assert np.abs((directions[:10] * found.vectors.T[:10]).sum(axis=1)).min() > 0.999


def test_large_ones_find_the_leading_half(rng):
    features = rows_with_spectrum(rng, 900, 700)
    rows = normalized(features).astype(np.float64)
    _, sizes, directions = np.linalg.svd(rows - rows.mean(axis=0), full_matrices=False)
    found = principal_directions(features, 64)
    np.testing.assert_allclose(found.values[:32], sizes[:32] ** 2 / 900, rtol=0.05)
    held = np.linalg.norm(directions[:16] @ found.vectors, axis=1)
    assert held.min() > 0.99
    np.testing.assert_allclose(found.vectors.T @ found.vectors, np.eye(64), atol=1e-5)


def test_scores_are_the_rows_along_the_directions(rng):
    for n, d in ((90, 300), (1200, 300), (900, 700)):
        features = rows_with_spectrum(rng, n, d)
        found = principal_directions(features, 16)
        expected = (normalized(features) - found.mean) @ found.vectors
        np.testing.assert_allclose(found.scores, expected, atol=1e-5)
        np.testing.assert_allclose(found.scores.var(axis=0), found.values, rtol=1e-3)
