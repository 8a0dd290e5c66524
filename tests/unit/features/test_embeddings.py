import os
import subprocess
import sys

import numpy as np
import pytest

import imgsim
from imgsim.features.embeddings import Embeddings, Projection, embed, fit_projection
from imgsim.features.principal import normalized, unit
from imgsim.neighbors.exact import exact_knn
from tests.benchmarks.stability import overlap


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


def test_a_row_does_not_depend_on_its_place_in_a_block(rng):
    features = rng.random((16, 700), np.float32)
    projection = Projection(rng.random(700, np.float32), rng.standard_normal((700, 128), np.float32))
    expected = projection.transform(features[:1])[0]
    for place in range(1, 16):
        others = np.concatenate([features[1 : place + 1], features[:1], features[place + 1 :]])
        assert np.array_equal(projection.transform(others)[place], expected)


def test_the_product_is_that_of_the_matrices(rng):
    features = rng.random((17, 90), np.float32)
    for dims in (3, 128, 16_500):
        components = rng.standard_normal((90, dims), np.float32)
        blas, einsum = (Projection(np.zeros(90, np.float32), components, summed_by=by) for by in ("blas", "einsum"))
        np.testing.assert_allclose(blas.transform(features), einsum.transform(features), atol=1e-6)


def test_recipe_matches_its_definition(rng):
    features = rng.standard_normal((80, 20), np.float32)
    root = np.sign(features) * np.sqrt(np.abs(features.astype(np.float64)))
    unit = root / np.linalg.norm(root, axis=1, keepdims=True)
    centred = unit - unit.mean(axis=0)
    _, sizes, directions = np.linalg.svd(centred, full_matrices=False)
    scores = centred @ directions[:5].T / (sizes[:5] / np.sqrt(80)) ** 0.5
    scores[:, 4] *= (128 / 7 - 4.5) / (128 / 7 - 128 / 32)
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
    sizes = {n: embed(features[:n]).matrix.shape[1] for n in (4, 60, 150, 2100)}
    assert sizes == {4: 3, 60: 18, 150: 21, 2100: 128}
    spread = embed(features[:150]).matrix.std(axis=0)
    assert spread[-1] < 0.1 * spread[0]


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


@pytest.fixture
def few_rows(monkeypatch):
    monkeypatch.setattr(imgsim.features.embeddings, "FIT_ROWS", 100)
    monkeypatch.setattr(imgsim.features.embeddings, "PAIR_ROWS", 80)


@pytest.mark.usefixtures("few_rows")
def test_large_collections_are_fitted_on_the_smallest_hashes(rng):
    features = rng.random((150, 12), np.float32)
    names = [f"{number:064x}" for number in rng.permutation(150)]
    smallest = np.sort(np.argsort(names)[:100])
    whole = fit_projection(features, 6, names)
    part = fit_projection(features[smallest], 6)
    assert np.array_equal(whole.mean, part.mean)
    for column, other in zip(whole.components.T, part.components.T, strict=True):  # weights follow the number of images
        np.testing.assert_allclose(column / np.linalg.norm(column), other / np.linalg.norm(other), atol=1e-6)
    order = rng.permutation(150)
    other = fit_projection(features[order], 6, [names[i] for i in order])
    np.testing.assert_allclose(whole.transform(features), other.transform(features), atol=1e-4)


@pytest.mark.usefixtures("few_rows")
def test_rows_without_a_hash_are_chosen_by_their_features(rng):
    features = rng.random((150, 12), np.float32)
    order = rng.permutation(150)
    one, other = fit_projection(features, 6), fit_projection(features[order], 6, [""] * 150)
    np.testing.assert_allclose(one.transform(features), other.transform(features), atol=1e-4)


def test_a_fit_does_not_depend_on_the_number_of_threads():
    code = "import numpy as np; from imgsim.features.embeddings import embed; "
    code += "found = embed(np.random.default_rng(0).random((900, 700), np.float32)); "
    code += "print(found.digest, found.projection.whitened)"
    threads = [{"OPENBLAS_NUM_THREADS": n, "OMP_NUM_THREADS": n, "MKL_NUM_THREADS": n} for n in ("1", "2")]
    digests = {subprocess.check_output([sys.executable, "-c", code], env=os.environ | each) for each in threads}
    assert len(digests) == 1
    assert digests.pop().split()[1] == b"True"


def neighbors(features: np.ndarray, projection: Projection) -> np.ndarray:
    vectors = projection.transform(features)
    return exact_knn(vectors, vectors, 10, np.arange(len(vectors)))[0]


def test_more_images_leave_the_neighbours_of_the_others(tmp_path):
    """Bounds: .99 for one image more, .95 for 1 % more (300 pictures of the sample: .995 and .99)."""
    folder = imgsim.unpack_sample(tmp_path / "sample")
    features = imgsim.extract_features(imgsim.load_images(folder), imgsim.get_backbone("mini")).matrix
    features = features[np.random.default_rng(0).permutation(len(features))]
    before = neighbors(features[:300], fit_projection(features[:300]))
    one_more, one_percent_more = (
        np.mean(
            [
                overlap(before, neighbors(features[:300], fit_projection(np.concatenate([features[:300], extra]))))
                for extra in more
            ]
        )
        for more in (features[300:308, None], features[300:312].reshape(4, 3, -1))
    )
    assert one_more >= 0.99
    assert one_percent_more >= 0.95


@pytest.mark.parametrize("dims", [0, 1, -3, 1.5, True, "128"])
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


def test_a_saved_projection_comes_back_as_it_was(rng, tmp_path):
    projection = fit_projection(rng.random((400, 30), np.float32), 8)
    projection.save(tmp_path / "p.safetensors")
    loaded = Projection.load(tmp_path / "p.safetensors")
    for name in ("wanted", "rows", "whitened", "summed_by"):
        assert getattr(loaded, name) == getattr(projection, name)
    assert (loaded.whitened, loaded.summed_by) == (True, "blas")


def test_projections_of_earlier_versions_are_summed_as_they_were(rng, tmp_path):
    from safetensors.numpy import save_file

    mean, components = rng.random(30, np.float32), rng.standard_normal((30, 8), np.float32)
    save_file(
        {"mean": mean, "components": components}, tmp_path / "p.safetensors", {"fit": '{"wanted": 8, "rows": 400}'}
    )
    loaded = Projection.load(tmp_path / "p.safetensors")
    assert (loaded.whitened, loaded.summed_by) == (False, "einsum")
    features = rng.random((16, 30), np.float32)
    expected = np.einsum("nd,dk->nk", normalized(features) - mean, components)
    assert np.array_equal(loaded.transform(features), unit(expected))
    loaded.save(tmp_path / "again.safetensors")
    assert Projection.load(tmp_path / "again.safetensors").summed_by == "einsum"


def test_a_projection_of_a_newer_version_is_refused(tmp_path):
    Projection(np.zeros(3, np.float32), np.eye(3, dtype=np.float32), summed_by="other").save(tmp_path / "p.safetensors")
    with pytest.raises(imgsim.ModelFormatError, match=r"p\.safetensors is summed by 'other': update imgsim"):
        Projection.load(tmp_path / "p.safetensors")


def test_damaged_files_are_named(tmp_path):
    (tmp_path / "embeddings.arrow").write_bytes(b"not arrow")
    with pytest.raises(imgsim.ModelFormatError, match=r"embeddings\.arrow"):
        Embeddings.load(tmp_path)
