import pytest

from imgsim.decisions import Decisions, Kind, open_decisions
from imgsim.decisions.copies import copy_events, decide_copies, file_key
from imgsim.errors import ArgumentError
from tests.unit.decisions.sha import A, B


@pytest.fixture
def store(home) -> Decisions:
    return open_decisions()


def test_copies_are_kept_and_spared_in_one_action(store):
    action = decide_copies(store, [A, B], [True, False], by="ann")
    assert (store.kept(), store.spared()) == ({A}, {B})
    assert store.deciders(Kind.COPY) == {(A, "", ""): "ann", (B, "", ""): "ann"}
    assert store.history()[["kind", "pictures"]].values.tolist() == [["copies", 2]]
    store.undo(action)
    assert not store.kept() | store.spared() | set(store.deciders(Kind.COPY))


def test_the_last_to_decide_is_named(store):
    decide_copies(store, [A], [True], by="ann")
    last = decide_copies(store, [A], [False], by="ben")
    assert store.deciders(Kind.COPY) == {(A, "", ""): "ben"}
    store.undo(last, by="ann")
    assert store.deciders(Kind.COPY) == {(A, "", ""): "ann"}


def test_files_of_the_same_bytes_are_decided_about_one_by_one(store):
    odd = "b/\udcff.jpg"
    decide_copies(store, [A, A], [True, False], ["a.jpg", odd])
    found = {one.key: one.value for one in store.current(Kind.FILE)}
    assert found == {file_key("a.jpg"): "keep", file_key(odd): "spare"}
    assert not store.kept() | store.spared(), "nothing is said about the picture itself"
    assert store.history()["value"].tolist() == [None]
    decide_copies(store, [A], [True], [odd])
    assert store.history(1)["value"].tolist() == ["keep"], "a person cannot read a path's hash"
    store.forget(A)
    assert store.current(Kind.FILE) == []


@pytest.mark.parametrize(("sha256s", "keep", "paths"), [([], [], None), ([A], [], None), ([A], [True], ["a", "b"])])
def test_what_does_not_fit_is_refused(sha256s, keep, paths):
    with pytest.raises(ArgumentError):
        copy_events(sha256s, keep, paths)
