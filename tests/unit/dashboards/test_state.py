"""Parameters of the URL, in a script as Streamlit runs it."""

from streamlit.testing.v1 import AppTest


def script() -> None:
    from dashboards import state

    state.put(q="abc", trail=None, label=["a", "b"])
    state.put(label=["a", ""], q="abc")
    state.narrow(path="cube")


def test_parameters_are_set_together_and_a_filter_begins_at_the_first_page():
    test = AppTest.from_function(script)
    test.query_params.update({"page": "3", "images": "2", "trail": "x", "k": "7"})
    test.run()
    assert not test.exception
    assert dict(test.query_params) == {"k": "7", "q": "abc", "label": ["a", ""], "path": "cube"}


def test_another_collection_keeps_only_what_does_not_name_its_content():
    def script() -> None:
        from dashboards import state

        state.open_collection("imgsim-other")

    test = AppTest.from_function(script)
    test.query_params.update(
        {"model": "imgsim-one", "version": "3", "q": "abc", "label": ["a"], "k": "7", "size": "large"}
    )
    test.run()
    assert not test.exception
    assert dict(test.query_params) == {"model": "imgsim-other", "k": "7", "size": "large"}


def test_filters_of_the_url_and_how_they_are_cleared():
    def script() -> None:
        import streamlit as st

        from dashboards import state

        view = state.read()
        st.session_state["filters"] = view.filters
        state.clear_filters(same=None)

    test = AppTest.from_function(script)
    test.query_params.update(
        {
            "label": ["a", "b"],
            "tag": "later",
            "cluster": "owls",
            "reviewed": "maybe",
            "quality": "blurry",
            "pixels": "tiny",
            "page": "3",
            "k": "7",
            "same": "other",
        }
    )
    test.run()
    assert not test.exception
    found = test.session_state["filters"]
    assert (found.labels, found.tags, found.clusters) == (("a", "b"), ("later",), ("owls",))
    assert (found.reviewed, found.quality, found.sizes) == ("", ("blurry",), ("tiny",)), "nonsense counts as not said"
    assert found.seen.endswith("decisions.db 0"), "what was found holds until somebody decides"
    assert dict(test.query_params) == {"k": "7"}
