"""Decisions: what was decided last counts, nothing is lost, and every action can be undone."""

import multiprocessing
import sqlite3
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imgsim.decisions import Decisions, open_decisions
from imgsim.decisions.events import MOST_PAIRS
from imgsim.errors import ArgumentError, ArgumentTypeError
from tests.unit.decisions.sha import A, B, C, D, sha


@pytest.fixture
def store(home: Path) -> Decisions:
    return open_decisions()


def test_reading_makes_no_file(store: Decisions, home: Path):
    assert (store.labels(), store.tags(), store.kept(), store.last_action) == ({}, {}, set(), 0)
    assert [len(frame) for frame in (store.pairs(), store.pictures(), store.history())] == [0, 0, 0]
    with pytest.raises(ArgumentError, match="nothing was decided"):
        store.undo()
    assert store.forget(A) == 0
    assert list(home.glob("decisions*")) == []
    assert store.set_label(A, "tree") == 1
    assert [path.name for path in home.glob("decisions*")] == ["decisions.db"]


def test_the_last_label_counts_and_none_takes_it_back(store: Decisions):
    store.set_label([A, B, A.upper()], "tree")
    store.set_label(B, "bush")
    assert store.labels() == {A: "tree", B: "bush"}
    before = store.digest
    store.set_label(A, None)
    assert store.labels() == {B: "bush"}
    store.set_label(A, "tree")
    assert store.digest == before


def test_tags_are_added_and_removed_one_by_one(store: Decisions):
    store.add_tag([A, B], "blurry")
    store.add_tag(A, " at night ")
    store.remove_tag(B, "blurry")
    assert store.tags() == {A: ("at night", "blurry")}


def test_marks(store: Decisions):
    store.mark([A, B], "keep", group="7")
    store.mark(B, "spare")
    store.mark([C, B], "reviewed")
    assert (store.kept(), store.spared(), store.reviewed()) == ({A}, {B}, {B, C})
    store.unmark(B, "keep")
    store.unmark(B, "reviewed")
    assert (store.spared(), store.reviewed()) == (set(), {C})
    table = store.pictures().set_index("sha256")
    assert table.loc[A].tolist() == [None, (), "keep", "7", False]
    assert table.loc[C].tolist() == [None, (), None, None, True]


def test_pairs_have_no_sides_and_one_decision_each(store: Decisions):
    store.mark_pairs([A, B], [B, C], True)
    store.mark_pairs(B, A, False)
    found = store.pairs()
    assert {(*sorted((one, other)), yes) for one, other, yes in found.itertuples(index=False)} == {
        (*sorted((A, B)), False),
        (*sorted((B, C)), True),
    }
    assert (found["left"] < found["right"]).all()
    assert found["alike"].dtype == bool
    store.mark_pairs(C, B, None)
    assert len(store.pairs()) == 1


def test_pictures_that_are_not_duplicates_are_pairs(store: Decisions):
    store.mark([A, B, C], "not_duplicates")
    store.unmark([C, A], "not_duplicates")
    assert store.not_duplicates() == {tuple(sorted(two)) for two in ((A, B), (B, C))}


def test_undo_walks_back_and_redoes(store: Decisions):
    store.set_label(A, "tree", by="eva")
    store.set_label([A, B], "bush", by="eva")
    store.set_label(C, "rock", by="max")
    undone = store.undo(by="eva")
    assert (undone.target, undone.kind, undone.done, undone.action) == (2, "label", "undo", 4)
    assert store.labels() == {A: "tree", C: "rock"}
    assert store.undo(by="eva").target == 1
    assert store.labels() == {C: "rock"}
    with pytest.raises(ArgumentError, match="eva has decided nothing that still counts"):
        store.undo(by="eva")
    assert store.undo(4, by="max").done == "redo"
    assert store.labels() == {A: "bush", B: "bush", C: "rock"}
    with pytest.raises(ArgumentError, match="counts again already"):
        store.undo(4)
    assert store.undo(6).target == 2, "an undo of a redo is an undo"
    with pytest.raises(ArgumentError, match="action 2 is undone already"):
        store.undo(2)
    with pytest.raises(ArgumentError, match="no action 99"):
        store.undo(99)


def test_an_undo_leaves_what_others_decided_later(store: Decisions):
    store.set_label(A, "tree", by="eva")
    store.set_label(A, "bush", by="max")
    store.undo(by="eva")
    assert store.labels() == {A: "bush"}


def test_history_tells_who_when_from_which_version(store: Decisions):
    store.set_label([A, B], "tree", by="eva", version="models:/imgsim-x/3")
    store.add_tag(A, "blurry", by="max")
    store.undo(1, by="max")
    found = store.history()
    assert found["action"].tolist() == [3, 2, 1]
    assert found["by"].tolist() == ["max", "max", "eva"]
    assert found["version"].tolist() == [None, None, "models:/imgsim-x/3"]
    assert found["kind"].tolist() == ["undo", "tag", "label"]
    assert found["value"].tolist() == ["1", "blurry", "tree"]
    assert found["pictures"].tolist() == [0, 1, 2]
    assert found["undone"].tolist() == [False, False, True]
    assert str(found["time"].dt.tz) == "UTC"
    assert found["time"].is_monotonic_decreasing
    assert store.history(1)["action"].tolist() == [3]
    assert store.last_action == 3


def test_who_decides_is_by_default_the_login_name(store: Decisions, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LOGNAME", "eva")
    store.set_label(A, "tree")
    assert store.history()["by"].tolist() == ["eva"]


def test_the_same_store_for_a_person(store: Decisions, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LOGNAME", "server")
    eva = store.as_person("eva")
    eva.set_label(A, "tree")
    eva.set_label(B, "tree", by="max")
    eva.undo()
    store.add_tag(A, "t")
    assert store.history()["by"].tolist() == ["server", "eva", "max", "eva"]
    assert store.labels() == {B: "tree"}, "the last action of that person"
    assert eva.as_person(None).add_tag(A, "u") == 5
    assert store.history(1)["by"].tolist() == ["server"]
    with pytest.raises(ArgumentError, match="name must not be empty"):
        store.as_person(" ")
    with pytest.raises(ArgumentError, match="by must not be empty"):
        eva.add_tag(A, "v", by="")


def test_forget_removes_every_trace_of_a_picture(store: Decisions, home: Path):
    store.set_label([A, B], "secret tree")
    store.mark_pairs([A, C], [C, D], True)
    assert store.forget(A) == 2
    assert store.labels() == {B: "secret tree"}
    assert len(store.pairs()) == 1
    assert store.history()["kind"].tolist() == ["forget", "alike", "label"]
    with pytest.raises(ArgumentError, match="for good"):
        store.undo(3)
    assert not [path for path in home.glob("decisions*") if A.encode() in path.read_bytes()]
    assert store.forget(A) == 0, "and the history says so once"
    assert store.last_action == 3


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda store: store.set_label("", "tree"), ArgumentError, "'' in sha256s is no sha256"),
        (lambda store: store.set_label(["cat.jpg"], "tree"), ArgumentError, "'cat.jpg' in sha256s is no sha256"),
        (lambda store: store.set_label([17], "tree"), ArgumentTypeError, "not int"),
        (lambda store: store.set_label(17, "tree"), ArgumentTypeError, "not int"),
        (lambda store: store.set_label([], "tree"), ArgumentError, "holds no picture"),
        (lambda store: store.set_label(A, " "), ArgumentError, "label must not be empty"),
        (lambda store: store.set_label(A, "a\0b"), ArgumentError, "null character"),
        (lambda store: store.set_label(A, "\ud800"), ArgumentError, "no text"),
        (lambda store: store.set_label(A, 3), ArgumentTypeError, "label must be text"),
        (lambda store: store.set_label(A, "tree", by=""), ArgumentError, "by must not be empty"),
        (lambda store: store.set_label(A, "tree", version=3), ArgumentTypeError, "version must be text"),
        (lambda store: store.add_tag(A, "a;b"), ArgumentError, "separates tags"),
        (lambda store: store.add_tag(A, "a" * 201), ArgumentError, "at most 200 characters, not 201"),
        (lambda store: store.mark(A, "kept"), ArgumentError, "mark must be one of keep, spare"),
        (lambda store: store.mark(A, "reviewed", group="1"), ArgumentError, "group= belongs to"),
        (lambda store: store.mark(A, "not_duplicates"), ArgumentError, "at least two"),
        (lambda store: store.mark(map(sha, range(448)), "not_duplicates"), ArgumentError, f"more than {MOST_PAIRS:,}"),
        (lambda store: store.mark_pairs([A], [A], True), ArgumentError, "paired with itself"),
        (lambda store: store.mark_pairs([A, B], [C], True), ArgumentError, "2 pictures on the left and 1"),
        (lambda store: store.mark_pairs([], [], True), ArgumentError, "no pairs"),
        (lambda store: store.mark_pairs(A, B, "yes"), ArgumentTypeError, "alike must be True or False"),
        (lambda store: store.undo("last"), ArgumentTypeError, "whole number"),
        (lambda store: store.history(0), ArgumentError, "limit must be at least 1"),
    ],
)
def test_what_cannot_be_decided(store: Decisions, home: Path, call, error, words):
    with pytest.raises(error, match=words):
        call(store)
    assert list(home.glob("decisions*")) == []


def test_all_of_an_action_is_stored_or_nothing(store: Decisions):
    store.set_label(A, "tree")
    with pytest.raises(ArgumentError):
        store.set_label([B, C, "no sha"], "bush")
    assert (store.labels(), store.last_action) == ({A: "tree"}, 1)


step = st.one_of(
    st.tuples(st.just("label"), st.integers(0, 3), st.sampled_from(["x", "y", None])),
    st.tuples(st.just("undo"), st.integers(1, 12), st.none()),
)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(step, max_size=10))
def test_the_state_is_that_of_the_actions_that_count(tmp_path: Path, steps):
    """Against a model: actions in order, without those that are undone."""
    path = tmp_path / "decisions.db"
    path.unlink(missing_ok=True)
    store = open_decisions(path)
    labels: dict[int, tuple[str, str | None]] = {}  # of each action that labels
    undos: dict[int, tuple[str, int]] = {}  # what each other one did, and to which
    counts: dict[int, bool] = {}
    for what, one, label in steps:
        if what == "label":
            labels[store.set_label(sha(one), label)] = (sha(one), label)
            counts[max(labels)] = True
            continue
        done, target = undos.get(one, ("redo", one))
        wanted = "undo" if done == "redo" else "redo"
        if counts.get(target) == (wanted == "undo"):
            found = store.undo(one)
            assert (found.done, found.target) == (wanted, target)
            undos[found.action] = (wanted, target)
            counts[target] = wanted == "redo"
        else:
            with pytest.raises(ArgumentError):
                store.undo(one)
    state = dict(labels[action] for action in sorted(labels) if counts[action])
    assert store.labels() == {key: label for key, label in state.items() if label is not None}


def decide(path: Path, person: int, count: int) -> None:
    store = open_decisions(path)
    for number in range(count):
        store.set_label([sha(person * count + number), sha(-1)], f"{person}", by=f"person {person}")


def test_processes_that_write_at_once_lose_nothing(tmp_path: Path):
    """From the first action on, for which each of them may make the file."""
    path, people, count = tmp_path / "new" / "decisions.db", 3, 10
    spawn = multiprocessing.get_context("spawn")
    writers = [spawn.Process(target=decide, args=(path, person, count)) for person in range(people)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(120)
    assert [writer.exitcode for writer in writers] == [0] * people
    store = open_decisions(path)
    history = store.history(None)
    assert sorted(history["action"]) == list(range(1, people * count + 1))
    assert history["by"].value_counts().to_dict() == {f"person {person}": count for person in range(people)}
    labels = store.labels()
    assert labels.pop(sha(-1)) == history["by"][0].removeprefix("person "), "of the newest action"
    assert labels == {sha(person * count + i): f"{person}" for person in range(people) for i in range(count)}
    with sqlite3.connect(path) as records:
        assert records.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert records.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    records.close()
