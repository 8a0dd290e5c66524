"""Who decides, in a script as Streamlit runs it."""

import pytest
from streamlit.testing.v1 import AppTest

from dashboards.widgets.decisions import person


def script() -> None:
    import streamlit as st

    from dashboards.widgets.decisions import person

    st.session_state["before"] = person.person(), person.to_keep()
    person.give("\u202eMax " + "x" * 100)
    st.session_state["after"] = person.person(), person.to_keep()


def found(test: AppTest) -> tuple[object, object]:
    test.run()
    assert not test.exception
    return test.session_state["before"], test.session_state["after"]


def test_nobody_is_known_at_first_and_a_name_is_kept():
    name = ("Max " + "x" * 100)[: person.LONGEST]
    assert found(AppTest.from_function(script)) == ((None, None), (name, name))


def test_the_name_that_the_browser_kept(monkeypatch: pytest.MonkeyPatch):
    import streamlit as st

    monkeypatch.setattr(type(st.context), "cookies", property(lambda _: {person.COOKIE: "Zo%C3%AB%0A"}))
    assert found(AppTest.from_function(script))[0] == ("Zoë", None)


def test_who_is_logged_in_goes_before_any_name(monkeypatch: pytest.MonkeyPatch):
    import streamlit as st

    monkeypatch.setattr(st, "user", {"is_logged_in": True, "name": "Eva", "email": "eva@example.com"})
    before, after = found(AppTest.from_function(script))
    assert before == ("eva@example.com", None)
    assert after[0] == "eva@example.com"  # type: ignore[index]
    monkeypatch.setattr(st, "user", {"is_logged_in": True, "name": "Eva"})
    assert person.logged_in() == "Eva"
