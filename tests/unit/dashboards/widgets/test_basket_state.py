"""What a session puts aside, in a script as Streamlit runs it."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dashboards.services.models.loaded_model import Loaded


def script() -> None:
    import streamlit as st

    from dashboards.widgets import basket_state

    one, other = st.session_state["one"], st.session_state["other"]
    assert basket_state.versions() == []
    assert basket_state.toggle(one, 3)
    assert not basket_state.toggle(one, 3)
    assert basket_state.add(one, [1, 1, 2, -1, len(one)]) == 2, "once each, and only rows that there are"
    assert basket_state.rows(one) == (1, 2)
    assert basket_state.rows(other) == (), "versions do not share rows"
    basket_state.flip(other, 5)
    basket_state.change(other, [6, 7], [])
    basket_state.change(other, [6, 7], [])
    basket_state.change(other, [5], [6, 7, 8])
    assert basket_state.versions() == [("imgsim-tiny", "1"), ("imgsim-tiny", "2")]
    assert basket_state.rows_of("imgsim-tiny", "2") == (5,)
    basket_state.add_all(one, [2, 7, 8])
    assert basket_state.rows(one) == (1, 2, 7, 8), "in the order in which they came"
    basket_state.clear("imgsim-tiny", "1")
    assert basket_state.versions() == [("imgsim-tiny", "2")]
    kept = basket_state.rows_of("imgsim-tiny", "2")
    basket_state.clear("imgsim-tiny", "2")
    basket_state.add(other, [9, kept[0]])
    basket_state.put_back("imgsim-tiny", "2", kept)
    assert basket_state.rows(other) == (*kept, 9), "what came since stays, after what was there"
    basket_state.MOST, most = 3, basket_state.MOST
    try:
        basket_state.add_all(one, range(10))
        assert basket_state.rows(one) == (0, 1, 2), "a full basket takes no more"
        assert not basket_state.toggle(one, 9)
    finally:
        basket_state.MOST = most


def test_the_basket(loaded: Loaded, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("IMGSIM_HOME", str(tmp_path))
    test = AppTest.from_function(script)
    test.session_state["one"] = loaded
    test.session_state["other"] = Loaded("imgsim-tiny", "2", "other", loaded.model)
    test.run()
    assert not test.exception
    assert [toast.value for toast in test.toast] == [
        "Added to the basket: 1 now.",
        "2 added to the basket: 3 now.",
        "2 removed from the basket: 1 now.",
        "2 added to the basket: 4 now.",
        "Only 3 of 10 fitted into the basket: 3 now.",
    ]
