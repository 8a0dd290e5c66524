"""Refined embeddings: what an average is, and what goes on by the plain vectors."""

import copy
import hashlib
import json
import shutil
from multiprocessing.reduction import ForkingPickler
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import imgsim
from imgsim.decoding.decode import decode
from imgsim.features.embeddings import Embeddings
from imgsim.insights.compute import compute
from imgsim.insights.distinct import distinct_pictures
from imgsim.insights.duplicates.look_alikes import look_alikes
from imgsim.insights.duplicates.pictures import find_pictures
from imgsim.insights.measures import measure_traits
from imgsim.io.vectors import write_embeddings
from imgsim.neighbors.graph import build_graph
from imgsim.neighbors.search import Searcher
from imgsim.references.refined import NEIGHBORS, QUERY_NEIGHBORS, PlainVectors, averaged, refine
from tests.benchmarks.planted import jpeg
from tests.sample_images import copy_sample


def unit(matrix):
    return (matrix / np.linalg.norm(matrix, axis=1, keepdims=True)).astype(np.float32)


def refined(matrix):
    return refine(Embeddings(matrix, None), build_graph(matrix, NEIGHBORS, "exact"))


@pytest.fixture
def vectors(rng):
    """Unit vectors around a few directions, so that many cosines are large and some are negative."""
    return unit(np.repeat(np.eye(6, 12), 25, axis=0) + rng.normal(0, 0.25, (150, 12)))


class TestAverage:
    def test_is_the_formula(self, vectors):
        """Row by row in double precision, as written in the papers."""
        wide = vectors.astype(np.float64)
        found = refined(vectors)
        for row, vector in enumerate(wide):
            cosines = wide @ vector
            cosines[row] = -2
            nearest = np.argsort(-cosines)[:10]
            total = vector + sum(max(cosines[j], 0) ** 3 * wide[j] for j in nearest)
            assert found.matrix[row] == pytest.approx(total / np.linalg.norm(total), abs=1e-6)
        assert found.plain is vectors

    def test_has_length_1_and_does_not_depend_on_the_order_of_rows(self, vectors, rng):
        found = refined(vectors).matrix
        assert np.linalg.norm(found, axis=1) == pytest.approx(np.ones(150), abs=1e-6)
        order = rng.permutation(150)
        assert np.array_equal(refined(vectors[order]).matrix, found[order])

    def test_opposite_vectors_do_not_count(self):
        matrix = unit(np.array([[1, 0.2], [-1, 0.1], [-1, -0.3]]))
        assert refined(matrix).matrix[0] == pytest.approx(matrix[0], abs=1e-6)

    @pytest.mark.parametrize("count", [1, 2, 3, 15])
    def test_identical_rows_stay_as_they_are(self, count, rng):
        matrix = np.repeat(unit(rng.normal(size=(1, 8))), count, axis=0)
        assert refined(matrix).matrix == pytest.approx(matrix, abs=1e-6)

    def test_zero_stays_zero(self):
        matrix = np.eye(4, dtype=np.float32)
        matrix[3] = 0
        assert not refined(matrix).matrix[3].any()
        assert np.isfinite(refined(matrix).matrix).all()

    @pytest.mark.parametrize("copies", [1, 4, 14])
    def test_copies_stay_equal(self, vectors, copies, rng):
        matrix = np.concatenate([vectors, *[vectors[40:41]] * copies])
        matrix = matrix[rng.permutation(len(matrix))]
        same = (matrix == vectors[40]).all(axis=1)
        assert len(np.unique(refined(matrix).matrix[same], axis=0)) == 1

    def test_copies_stay_equal_though_an_approximate_graph_lists_other_neighbours(self, vectors):
        matrix = np.concatenate([vectors, vectors[:1]])
        graph = build_graph(matrix, 10, "exact")
        graph.neighbors[150, 1:] = range(30, 39)
        found = refine(Embeddings(matrix, None), graph).matrix
        assert np.array_equal(found[150], found[0])

    def test_blocks_change_nothing(self, vectors, monkeypatch):
        near = build_graph(vectors, 10, "exact").neighbors
        whole = averaged(vectors, vectors, near)
        monkeypatch.setattr("imgsim.references.refined.BLOCK_ROWS", 7)
        assert np.array_equal(averaged(vectors, vectors, near), whole)


class TestQueryVectors:
    @pytest.fixture
    def plain(self, vectors):
        references = vectors[:120]
        return PlainVectors(references, refined(references).matrix, Searcher(references), build_graph(references, 10))

    def test_are_averaged_with_their_nearest_references(self, plain, vectors):
        wide = plain.matrix.astype(np.float64)
        for query, found in zip(vectors[120:], plain.refine(vectors[120:]), strict=True):
            cosines = wide @ query
            nearest = np.argsort(-cosines)[:QUERY_NEIGHBORS]
            total = query + sum(max(cosines[j], 0) ** 3 * wide[j] for j in nearest)
            assert found == pytest.approx(total / np.linalg.norm(total), abs=1e-6)

    def test_do_not_depend_on_each_other(self, plain, vectors):
        together = plain.refine(vectors)
        assert all(np.array_equal(plain.refine(vectors[i : i + 1])[0], together[i]) for i in (0, 60, 119, 120, 149))

    def test_of_references_are_the_refined_references(self, plain):
        assert np.array_equal(plain.refine(plain.matrix), plain._refined)

    def test_in_cells_nearly_all_are_the_same(self, plain, vectors, monkeypatch):
        exact = plain.refine(vectors)
        monkeypatch.setattr("imgsim.neighbors.search.EXACT_UP_TO", 10)
        found = plain.refine(vectors)
        assert plain._search.built_cells is not None
        assert (found == exact).all(axis=1).mean() >= 0.9

    def test_few_references_are_enough(self, vectors):
        one = vectors[:1]
        plain = PlainVectors(one, one, Searcher(one), build_graph(one, 10))
        assert np.linalg.norm(plain.refine(vectors[1:4]), axis=1) == pytest.approx(np.ones(3), abs=1e-6)
        assert plain.graph.k == 0


@pytest.fixture(scope="module")
def collection(tmp_path_factory):
    """Pictures of the sample in two splits: some twice, some saved again."""
    folder = copy_sample(tmp_path_factory.mktemp("collection") / "pictures")
    for name, rows in {"train": range(8), "test": range(4, 12)}.items():
        (folder / name).mkdir()
        for number, path in enumerate(sorted(folder.glob("*/*_0?.jpg"))[rows.start : rows.stop]):
            data = path.read_bytes()
            saved_again = jpeg(Image.fromarray(decode(data)), 60)
            (folder / name / f"{number}.jpg").write_bytes(saved_again if number % 2 else data)
    return folder


@pytest.fixture(scope="module")
def models(collection, tiny_store):
    """The same images, plain and refined."""
    images = imgsim.load_images(collection)
    return [
        imgsim.create(images, None, "mini", store=tiny_store, progress=False, refine=refine) for refine in (False, True)
    ]


@pytest.fixture(scope="module")
def model(models):
    return models[1]


class TestModel:
    def test_is_not_refined_unless_asked(self, models):
        plain, model = models
        assert plain.references.plain is None
        assert np.array_equal(model.plain_embeddings, plain.embeddings)
        assert not np.array_equal(model.embeddings, plain.embeddings)
        assert plain.digest != model.digest
        assert model.graph.digest == build_graph(model.embeddings, 10).digest
        assert model.plain_graph.digest == plain.graph.digest
        assert not model.plain_embeddings.flags.writeable

    def test_finds_every_form_of_a_stored_picture_at_distance_0(self, model, collection, tiny_store):
        path = collection / model.images.paths[7]
        data = path.read_bytes()
        forms = [7, path, data, decode(data), model.embeddings[7], model.embed_pixels(decode(data))]
        for x in (*forms, model.images[7:8]):
            assert model.query(x, k=1)["distance"].tolist() == [0.0], type(x)
        raw = imgsim.extract_features(model.images, imgsim.get_backbone("mini"), tiny_store).matrix
        nearest = model.query(raw, k=1)
        assert nearest["distance"].eq(0).all()

    def test_averages_new_pictures_and_takes_embeddings_as_they_are(self, models, rng):
        plain, model = models
        picture = rng.integers(0, 256, (60, 80, 3), np.uint8)
        before, vector = plain.embed_pixels(picture), model.embed_pixels(picture)
        assert np.array_equal(vector, model.references.plain.refine(before[None])[0])
        assert not np.array_equal(vector, before)
        assert model.query(picture)["distance"].tolist() == model.query(vector)["distance"].tolist()
        as_it_is = model.query(before, k=1)
        row = int(as_it_is["reference_label"][0])
        assert as_it_is["distance"][0] == pytest.approx(np.linalg.norm(before - model.embeddings[row]), rel=1e-5)

    def test_says_so(self, models):
        assert "refined" not in models[0].summary("dict")["Embedding"]
        assert models[1].summary("dict")["Embedding"]["refined"] == "with 10 nearest, cos^3"
        facts = imgsim.compare(*models).facts.set_index("fact")
        assert facts["after"]["dimensions"] == f"{facts['before']['dimensions']}, refined"

    def test_tells_pictures_apart_as_a_plain_model_does(self, models):
        """Copies, near copies, leaks and look-alikes are the same with and without."""
        found = [model.insight("duplicates", threshold=0.6) for model in models]
        assert found[0].digest == found[1].digest
        assert found[0].metrics["same_bytes_groups"] > 0
        assert found[0].metrics["same_picture_groups"] > 0
        assert models[0].insight("leaks").digest == models[1].insight("leaks").digest
        assert models[1].insights["leaks"].metrics["images"] > 0
        assert np.array_equal(*(find_pictures(model.references) for model in models))
        assert models[0].evaluation.metrics["copies_left_out"] == models[1].evaluation.metrics["copies_left_out"] > 0
        distinct = [distinct_pictures(model.references, measure_traits(model.references)) for model in models]
        assert np.array_equal(distinct[0].picture, distinct[1].picture)

    def test_offers_the_look_alikes_of_a_plain_model(self, models):
        bare = [copy.copy(model) for model in models]
        for model in bare:
            model.references.insights = {}
        tables = [look_alikes(model.references, 0.5) for model in bare]
        pd.testing.assert_frame_equal(*tables)
        assert len(tables[0])

    def test_answers_otherwise_by_the_refined_vectors(self, models):
        compute(models[1].references, ["outliers", "map", "clusters"])
        outliers = models[1].insights["outliers"].tables["images"].sort_values("row")
        assert len(outliers) == len(models[1])
        assert models[1].evaluation.metrics["precision_at_10"] > models[0].evaluation.metrics["precision_at_10"] - 0.02

    def test_can_be_made_by_another_method(self, collection, model, tiny_store):
        made = imgsim.create(
            collection, backbone="mini", store=tiny_store, method="partitioned", refine=True, progress=False
        )
        assert made.plain_graph.method == made.graph.method == "partitioned"
        assert made.query(0, k=1)["distance"].tolist() == [0.0]
        assert np.mean(np.abs(made.embeddings - model.embeddings)) < 0.01

    def test_of_few_neighbours_is_averaged_with_ten(self, collection, model, tiny_store):
        made = imgsim.create(collection, backbone="mini", store=tiny_store, k=3, refine=True, progress=False)
        assert np.array_equal(made.embeddings, model.embeddings)
        assert (made.graph.k, made.plain_graph.k) == (3, 3)

    @pytest.mark.parametrize("count", [1, 2, 3])
    def test_of_few_images(self, collection, tiny_store, tmp_path, count):
        images = imgsim.load_images(collection)[:count]
        made = imgsim.create(images, backbone="mini", store=tiny_store, refine=True, progress=False)
        made.insight("duplicates")
        made.save(tmp_path / "m")
        loaded = imgsim.load_model(tmp_path / "m")
        assert loaded.digest == made.digest
        assert loaded.plain_graph.k == count - 1
        assert loaded.query(collection / images.paths[0], k=1)["distance"].tolist() == [0.0]

    @pytest.mark.parametrize("what", [{"embeddings": np.eye(3)}, {"images": "photos", "projection": None}])
    def test_needs_a_projection(self, what):
        with pytest.raises(imgsim.ArgumentError, match=r"refine=True averages unit vectors.*projection"):
            imgsim.create(**what, refine=True)

    def test_is_asked_for_by_true_or_false(self):
        with pytest.raises(imgsim.ArgumentTypeError, match="refine must be True or False"):
            imgsim.create("photos", refine=1)


class TestUpdates:
    @pytest.fixture
    def halves(self, collection):
        """Most of the images, and every seventh: so few that the projection is kept."""
        images = imgsim.load_images(collection)
        late = np.arange(len(images)) % 7 == 3
        return images[np.flatnonzero(~late)], images[np.flatnonzero(late)]

    @pytest.fixture
    def model(self, halves, tiny_store):
        return imgsim.create(halves[0], backbone="mini", ids="path", store=tiny_store, refine=True, progress=False)

    def test_new_images_are_what_they_were_as_queries(self, model, halves, tiny_store):
        before, more = copy.copy(model), halves[1]
        n, expected = len(model), [model.query(more[i], k=3)["distance"].tolist() for i in range(len(more))]
        vectors = np.stack([model.embed_pixels(decode(more.read_bytes(i))) for i in range(len(more))])
        model.add(more, store=tiny_store)
        assert np.array_equal(model.embeddings[n:], vectors)
        assert np.array_equal(model.embeddings[:n], before.embeddings)
        assert model.plain_embeddings.shape == model.embeddings.shape
        assert [before.query(v, k=3)["distance"].tolist() for v in model.embeddings[n:]] == expected
        assert model.graph.digest == build_graph(model.embeddings, 10).digest
        assert all(model.query(more[i], k=1)["distance"].tolist() == [0.0] for i in range(len(more)))

    def test_an_added_copy_is_at_distance_0_from_its_original(self, model, collection, tmp_path, tiny_store):
        shutil.copy(collection / model.images.paths[3], tmp_path / "twin.jpg")
        model.add(tmp_path / "twin.jpg", store=tiny_store)
        assert sorted(model.query(tmp_path / "twin.jpg", k=2)["distance"]) == [0.0, 0.0]
        groups = model.insight("duplicates").tables["groups"]
        assert len(model) - 1 in groups[groups["tier"] == "same_bytes"]["row"].tolist()

    def test_removed_images_go_and_the_others_stay(self, model, tmp_path):
        before = copy.copy(model)
        model.remove(model.ids[[0, 5]])
        keep = np.setdiff1d(np.arange(len(before)), [0, 5])
        assert np.array_equal(model.embeddings, before.embeddings[keep])
        assert np.array_equal(model.plain_embeddings, before.plain_embeddings[keep])
        assert model.plain_graph.digest == build_graph(model.plain_embeddings, 10).digest
        model.save(tmp_path / "m")
        assert imgsim.load_model(tmp_path / "m").digest == model.digest

    def test_all_is_refined_anew_where_the_projection_is_fitted_again(self, collection, tiny_store):
        images = imgsim.load_images(collection)
        model = imgsim.create(images[:20], backbone="mini", store=tiny_store, refine=True, progress=False)
        model.add(images[20:], store=tiny_store)
        whole = imgsim.create(images, backbone="mini", store=tiny_store, refine=True, progress=False)
        assert np.array_equal(model.plain_embeddings, whole.plain_embeddings)
        assert np.array_equal(model.embeddings, whole.embeddings)
        assert model.graph.digest == whole.graph.digest


class TestFolder:
    @pytest.fixture
    def saved(self, model, tmp_path) -> Path:
        model.save(tmp_path / "m")
        return tmp_path / "m"

    def test_comes_back(self, model, saved, collection, rng):
        loaded = imgsim.load_model(saved)
        assert (loaded.digest, loaded.revision) == (model.digest, model.revision)
        assert np.array_equal(loaded.plain_embeddings, model.plain_embeddings)
        assert loaded.references.plain.built_graph is None
        assert loaded.plain_graph.digest == model.plain_graph.digest
        assert loaded.summary("dict")["Embedding"] == model.summary("dict")["Embedding"]
        picture = rng.integers(0, 256, (60, 80, 3), np.uint8)
        pd.testing.assert_frame_equal(loaded.query(picture), model.query(picture))

    def test_of_a_plain_model_has_no_plain_vectors(self, models, tmp_path):
        models[0].save(tmp_path / "m")
        assert not (tmp_path / "m" / "plain.arrow").exists()

    @pytest.mark.parametrize("how", ["copy", "deepcopy", "pickle"])
    def test_copies_answer_alike(self, model, how, rng):
        made = ForkingPickler.loads(ForkingPickler.dumps(model)) if how == "pickle" else getattr(copy, how)(model)
        assert made.digest == model.digest
        assert made.references.plain.built_graph is not None
        picture = rng.integers(0, 256, (60, 80, 3), np.uint8)
        pd.testing.assert_frame_equal(made.query(picture), model.query(picture))
        made.remove(0)
        assert len(model.plain_embeddings) == len(made.plain_embeddings) + 1

    def test_a_flipped_byte_is_found(self, saved):
        data = bytearray((saved / "plain.arrow").read_bytes())
        data[len(data) // 2] ^= 1
        (saved / "plain.arrow").write_bytes(data)
        with pytest.raises(imgsim.ModelFormatError, match=r"plain\.arrow is damaged"):
            imgsim.load_model(saved)

    @pytest.mark.parametrize("shape", [(3, 18), (56, 4)])
    def test_plain_vectors_of_another_shape_are_refused(self, saved, shape):
        forge(saved, "plain.arrow", np.ones(shape, np.float32))
        with pytest.raises(imgsim.ModelFormatError, match=r"plain\.arrow does not fit the embeddings"):
            imgsim.load_model(saved)

    def test_plain_vectors_without_a_projection_are_refused(self, saved):
        (saved / "projection.safetensors").unlink()
        manifest = json.loads((saved / "manifest.json").read_text())
        del manifest["parts"]["projection.safetensors"]
        (saved / "manifest.json").write_text(json.dumps(manifest))
        with pytest.raises(imgsim.ModelFormatError, match=r"plain\.arrow does not fit the embeddings"):
            imgsim.load_model(saved)

    def test_plain_vectors_that_the_manifest_does_not_know_are_refused(self, models, tmp_path):
        models[0].save(tmp_path / "m")
        write_embeddings(models[0].embeddings, tmp_path / "m" / "plain.arrow")
        with pytest.raises(imgsim.ModelFormatError, match=r"plain\.arrow is not in the manifest"):
            imgsim.load_model(tmp_path / "m")


def forge(folder: Path, name: str, matrix: np.ndarray) -> None:
    """Replace vectors of a saved model, and what the manifest says of them."""
    write_embeddings(matrix, folder / name)
    data = (folder / name).read_bytes()
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["parts"][name] = {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    (folder / "manifest.json").write_text(json.dumps(manifest))
