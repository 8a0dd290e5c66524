import numpy as np
import pytest

from dashboards.services import search
from dashboards.services.filters import Filters
from dashboards.services.loaded import Loaded
from dashboards.services.search import PICTURE, Results, Term

ALL = Filters()


def ask(loaded: Loaded, row: int, **options: object) -> Results:
    options = {"k": 10, "filters": ALL, "label": loaded.model.images.labels[row], "exclude": (row,), **options}
    return search.ranked(loaded, loaded.model.embeddings[row], **options)


def rows(results: Results) -> list[int]:
    return [hit.row for hit in results.hits]


# What a query is made of


def test_terms_survive_the_url(loaded: Loaded):
    terms = [
        Term(3, 1.0),
        Term(4, -0.5),
        Term(5, 1.25, (10, 20, 90, 100)),
        Term(PICTURE, -2.0, (0, 0, 50, 50), "u0123456789ab"),
    ]
    text = search.format_terms(loaded, terms)
    assert search.parse_terms(loaded, text, {"u0123456789ab"}) == (terms, [])


def test_a_twin_keeps_its_own_row(loaded: Loaded, twins: tuple[int, int]):
    for row in twins:
        assert search.parse_terms(loaded, search.format_terms(loaded, [Term(row, 1.0)])) == ([Term(row, 1.0)], [])


def test_what_nobody_here_is_called_is_named(loaded: Loaded):
    terms, missing = search.parse_terms(loaded, f"{loaded.key(1)} nosuch -0.5*u0123456789ab")
    assert terms == [Term(1, 1.0)]
    assert missing == ["nosuch", "u0123456789ab"]
    assert [search.is_picture_key(key) for key in missing] == [False, True]


def test_weights_and_lengths_have_limits(loaded: Loaded):
    key = loaded.key(0)
    assert search.parse_terms(loaded, f"900*{key} -0*{key}")[0] == [Term(0, search.MOST_WEIGHT)]
    assert len(search.parse_terms(loaded, f"{key} " * 99)[0]) == search.MOST_TERMS


@pytest.mark.parametrize(
    ("edges", "crop"),
    [
        ((0, 0, 100, 100), None),
        ((10, 20, 50, 60), (10, 20, 50, 60)),
        ((50, 50, 10, 10), (50, 50, 51, 51)),
        ((100, 100, 999, 999), (99, 99, 100, 100)),
    ],
)
def test_a_crop_lies_in_the_picture_and_is_not_empty(edges: tuple[int, int, int, int], crop: object):
    assert search.sound_crop(*edges) == crop


def test_more_and_less_add_up():
    terms = search.steered([Term(1, 1.0)], 2, search.MORE)
    assert terms == [Term(1, 1.0), Term(2, 1.0)]
    terms = search.steered(terms, 2, search.LESS)
    assert terms == [Term(1, 1.0), Term(2, 0.5)]
    assert search.steered(terms, 2, search.LESS) == [Term(1, 1.0)], "at zero it is out"


def test_a_cropped_image_is_steered_apart_from_the_whole():
    terms = [Term(1, 1.0, (0, 0, 50, 50))]
    assert search.steered(terms, 1, search.MORE) == [*terms, Term(1, 1.0)]


def test_steering_keeps_the_last_terms():
    terms = [Term(row, 1.0) for row in range(search.MOST_TERMS)]
    steered = search.steered(terms, 99, search.LESS)
    assert len(steered) == search.MOST_TERMS
    assert steered[-1] == Term(99, search.LESS)


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


def test_images_by_name(loaded: Loaded):
    paths = loaded.model.images.paths
    assert search.find_rows(loaded, paths[4]) == ([4], 1)
    assert search.find_rows(loaded, str(loaded.model.ids[4])) == ([4], 1)
    cubes = [row for row, path in enumerate(paths) if "cube/" in path]
    assert search.find_rows(loaded, "CUBE/", most=3) == (cubes[:3], len(cubes))
    assert search.find_rows(loaded, "no such") == ([], 0)
    assert search.find_rows(loaded, "  ") == ([], 0)


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
    assert (plain.hits[0].distance, plain.hits[0].duplicate) == (0.0, "same bytes")
    collapsed = ask(loaded, first, collapse=True)
    assert second not in rows(collapsed)
    assert collapsed.collapsed >= 1
    assert len(collapsed.hits) == 10


def test_the_second_copy_in_an_answer_is_marked(loaded: Loaded, twins: tuple[int, int]):
    other = next(row for row, group in enumerate(loaded.duplicate_group) if group < 0)
    results = ask(loaded, other, k=len(loaded))
    marks = {hit.row: hit.duplicate for hit in results.hits}
    assert sorted(str(marks[row]) for row in twins) == ["None", "same bytes"]
    collapsed = ask(loaded, other, k=len(loaded), collapse=True)
    assert len({int(loaded.duplicate_group[row]) for row in rows(collapsed)} - {-1}) == len(
        [row for row in rows(collapsed) if loaded.duplicate_group[row] >= 0]
    ), "of each group one"
    assert collapsed.collapsed == len(results.hits) - len(collapsed.hits)


def test_the_upload_of_a_stored_file_finds_it(loaded: Loaded):
    results = ask(loaded, 3, exclude=(), own=(3,))
    assert (results.hits[0].row, results.hits[0].distance, results.hits[0].duplicate) == (3, 0.0, "same bytes")
    assert 3 in rows(ask(loaded, 3, exclude=(), own=(3,), collapse=True)), "it is what was asked for"


def test_how_far_the_nearest_is(loaded: Loaded):
    vector = loaded.model.embeddings[0]
    assert search.nearest_distance(loaded, vector, filters=ALL) == 0.0
    assert search.nearest_distance(loaded, vector, filters=ALL, exclude=(0,)) == ask(loaded, 0).hits[0].distance
    assert search.nearest_distance(loaded, vector, filters=Filters(("nothing",))) is None
