import numpy as np
import pytest

from dashboards.services import query, uploads
from dashboards.services.models.loaded_model import Loaded
from dashboards.services.query_text import PICTURE, Term
from dashboards.services.search import Vector
from dashboards.services.uploads import Picture, Refused


def stored(loaded: Loaded, term: Term) -> Vector:
    return loaded.model.embeddings[term.row]


def test_one_image_is_asked_by_its_own_vector(loaded: Loaded):
    asked, refused = query.build_query(loaded, [Term(3, 1.0)], {}, lambda term: stored(loaded, term))
    assert asked is not None
    np.testing.assert_array_equal(asked.vector, loaded.model.embeddings[3])
    assert (asked.label, asked.exclude, asked.own) == (loaded.model.images.labels[3], (3,), (3,))
    assert refused == []


@pytest.mark.parametrize(
    ("terms", "row"),
    [
        ([Term(3, 1.0)], 3),
        ([Term(3, 2.0)], 3),
        ([Term(3, -1.0)], None),
        ([Term(3, 1.0, (0, 0, 50, 50))], None),
        ([Term(3, 1.0), Term(4, 1.0)], None),
    ],
)
def test_the_one_stored_picture_that_is_asked_with(loaded: Loaded, terms: list[Term], row: int | None):
    asked, _ = query.build_query(loaded, terms, {}, lambda term: stored(loaded, term))
    assert asked is not None
    assert asked.stored == row


def test_words_beside_a_picture_are_no_stored_picture(loaded: Loaded):
    words = loaded.model.embeddings[0]
    asked, _ = query.build_query(loaded, [Term(3, 1.0)], {}, lambda term: stored(loaded, term), words)
    assert asked is not None
    assert asked.stored is None


def test_the_label_is_that_of_what_is_asked_for_not_of_what_is_avoided(loaded: Loaded):
    labels = loaded.model.images.labels
    cube, torus = labels.index("cube"), labels.index("torus")
    asked, _ = query.build_query(loaded, [Term(cube, 1.0), Term(torus, -0.5)], {}, lambda term: stored(loaded, term))
    assert asked is not None
    assert (asked.label, asked.exclude) == ("cube", (cube, torus))


def test_terms_that_cancel_leave_no_vector(loaded: Loaded):
    asked, _ = query.build_query(loaded, [Term(3, 1.0), Term(3, -1.0)], {}, lambda term: stored(loaded, term))
    assert asked is not None
    assert asked.vector is None


def test_a_term_without_vector_is_left_out_and_told(loaded: Loaded):
    reason = Refused("a.jpg", "no.")
    bad = Term(PICTURE, 1.0, picture="u0")

    def vector(term: Term) -> Vector | Refused:
        return reason if term == bad else stored(loaded, term)

    asked, refused = query.build_query(loaded, [bad, Term(2, 1.0)], {}, vector)
    assert asked is not None
    assert asked.exclude == (2,)
    assert refused == [(bad, reason)]
    assert query.build_query(loaded, [bad], {}, vector) == (None, [(bad, reason)])
    assert query.build_query(loaded, [], {}, vector) == (None, [])


@pytest.fixture
def picture(loaded: Loaded, photo: bytes) -> tuple[Picture, Vector]:
    answer = uploads.read(loaded, "photo.jpg", photo)
    assert not isinstance(answer, Refused)
    return answer


def test_a_strange_picture_has_no_label_and_no_row(loaded: Loaded, picture: tuple[Picture, Vector]):
    mine, vector = picture
    term = Term(PICTURE, 1.0, picture=mine.key)
    asked, _ = query.build_query(
        loaded, [term, Term(2, 1.0)], {mine.key: mine}, lambda t: vector if t == term else stored(loaded, t)
    )
    assert asked is not None
    assert (asked.label, asked.exclude, asked.own) == (None, (2,), (2,))


def test_the_upload_of_a_stored_file_is_that_image_and_still_an_answer(loaded: Loaded):
    answer = uploads.read(loaded, "copy.jpg", loaded.model.images.read_bytes(3))
    assert not isinstance(answer, Refused)
    mine, vector = answer
    whole, part = Term(PICTURE, 1.0, picture=mine.key), Term(PICTURE, 1.0, (0, 0, 50, 50), mine.key)
    asked, _ = query.build_query(loaded, [whole], {mine.key: mine}, lambda _: vector)
    assert asked is not None
    assert (asked.label, asked.exclude, asked.own) == (loaded.model.images.labels[3], (), (3,))
    asked, _ = query.build_query(loaded, [part], {mine.key: mine}, lambda _: vector)
    assert asked is not None
    assert asked.own == (), "a part of it is no duplicate"


def test_the_trail_grows_and_is_cut_on_the_way_back():
    trail = query.trail_after("", "a", "b -0.5*c")
    assert query.past(trail) == ["a"]
    trail = query.trail_after(trail, "b -0.5*c", "d")
    assert query.past(trail) == ["a", "b -0.5*c"]
    assert query.trail_after(trail, "d", "d") == trail, "the same again is no step"
    assert query.past(query.trail_after(trail, "", "b -0.5*c")) == ["a"]
    assert query.trail_after(trail, "", "a") == ""


def test_the_trail_has_a_limit():
    trail = ""
    for step in range(50):
        trail = query.trail_after(trail, str(step), str(step + 1))
    assert query.past(trail) == [str(step) for step in range(50 - query.STEPS, 50)]
    assert query.past("||a| |b") == ["a", "b"]
