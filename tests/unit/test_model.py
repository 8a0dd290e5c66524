import io
import os
from copy import copy

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy.spatial.distance import cdist

import imgsim


@pytest.fixture(scope="module")
def vectors() -> np.ndarray:
    matrix = np.random.default_rng(1).standard_normal((120, 8)).astype(np.float32)
    matrix[100] = matrix[3]
    return matrix


@pytest.fixture(scope="module")
def vector_model(vectors) -> imgsim.SimilarityModel:
    return imgsim.create(embeddings=vectors, k=6, progress=False)


def picture(model, row=0):
    return Image.open(io.BytesIO(model.thumbnails([row])[0])).convert("RGB")


class TestQueryInputs:
    def test_every_form_of_a_stored_file_is_at_distance_zero_from_itself(self, tiny_model, tiny_images):
        images = imgsim.load_images(tiny_images)
        path = tiny_images / images.paths[7]
        for x in (images[7], str(path), path, path.read_bytes(), [path], 7, [7], np.int64(7), np.array([7])):
            frame = tiny_model.query(x, k=1)
            assert frame["distance"].tolist() == [0.0]
            assert frame["reference_label"].tolist() == [7]

    def test_pixels_are_at_distance_zero_too(self, tiny_model, tiny_images):
        path = tiny_images / tiny_model.images.paths[5]
        with Image.open(path) as image:
            frame = tiny_model.query(image, k=1)
        assert frame["reference_label"].tolist() == [5]
        assert frame["distance"][0] < 0.2  # Pillow and libjpeg-turbo may decode a grey level apart
        decoded = imgsim.decoding.decode.decode(path.read_bytes())
        assert tiny_model.query(decoded, k=1)["distance"].tolist() == [0.0]

    def test_new_pictures_as_gray_and_rgba_arrays(self, tiny_model, rng):
        for shape in ((50, 60), (50, 60, 3), (50, 60, 4)):
            assert len(tiny_model.query(rng.integers(0, 255, shape, np.uint8), k=4)) == 4

    def test_embeddings_and_raw_features_are_told_apart_by_length(self, tiny_model, tiny_images, tiny_store):
        frame = tiny_model.query(tiny_model.embeddings[3], k=1)
        assert (frame["reference_label"][0], frame["distance"][0]) == (3, 0)
        features = imgsim.extract_features(imgsim.load_images(tiny_images), imgsim.get_backbone("mini"), tiny_store)
        assert tiny_model.query(features.matrix, k=1)["distance"].eq(0).all()

    def test_result_does_not_depend_on_how_many_are_asked(self, tiny_model, tiny_images, tiny_store):
        raw = imgsim.extract_features(imgsim.load_images(tiny_images), imgsim.get_backbone("mini"), tiny_store).matrix
        together = tiny_model.query(raw, k=7)
        for row in (0, 13, 39):
            alone = tiny_model.query(raw[row], k=7)
            mine = together[together["query_label"] == row].reset_index(drop=True)
            pd.testing.assert_frame_equal(alone.drop(columns="query_label"), mine.drop(columns="query_label"))

    @pytest.mark.parametrize("junk", [None, 3.5, object(), [None], {"a": 1}])
    def test_unknown_types_are_type_errors(self, tiny_model, junk):
        with pytest.raises(TypeError, match="cannot search for"):
            tiny_model.query(junk)

    def test_unusable_queries_say_which_and_why(self, tiny_model, tmp_path):
        (tmp_path / "text.jpg").write_text("not a picture")
        with pytest.raises(imgsim.QueryError, match=r"text\.jpg"):
            tiny_model.query([tmp_path / "text.jpg", tmp_path / "text.jpg"])
        with pytest.raises(imgsim.QueryError, match="there is no such file"):
            tiny_model.query("no/such/file.jpg")
        with pytest.raises(imgsim.QueryError, match="no reference image has the id 999"):
            tiny_model.query(999)
        with pytest.raises(imgsim.QueryError, match="empty"):
            tiny_model.query([])

    def test_vectors_with_nan_or_of_wrong_length_are_refused(self, vector_model):
        with pytest.raises(imgsim.QueryError, match="query 1 holds NaN"):
            vector_model.query(np.array([[0.0] * 8, [np.nan] * 8]))
        with pytest.raises(imgsim.QueryError, match="have 9 values; this model's have 8"):
            vector_model.query(np.zeros(9))

    def test_a_model_of_vectors_cannot_be_asked_with_pictures(self, vector_model, tiny_images):
        with pytest.raises(imgsim.BackboneError, match="holds no network"):
            vector_model.query(next(tiny_images.rglob("*.jpg")))
        with pytest.raises(imgsim.BackboneError, match="holds no network"):
            vector_model.query(np.zeros((20, 20, 3), np.uint8))


class TestQueryRules:
    @pytest.mark.parametrize(("k", "radius"), [(4, None), (None, 2.5), (4, 2.5), (None, None), (500, None), (3, 0.0)])
    def test_four_combinations_equal_filtered_brute_force(self, vector_model, vectors, k, radius):
        frame = vector_model.query(vectors[:10], k=k, radius=radius)
        distances = cdist(vectors[:10], vectors)
        np.fill_diagonal(distances, 0)
        for row in range(10):
            order = np.argsort(distances[row], kind="stable")
            limit = np.inf if radius is None else radius
            expected = [i for i in order[: k or 120] if distances[row, i] <= limit]
            mine = frame[frame["query_label"] == row]
            assert mine["reference_label"].tolist() == expected
            assert mine["rank"].tolist() == list(range(1, len(expected) + 1))

    def test_radius_zero_finds_every_exact_duplicate(self, vector_model):
        assert vector_model.query(3, k=None, radius=0)["reference_label"].tolist() == [3, 100]

    @pytest.mark.parametrize("k", [0, -1, "cat", 2.0, True])
    def test_bad_k(self, vector_model, k):
        with pytest.raises((ValueError, TypeError), match="k must be"):
            vector_model.query(0, k=k)

    @pytest.mark.parametrize("radius", [-1, "cat", float("nan"), True])
    def test_bad_radius(self, vector_model, radius):
        with pytest.raises((ValueError, TypeError), match="radius must be"):
            vector_model.query(0, radius=radius)

    def test_query_ids(self, tiny_model, tiny_images):
        images = imgsim.load_images(tiny_images)
        assert tiny_model.query(images[:2], k=1, ids="path")["query_label"].tolist() == images.paths[:2]
        assert tiny_model.query([4, 5], k=1, ids=["x", "y"])["query_label"].tolist() == ["x", "y"]
        with pytest.raises(imgsim.ArgumentError, match="no column 'zz'"):
            tiny_model.query(images[:2], ids="zz")
        with pytest.raises(imgsim.ArgumentError, match="1 ids for 2"):
            tiny_model.query([4, 5], ids=["x"])

    def test_label_is_turis_name_of_ids(self, tiny_model):
        frame = tiny_model.query([4, 5], k=1, label=["x", "y"])
        assert frame.equals(tiny_model.query([4, 5], k=1, ids=["x", "y"]))
        with pytest.raises(imgsim.ArgumentError, match="label= is another name of ids="):
            tiny_model.query([4], ids=["x"], label=["x"])


class TestAmong:
    """Answers among some of the images equal a full ranking of which the others are left out."""

    @pytest.fixture
    def everyone(self, tiny_model):
        return tiny_model.query([3, 17], k=None)

    def kept(self, everyone, mask, k):
        frame = everyone[mask[everyone["reference_label"]]].groupby("query_label").head(k)
        return frame.assign(rank=frame.groupby("query_label").cumcount() + 1).reset_index(drop=True)

    @pytest.mark.parametrize("k", [1, 4, 39])
    def test_a_mask(self, tiny_model, everyone, k, rng):
        mask = rng.random(40) < 0.4
        assert tiny_model.query([3, 17], k=k, among=mask).equals(self.kept(everyone, mask, k))

    def test_labels_and_ids(self, tiny_model, everyone):
        labels = np.array(tiny_model.images.labels)
        for among, mask in (
            ("cube", labels == "cube"),
            (["cube", "torus"], np.isin(labels, ["cube", "torus"])),
            ([5, 6, 30], np.isin(np.arange(40), [5, 6, 30])),
        ):
            assert tiny_model.query([3, 17], k=40, among=among).equals(self.kept(everyone, mask, 40))

    def test_with_a_radius(self, tiny_model, everyone):
        mask = np.arange(40) % 2 == 0
        near = self.kept(everyone, mask, 40)
        near = near[near["distance"] <= 1.0].reset_index(drop=True)
        assert tiny_model.query([3, 17], k=None, radius=1.0, among=mask).equals(near)

    def test_nobody(self, tiny_model):
        assert len(tiny_model.query(3, among=np.zeros(40, bool))) == 0
        assert len(tiny_model.query(3, k=None, radius=2.0, among=[])) == 0

    @pytest.mark.parametrize(
        ("among", "error", "message"),
        [
            ("pyramid", imgsim.ArgumentError, "'pyramid', which is neither a label nor an id"),
            ([4, 99], imgsim.ArgumentError, "99"),
            (np.ones(39, bool), imgsim.ArgumentError, "shape"),
            ([0.5], imgsim.ArgumentTypeError, "mask"),
        ],
    )
    def test_what_names_no_images(self, tiny_model, among, error, message):
        with pytest.raises(error, match=message):
            tiny_model.query(3, among=among)


def test_embedded_pixels_are_a_query(tiny_model, tiny_images):
    from PIL import Image

    path = tiny_images / tiny_model.images.paths[7]
    with Image.open(path) as picture:
        turned = picture.convert("RGB").rotate(5)
    vector = tiny_model.embed_pixels(turned)
    assert vector.shape == (tiny_model.embeddings.shape[1],)
    assert np.array_equal(vector, tiny_model.embed_pixels(np.asarray(turned)))
    assert tiny_model.query(vector, k=3).equals(tiny_model.query(turned, k=3))
    with pytest.raises(imgsim.ArgumentTypeError, match="uint8"):
        tiny_model.embed_pixels(np.zeros((4, 4, 3)))


class TestShow:
    def test_a_row_per_query(self, tiny_model, tiny_images):
        path = tiny_images / tiny_model.images.paths[7]
        pixels = np.zeros((30, 20, 3), np.uint8)
        queries = [path, path.read_bytes(), pixels]
        one, three = tiny_model.show(queries[:1], k=2), tiny_model.show(queries, k=2)
        assert one.width == three.width
        assert three.height > 2 * one.height
        assert tiny_model.show(queries[:1], k=4).width > one.width

    def test_a_notebook_shows_it(self, tiny_model):
        assert tiny_model.show([3, 4], k=2)._repr_png_().startswith(b"\x89PNG")

    def test_right_and_wrong_labels_are_marked(self, tiny_model):
        from imgsim.images.contact_sheet import BAD, GOOD

        row = 3
        others = [label for label in set(tiny_model.images.labels) if label != tiny_model.images.labels[row]]
        sheets = {among: tiny_model.show(row, k=2, among=among) for among in (None, others[0])}
        colors = {among: set(map(tuple, np.asarray(sheet).reshape(-1, 3))) for among, sheet in sheets.items()}
        assert GOOD in colors[None]
        assert BAD in colors[others[0]]
        assert GOOD not in colors[others[0]]

    def test_vectors_have_no_picture(self, vector_model):
        assert vector_model.show(np.asarray(vector_model.embeddings[:2]), k=3).height > 0


class TestGraph:
    def test_graph_is_the_query_without_its_first_rank(self, tiny_model):
        edges = tiny_model.similarity_graph(k=2)
        frame = tiny_model.query(list(range(40)), k=3)
        frame = frame[frame["rank"] > 1]
        assert edges["dst_id"].tolist() == frame["reference_label"].tolist()
        assert edges["distance"].tolist() == frame["distance"].tolist()
        assert edges["rank"].tolist() == (frame["rank"] - 1).tolist()

    def test_default_gives_five_edges_each_and_no_self_edge(self, tiny_model):
        edges = tiny_model.similarity_graph()
        assert len(edges) == 5 * 40
        assert not (edges["src_id"] == edges["dst_id"]).any()

    def test_self_edges_are_one_of_the_k(self, tiny_model):
        edges = tiny_model.similarity_graph(k=3, include_self_edges=True)
        assert len(edges) == 3 * 40
        first = edges[edges["rank"] == 1]
        assert first["src_id"].tolist() == first["dst_id"].tolist()
        assert (first["distance"] == 0).all()

    def test_beyond_the_stored_k_and_beyond_n(self, tiny_model):
        assert len(tiny_model.similarity_graph(k=25)) == 25 * 40
        assert len(tiny_model.similarity_graph(k=1000)) == 39 * 40

    @pytest.mark.parametrize(("k", "radius"), [(3, 2.0), (None, 2.0), (None, None)])
    def test_radius_and_all(self, vector_model, vectors, k, radius):
        edges = vector_model.similarity_graph(k=k, radius=radius)
        distances = cdist(vectors, vectors)
        np.fill_diagonal(distances, np.inf)
        within = np.sort(distances, axis=1)[:, : k or 119] <= (np.inf if radius is None else radius)
        assert len(edges) == within.sum()

    def test_forms_agree(self, tiny_model):
        edges = tiny_model.similarity_graph(k=4)
        table = tiny_model.similarity_graph(k=4, output="table")
        assert table["reference_label"].tolist() == edges["dst_id"].tolist()
        graph = tiny_model.similarity_graph(k=4, output="networkx")
        assert graph.number_of_edges() == 160
        assert graph.nodes[0]["label"] == tiny_model.images.labels[0]
        sparse = tiny_model.similarity_graph(k=4, output="sparse")
        assert sparse.shape == (40, 40)
        assert sparse.nnz == 160
        src, dst, distance = edges["src_id"][5], edges["dst_id"][5], edges["distance"][5]
        assert sparse[src, dst] == graph.edges[src, dst]["distance"] == distance
        with pytest.raises(imgsim.ArgumentError, match="output must be"):
            tiny_model.similarity_graph(output="SGraph")


class TestSummary:
    def test_three_forms(self, tiny_model, capsys):
        assert tiny_model.summary() is None
        printed = capsys.readouterr().out
        assert tiny_model.summary("str") + "\n" == printed
        assert tiny_model.summary("dict")["Images"]["images"] == 40
        assert "mini" in repr(tiny_model)
        with pytest.raises(imgsim.ArgumentError, match="output must be"):
            tiny_model.summary("html")


def test_embeddings_are_read_only(tiny_model):
    with pytest.raises(ValueError, match="read-only"):
        tiny_model.embeddings[0, 0] = 1


def test_neighbours_mostly_carry_the_label(tiny_model):
    assert copy(tiny_model).evaluate().metrics["precision_at_10"] > 0.5
    assert copy(tiny_model).evaluate(k=1).metrics["nn1_accuracy"] > 0.6


@pytest.mark.parametrize("name", ["\0.jpg", "pipe.jpg", "/dev/zero", "\udcff.jpg", "x" * 300])
def test_a_query_by_a_name_that_is_no_file_is_answered_at_once(tiny_model, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    os.mkfifo(tmp_path / "pipe.jpg")
    with pytest.raises(imgsim.QueryError, match="cannot be used"):
        tiny_model.query(name)


def test_a_list_of_floats_is_a_vector_and_a_memoryview_is_a_file(tiny_model, tiny_images):
    vector = tiny_model.embeddings[3]
    assert tiny_model.query(vector.tolist()).equals(tiny_model.query(vector))
    data = next(tiny_images.rglob("*.jpg")).read_bytes()
    assert tiny_model.query(memoryview(data)).equals(tiny_model.query(data))
    assert tiny_model.query(range(2)).equals(tiny_model.query([0, 1]))


def test_a_masked_array_is_no_vectors(rng):
    values = np.ma.masked_greater(rng.random((9, 4)), 0.5)
    with pytest.raises(imgsim.ArgumentError, match="masked"):
        imgsim.create(embeddings=values, progress=False)


@pytest.mark.parametrize("device", ["gpu", "", None, 3])
def test_an_unknown_device_is_refused_also_where_all_features_are_stored(tiny_images, tiny_store, device):
    with pytest.raises((imgsim.ArgumentError, imgsim.ArgumentTypeError), match="device must be"):
        imgsim.create(tiny_images, store=tiny_store, device=device, backbone="mini", progress=False)
