import numpy as np

from dashboards.services import search
from dashboards.services.filters import Filters
from dashboards.services.models.loaded_model import Loaded
from dashboards.services.search import Results

ALL = Filters()


def ask(loaded: Loaded, row: int, **options: object) -> Results:
    options = {"k": 10, "filters": ALL, "label": loaded.model.images.labels[row], "exclude": (row,), **options}
    return search.rank_images(loaded, loaded.model.embeddings[row], **options)


def rows(results: Results) -> list[int]:
    return [hit.row for hit in results.hits]


def test_one_vector_is_asked_as_it_is(rng: np.random.Generator):
    vector = rng.normal(size=8).astype(np.float32)
    assert search.blend([vector], [0.3], unit=True) is vector


def test_a_blend_of_unit_vectors_has_length_one(rng: np.random.Generator):
    vectors = [v / np.linalg.norm(v) for v in rng.normal(size=(3, 8)).astype(np.float32)]
    blended = search.blend(vectors, [1.0, 0.5, -0.5], unit=True)
    assert blended is not None
    wanted = vectors[0] + 0.5 * vectors[1] - 0.5 * vectors[2]
    np.testing.assert_allclose(blended, wanted / np.linalg.norm(wanted), rtol=1e-5)


def test_a_blend_of_raw_vectors_does_not_depend_on_where_zero_lies(rng: np.random.Generator):
    one, other = rng.normal(size=(2, 8)).astype(np.float32)
    here = search.blend([one, other], [1.0, 2.0], unit=False)
    there = search.blend([one + 5, other + 5], [1.0, 2.0], unit=False)
    assert here is not None
    assert there is not None
    np.testing.assert_allclose(there - 5, here, rtol=1e-4, atol=1e-4)


def test_vectors_can_cancel_out(rng: np.random.Generator):
    vector = rng.normal(size=8).astype(np.float32)
    assert search.blend([vector, vector], [1.0, -1.0], unit=True) is None


def test_the_label_that_all_have(loaded: Loaded):
    labels = loaded.model.images.labels
    cubes = [row for row, label in enumerate(labels) if label == "cube"]
    torus = labels.index("torus")
    assert search.common_label(loaded, cubes) == "cube"
    assert search.common_label(loaded, [*cubes, torus]) is None
    assert search.common_label(loaded, []) is None


# Finding an image to ask with


def test_random_is_the_same_for_the_same_seed_and_passes_the_filters(loaded: Loaded):
    only = Filters(("torus",))
    found = {search.random_row(loaded, only, seed) for seed in range(30)}
    assert {loaded.model.images.labels[row] for row in found if row is not None} == {"torus"}
    assert len(found) > 3
    assert search.random_row(loaded, ALL, 5) == search.random_row(loaded, ALL, 5)
    assert search.random_row(loaded, Filters(("nothing",)), 5) is None


# The answer


def test_the_answer_is_that_of_the_library(loaded: Loaded):
    ids = loaded.model.ids
    for row in range(0, len(loaded), 7):
        wanted = loaded.model.query(ids[row], k=11)
        wanted = wanted[wanted["reference_label"] != ids[row]].head(10)
        results = ask(loaded, row)
        assert [ids[hit.row] for hit in results.hits] == wanted["reference_label"].tolist()
        np.testing.assert_array_equal([hit.distance for hit in results.hits], wanted["distance"])
        assert [hit.rank for hit in results.hits] == list(range(1, 11))
        assert results.considered == len(loaded) - 1


def test_filters_narrow_the_answer(loaded: Loaded):
    results = ask(loaded, 0, filters=Filters(("torus",)))
    assert {loaded.model.images.labels[row] for row in rows(results)} == {"torus"}
    assert results.considered == loaded.model.images.labels.count("torus")


def test_more_than_there_are(loaded: Loaded):
    results = ask(loaded, 0, k=10_000)
    assert sorted(rows(results)) == list(range(1, len(loaded)))


def test_nothing_passes(loaded: Loaded):
    results = ask(loaded, 0, filters=Filters(("nothing",)))
    assert (results.hits, results.considered) == ([], 0)


def test_the_cut_leaves_out_what_is_further_away(loaded: Loaded):
    whole = ask(loaded, 0)
    cut = whole.hits[4].distance
    assert rows(ask(loaded, 0, cut=cut)) == [hit.row for hit in whole.hits if hit.distance <= cut]


def test_same_and_other_label(loaded: Loaded):
    labels = loaded.model.images.labels
    same, other = ask(loaded, 0, same="same", k=40), ask(loaded, 0, same="other", k=40)
    assert {labels[row] for row in rows(same)} == {labels[0]}
    assert labels[0] not in {labels[row] for row in rows(other)}
    assert all(hit.same is True for hit in same.hits)
    assert all(hit.same is False for hit in other.hits)
    assert all(hit.same is None for hit in ask(loaded, 0, label=None, same="same").hits), (
        "without label it says nothing"
    )


def test_a_twin_is_marked_and_can_be_collapsed(loaded: Loaded, twins: tuple[int, int]):
    first, second = twins
    plain = ask(loaded, first)
    assert plain.hits[0].row == second
    assert (plain.hits[0].distance, plain.hits[0].duplicate) == (0.0, "identical file")
    collapsed = ask(loaded, first, collapse=True)
    assert second not in rows(collapsed)
    assert collapsed.collapsed >= 1
    assert len(collapsed.hits) == 10


def test_the_second_copy_in_an_answer_is_marked(loaded: Loaded, twins: tuple[int, int]):
    other = next(row for row, group in enumerate(loaded.duplicate_group) if group < 0)
    results = ask(loaded, other, k=len(loaded))
    marks = {hit.row: hit.duplicate for hit in results.hits}
    assert sorted(str(marks[row]) for row in twins) == ["None", "identical file"]
    collapsed = ask(loaded, other, k=len(loaded), collapse=True)
    assert len({int(loaded.duplicate_group[row]) for row in rows(collapsed)} - {-1}) == len(
        [row for row in rows(collapsed) if loaded.duplicate_group[row] >= 0]
    ), "of each group one"
    assert collapsed.collapsed == len(results.hits) - len(collapsed.hits)


def test_the_upload_of_a_stored_file_finds_it(loaded: Loaded):
    results = ask(loaded, 3, exclude=(), own=(3,))
    assert (results.hits[0].row, results.hits[0].distance, results.hits[0].duplicate) == (3, 0.0, "identical file")
    assert 3 in rows(ask(loaded, 3, exclude=(), own=(3,), collapse=True)), "it is what was asked for"


def test_how_far_the_nearest_is(loaded: Loaded):
    vector = loaded.model.embeddings[0]
    assert search.nearest_distance(loaded, vector, filters=ALL) == 0.0
    assert search.nearest_distance(loaded, vector, filters=ALL, exclude=(0,)) == ask(loaded, 0).hits[0].distance
    assert search.nearest_distance(loaded, vector, filters=Filters(("nothing",))) is None
