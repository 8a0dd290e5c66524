"""Decisions of a session and their undo, in a script as Streamlit runs it."""

import pytest
from streamlit.testing.v1 import AppTest

from dashboards.services import decided
from dashboards.services.models.loaded_model import Loaded


def run(loaded: Loaded, script) -> AppTest:
    test = AppTest.from_function(script)
    test.session_state["loaded"] = loaded
    test.run()
    assert not test.exception
    return test


def test_undo_walks_back_through_the_session_and_redo_forward(loaded: Loaded):
    def script() -> None:
        import streamlit as st

        from dashboards.services.decided import decided
        from dashboards.widgets.decide import decide, last, step, turn

        loaded = st.session_state["loaded"]

        def label(value: str) -> None:
            assert decide(loaded, [0], lambda to, keys, seen: to.set_label(keys, value, version=seen), f"1 {value}")

        def now() -> tuple[str | None, str, bool]:
            done = last()
            assert done is not None
            return decided(loaded).labels[0], done.words, done.undone

        assert (last(), turn()) == (None, 0)
        label("one")
        label("two")
        assert now() == ("two", "1 two", False)
        assert step(back=True)
        assert now() == ("one", "1 two", True)
        assert step(back=True)
        assert now() == (None, "1 one", True)
        assert not step(back=True), "nothing is left"
        assert step(back=False)
        assert now() == ("one", "1 one", False)
        label("three")
        assert not step(back=False), "what was undone before a new decision is not redone after it"
        assert step(back=True)
        assert now() == ("one", "1 three", True)
        assert turn() == 7

    run(loaded, script)
    history = decided.store().history()
    assert history["kind"].tolist() == ["undo", "label", "redo", "undo", "undo", "label", "label"]
    assert set(history["version"].dropna()) == {"models:/imgsim-tiny/1"}


def test_an_action_of_somebody_else_is_undone_and_redone(loaded: Loaded):
    key = loaded.model.images.sha256[0]
    decided.store().set_label(key, "tree", by="eva")

    def script() -> None:
        from dashboards.widgets.decide import step, undo

        assert undo(1, "Action 1 undone")
        assert step(back=True)

    run(loaded, script)
    assert decided.store().labels() == {key: "tree"}


def test_an_action_that_another_undid_meanwhile_is_given_up(loaded: Loaded):
    def script() -> None:
        import streamlit as st

        from dashboards.services.decided import store
        from dashboards.widgets.decide import decide, step

        decide(st.session_state["loaded"], [0], lambda to, keys, seen: to.set_label(keys, "tree"), "1 labelled tree")
        store().undo(1, by="eva")
        assert not step(back=True)
        assert not step(back=True)

    test = run(loaded, script)
    assert [toast.value for toast in test.toast] == ["Nothing was recorded: action 1 is undone already\\."]


def test_what_is_no_decision_is_undone_too(loaded: Loaded):
    def script() -> None:
        import streamlit as st

        from dashboards.widgets.decide import last, offer, step

        there = st.session_state["there"] = ["a"]

        def put_back():
            there.append("b")
            return 0, take_out

        def take_out():
            there.remove("b")
            return 0, put_back

        offer("b taken out", put_back)
        assert step(back=True)
        assert there == ["a", "b"]
        assert step(back=False)
        assert there == ["a"]
        assert last().words == "b taken out"

    run(loaded, script)


def test_the_person_is_written_down(loaded: Loaded, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LOGNAME", "server")

    def script() -> None:
        import streamlit as st

        from dashboards.widgets.decide import decide, step
        from dashboards.widgets.decisions import person

        def tag() -> None:
            decide(st.session_state["loaded"], [0], lambda to, keys, seen: to.add_tag(keys, "t"), "1 tagged t")

        tag()
        person.give("  Eva\n ")
        tag()
        step(back=True)
        person.give("")
        tag()

    run(loaded, script)
    assert decided.store().history()["by"].tolist() == ["server", "Eva", "Eva", "server"]


def test_images_without_a_file(unlabelled: Loaded):
    def script() -> None:
        import streamlit as st

        from dashboards.widgets.decide import decide, last

        assert not decide(st.session_state["loaded"], [0], lambda to, keys, seen: 1, "nothing")
        assert last() is None

    test = run(unlabelled, script)
    assert [toast.value for toast in test.toast] == ["Images without a file cannot be decided about."]
