"""What a session puts aside, in a script as Streamlit runs it."""

from streamlit.testing.v1 import AppTest

from dashboards.services.loaded import Loaded


def script() -> None:
    import streamlit as st

    from dashboards.components import kept

    one, other = st.session_state["one"], st.session_state["other"]
    assert kept.versions() == []
    assert kept.toggle(one, 3)
    assert not kept.toggle(one, 3)
    assert kept.add(one, [1, 1, 2, -1, len(one)]) == 2, "once each, and only rows that there are"
    assert kept.rows(one) == (1, 2)
    assert kept.rows(other) == (), "versions do not share rows"
    kept.flip(other, 5)
    assert kept.versions() == [("imgsim-tiny", "1"), ("imgsim-tiny", "2")]
    assert kept.held("imgsim-tiny", "2") == (5,)
    kept.keep(one, [2, 7, 8])
    assert kept.rows(one) == (1, 2, 7, 8), "in the order in which they came"
    kept.clear("imgsim-tiny", "1")
    assert kept.versions() == [("imgsim-tiny", "2")]
    kept.MOST, most = 3, kept.MOST
    try:
        kept.keep(one, range(10))
        assert kept.rows(one) == (0, 1, 2), "a full basket takes no more"
        assert not kept.toggle(one, 9)
    finally:
        kept.MOST = most


def test_the_basket(loaded: Loaded):
    test = AppTest.from_function(script)
    test.session_state["one"] = loaded
    test.session_state["other"] = Loaded("imgsim-tiny", "2", "other", loaded.model)
    test.run()
    assert not test.exception
    assert [toast.value for toast in test.toast] == [
        "Added to the basket: 1 now.",
        "2 added to the basket: 4 now.",
        "Only 3 of 10 fitted into the basket: 3 now.",
    ]
