import numpy as np
import pyarrow as pa
import pytest

import imgsim
from imgsim.features.embeddings import Embeddings
from imgsim.images.table import ImageTable
from imgsim.insights.labels.errors import find_label_errors, one_label_right, outvoted, words
from imgsim.insights.registry import load_insight
from imgsim.neighbors.graph import build_graph
from imgsim.references.references import References
from imgsim.sample.unpack import unpack_sample


@pytest.fixture(scope="module")
def sample_model(tmp_path_factory, tiny_store) -> imgsim.SimilarityModel:
    """The packaged sample by ``mini``."""
    images = imgsim.load_images(unpack_sample(tmp_path_factory.mktemp("sample") / "images"), progress=False)
    return imgsim.create(images, store=tiny_store, backbone="mini", progress=False)


def flipped(labels: list[str], share: float, seed: int = 0) -> tuple[list[str], np.ndarray]:
    """Labels with a share of them changed to another one, and which (n,) bool."""
    rng = np.random.default_rng(seed)
    wrong = np.zeros(len(labels), bool)
    wrong[rng.choice(len(labels), round(share * len(labels)), replace=False)] = True
    names = sorted(set(labels))
    given = [
        str(rng.choice([name for name in names if name != label])) if bad else label
        for label, bad in zip(labels, wrong, strict=True)
    ]
    return given, wrong


def average_precision(hits: np.ndarray) -> float:
    return float((np.cumsum(hits) / np.arange(1, len(hits) + 1))[hits].mean())


@pytest.mark.parametrize("share", [0.01, 0.05, 0.2])
def test_planted_errors_are_found_corrected_and_counted(model_of, blobs, share):
    matrix, labels = blobs(12, 100)
    given, wrong = flipped(labels, share)
    found = find_label_errors(model_of(matrix, given))
    table = found.tables["images"]
    hits = wrong[table["row"]]
    assert len(table) == 1200
    assert average_precision(hits) > 0.95
    assert found.metrics["error_rate"] == pytest.approx(share, rel=0.2)
    assert found.metrics["expected_errors"] == pytest.approx(wrong.sum(), rel=0.2)
    top = table[hits & (table["probability"] > 0.5)]
    truth = np.array(labels)[top["row"]]
    assert (top["suggestion"] == truth).mean() > 0.95
    assert (top["votes"] > top["votes_given"]).all()
    assert table["probability"].is_monotonic_decreasing


def test_clean_labels_are_hardly_suspected(model_of, blobs):
    found = find_label_errors(model_of(*blobs(12, 100)))
    assert found.metrics["flagged"] == 0
    assert found.metrics["expected_errors"] < 5


def test_votes_are_those_of_the_graph(model_of, blobs):
    matrix, labels = blobs(4, 25)
    model = model_of(matrix, flipped(labels, 0.1)[0], k=7)
    names = np.array(model.images.labels)
    for row in find_label_errors(model).tables["images"].itertuples():
        around = names[model.graph.neighbors[row.row]]
        assert row.votes_given == (around == row.label).sum()
        assert row.votes == (around == row.suggestion).sum()
        assert row.suggestion != row.label


def test_the_classes_add_up(model_of, blobs):
    matrix, labels = blobs(5, 40)
    found = find_label_errors(model_of(matrix, flipped(labels, 0.1)[0]))
    classes = found.tables["classes"]
    assert classes["images"].sum() == found.metrics["judged"] == 200
    assert classes["flagged"].sum() == found.metrics["flagged"]
    assert classes["expected_errors"].sum() == pytest.approx(found.metrics["expected_errors"], rel=1e-4)
    assert classes["expected_errors"].is_monotonic_decreasing


def test_background_singletons_and_unlabelled_images_are_not_judged_nor_suggested(model_of, blobs):
    matrix, labels = blobs(4, 30)
    labels[90:] = ["BACKGROUND_Google"] * 30
    labels[0], labels[30:40] = "the only one", [None] * 10
    table = find_label_errors(model_of(matrix, labels)).tables["images"]
    assert set(table["row"]) == set(range(1, 30)) | set(range(40, 90))
    assert set(table["suggestion"].dropna()) <= {"class 0", "class 1", "class 2"}


def test_a_mistake_copied_several_times_is_still_found(model_of, blobs, rng):
    matrix, labels = blobs(6, 50)
    copies = matrix[:1] + 0.002 * rng.normal(size=(4, 16)).astype(np.float32)
    labels[0] = "class 3"
    table = find_label_errors(model_of(np.concatenate([matrix, copies]), [*labels, *["class 3"] * 4]))
    first = table.tables["images"][:5]
    assert set(first["row"]) == {0, 300, 301, 302, 303}
    assert set(first["suggestion"]) == {"class 0"}


def test_thirty_images(model_of, blobs):
    matrix, labels = blobs(3, 10, spread=0.3)
    labels[4] = "class 2"
    found = find_label_errors(model_of(matrix, labels, k=5))
    first = found.tables["images"].iloc[0]
    assert (first["row"], first["suggestion"]) == (4, "class 0")
    assert first["probability"] > 0.3
    assert found.metrics["flagged"] <= 1


@pytest.mark.parametrize(
    "labels", [None, ["same"] * 12, [f"own {i}" for i in range(12)], [None] * 11 + ["one"], ["BACKGROUND_Google"] * 12]
)
def test_nothing_to_judge_gives_empty_tables(model_of, blobs, labels, tmp_path):
    matrix, _ = blobs(3, 4)
    found = find_label_errors(model_of(matrix, labels, k=3))
    assert set(found.metrics.values()) == {0}
    assert {"judged", "error_rate", "expected_errors", "outvoted", "flagged"} <= set(found.metrics)
    assert [len(table) for table in found.tables.values()] == [0, 0]
    assert list(found.tables["images"])[:3] == ["row", "path", "label"]
    found.save(tmp_path)
    assert load_insight(tmp_path).digest == found.digest


@pytest.mark.parametrize("count", [1, 2])
def test_hardly_any_images(model_of, count):
    assert find_label_errors(model_of(np.eye(count, 4), ["a", "b"][:count])).metrics["judged"] == 0


def test_equal_images_with_two_labels(model_of):
    found = find_label_errors(model_of(np.ones((20, 4), np.float32), ["a"] * 18 + ["b"] * 2))
    table = found.tables["images"]
    assert len(table) == 20
    assert np.isfinite(table["probability"]).all()


def test_equal_seeds_give_equal_answers(model_of, blobs):
    matrix, labels = blobs(5, 40)
    model = model_of(matrix, flipped(labels, 0.05)[0])
    assert find_label_errors(model, seed=3).digest == find_label_errors(model, seed=3).digest


def doubled(model: References, times: int = 2) -> tuple[References, np.ndarray]:
    """The same rows several times, and for each the first row of its picture."""
    n = len(model)
    table = pa.concat_tables([model.images.table] * times).set_column(0, "id", pa.array(np.arange(times * n)))
    vectors = np.tile(np.asarray(model.embeddings), (times, 1))
    graph = build_graph(vectors, model.graph.k)
    copies = References(ImageTable(table), Embeddings(vectors, None), graph, np.arange(times * n), model.backbone)
    return copies, np.tile(np.arange(n), times)


@pytest.mark.parametrize("times", [2, 5])
def test_copies_of_every_image_change_no_probability(model_of, blobs, times):
    matrix, labels = blobs(6, 20)
    model = model_of(matrix, flipped(labels, 0.1)[0])
    once, (many, pictures) = find_label_errors(model), doubled(model, times)
    found = find_label_errors(many, pictures)
    expected = once.tables["images"].set_index("row")
    table = found.tables["images"]
    of_picture = expected.loc[pictures[table["row"]]]
    np.testing.assert_allclose(table["probability"], of_picture["probability"], atol=1e-6)
    assert table["votes"].tolist() == of_picture["votes"].tolist()
    assert found.metrics["error_rate"] == pytest.approx(once.metrics["error_rate"])
    assert found.metrics["expected_errors"] == pytest.approx(times * once.metrics["expected_errors"])


@pytest.mark.parametrize("copies", [1, 2, 5, 12])
def test_one_copy_with_another_label_is_the_error(model_of, blobs, copies):
    matrix, labels = blobs(3, 30)
    matrix = np.concatenate([matrix, np.repeat(matrix[:1], copies, axis=0)])
    labels = [*labels, *["class 0"] * (copies - 1), "class 1"]
    pictures = np.append(np.arange(90), np.zeros(copies, np.int64))
    table = find_label_errors(model_of(matrix, labels), pictures).tables["images"].set_index("row")
    odd = table.loc[89 + copies]
    assert odd["probability"] > 0.9
    assert (odd["suggestion"], odd["votes"], odd["votes_given"]) == ("class 0", 10, 0)
    assert (table.loc[[0, *range(90, 89 + copies)], "probability"] < 0.1).all()


def test_of_two_labels_of_a_picture_one_is_wrong():
    probabilities = one_label_right(np.array([0.2, 0.2, 0.01, 0.9]), 0.1, np.array([5, 5, 7, 9]))
    np.testing.assert_allclose(probabilities, [0.5, 0.5, 0.01, 0.9])
    sure = one_label_right(np.array([1.0, 0.0]), 0.1, np.array([0, 0]))
    np.testing.assert_allclose(sure, [1, 0], atol=1e-6)


def test_a_neighbour_with_many_copies_has_one_vote(model_of, blobs):
    matrix, labels = blobs(2, 15)
    matrix = np.concatenate([matrix, np.repeat(matrix[20:21], 9, axis=0)])
    matrix[30:] += 1e-4 * np.arange(9)[:, None].astype(np.float32)
    pictures = np.append(np.arange(30), np.full(9, 20))
    found = find_label_errors(model_of(matrix, [*labels, *["class 1"] * 9]), pictures).tables["images"]
    assert (found["votes"] + found["votes_given"] == 10).all()
    assert found.loc[found["row"].isin([20, *range(30, 39)]), "probability"].nunique() == 1


def test_where_none_is_likely_the_outvoted_labels_are_listed(model_of, blobs):
    """Twelve images of a class of twenty under the name of another: errors that are not at random."""
    matrix, labels = blobs(8, 20, spread=0.5)
    labels[:6], labels[20:26] = ["class 1"] * 6, ["class 0"] * 6
    found = find_label_errors(model_of(matrix, labels))
    assert found.metrics["outvoted"] >= 10
    assert found.metrics["expected_errors_low"] <= 12 <= found.metrics["expected_errors_high"]
    listed = outvoted(found)
    assert len(set(listed["row"][:24]) & {*range(6), *range(20, 26)}) >= 10
    assert f"of {found.metrics['judged']} labels are wrong" in words(found)


@pytest.mark.parametrize("classes", [8, 20])
@pytest.mark.parametrize("planted", [0, 5, 15])
def test_the_interval_holds_the_number_of_errors(model_of, blobs, classes, planted):
    for seed in range(3):
        matrix, labels = blobs(classes, 15, seed=seed)
        given, wrong = flipped(labels, planted / len(labels), seed)
        metrics = find_label_errors(model_of(matrix, given)).metrics
        assert metrics["expected_errors_low"] <= metrics["expected_errors"] <= metrics["expected_errors_high"]
        assert metrics["expected_errors_low"] <= wrong.sum() <= metrics["expected_errors_high"]


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("share", [0.025, 0.05])
def test_planted_errors_of_the_sample_rank_first(sample_model, seed, share):
    labels = list(sample_model.images.labels)
    given, wrong = flipped(labels, share, seed)
    images = sample_model.images.table
    at = images.schema.get_field_index("label")
    images = ImageTable(images.set_column(at, "label", pa.array(given, pa.string())))
    vectors = Embeddings(np.asarray(sample_model.embeddings), sample_model.projection)
    model = References(images, vectors, sample_model.graph, sample_model.ids, sample_model.backbone)
    found = find_label_errors(model)
    first = wrong[found.tables["images"]["row"][: 2 * wrong.sum()]]
    assert first.sum() >= 0.8 * wrong.sum()
    assert found.metrics["expected_errors_low"] <= wrong.sum() <= found.metrics["expected_errors_high"]
    assert found.metrics["expected_errors"] == pytest.approx(wrong.sum(), rel=0.35)
