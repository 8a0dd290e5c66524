"""The offer to undo, as the browser gets it and answers."""

from streamlit.testing.v1 import AppTest

from tests.dashboard_components import send, shown


def script() -> None:
    import streamlit as st

    from dashboards.services.decided import store
    from dashboards.widgets import decide
    from dashboards.widgets.decisions import person
    from dashboards.widgets.shell.undo import offer_undo

    if "ran" not in st.session_state:
        st.session_state["ran"] = True
        store().set_label("0" * 64, "tree")
        person.give("Eva")
        decide.undo(1, "Action 1 \u202eundone")
    offer_undo("undo")


def test_the_last_act_is_offered_and_undone_once():
    test = AppTest.from_function(script).run()
    said = {"turn": 1, "words": "Action 1 \\u202eundone", "undone": False, "person": "Eva", "cookie": "imgsim-person"}
    assert shown(test, "undo") == said
    test = send(test, "undo", "step", "undo")
    assert shown(test, "undo") == {**said, "turn": 2, "undone": True}
    test = send(test, "undo", "step", "undo")
    assert [toast.value for toast in test.toast] == ["There is nothing to undo."]
    test = send(test, "undo", "step", "sideways")
    test = send(test, "undo", "step", "redo")
    assert shown(test, "undo") == {**said, "turn": 3}
    assert not test.exception
