"""Actions in words."""

import pytest

from dashboards.views.history.actions import actions
from imgsim.decisions import Decisions
from tests.unit.decisions.sha import A, B, C


@pytest.fixture
def store() -> Decisions:
    return Decisions().as_person("eva")


def words(store: Decisions) -> list[str]:
    return [action.words for action in reversed(actions(store.history()))]


def test_every_kind_in_words(store: Decisions):
    store.set_label([A, B], "<b>\n", version="models:/imgsim-x/3")
    store.set_label(A, None)
    store.add_tag(A, "t")
    store.remove_tag([A, B], "t")
    store.mark(A, "keep")
    store.mark(A, "spare")
    store.mark([A, B, C], "not_duplicates")
    store.mark(A, "reviewed")
    store.unmark(A, "reviewed")
    store.mark_pairs(A, B, True)
    store.mark_pairs([A, A], [B, C], False)
    store.mark_pairs(A, B, None)
    store.undo(12)
    store.undo(13)
    assert words(store) == [
        "labelled 2 pictures <b>\\n",
        "took the label of 1 picture back",
        "tagged 1 picture t",
        "took the tag t from 2 pictures",
        "chose 1 picture to keep",
        "chose 1 picture to spare",
        "marked 3 pairs as no duplicates",
        "reviewed 1 picture",
        "reviewed: took 1 picture back",
        "marked 1 pair as alike",
        "marked 2 pairs as not alike",
        "took the marks of 1 pair back",
        "undid action 12",
        "redid action 12",
    ]
    first = actions(store.history())[-1]
    assert (first.by, first.seen, first.undone, first.reverse) == ("eva", "models:/imgsim-x/3", False, 1)


def test_several_values_are_not_named(store: Decisions):
    from imgsim.decisions.events import Event
    from imgsim.decisions.kinds import Kind

    store.record("label", [Event(Kind.LABEL, A, "one"), Event(Kind.LABEL, B, "two")])
    assert words(store) == ["labelled 2 pictures with several"]


def test_what_undoes_and_redoes_an_action(store: Decisions):
    store.set_label(A, "one")

    def undo_or_redo() -> str:
        action = actions(store.history())[-1]
        assert action.reverse is not None
        store.undo(action.reverse)
        return store.labels().get(A, "none")

    assert [undo_or_redo() for _ in range(5)] == ["none", "one", "none", "one", "none"]
    assert [action.reverse for action in actions(store.history())] == [None] * 5 + [6]


def test_a_removal_is_for_good(store: Decisions):
    store.set_label(A, "one")
    store.forget(A)
    last = actions(store.history())[0]
    assert (last.words, last.reverse) == ("removed pictures for good", None)


def test_no_actions(store: Decisions):
    assert actions(store.history()) == []
