"""The search page over a model that takes words."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import mlflow
import pytest
from streamlit.testing.v1 import AppTest

import imgsim
from imgsim.mlflow import registry
from tests.dashboard_components import said, send, shown
from tests.text_models import colour_images, colour_model

OpenPage = Callable[..., AppTest]


@pytest.fixture(scope="module")
def coloured(tmp_path_factory: pytest.TempPathFactory, empty_database: Path) -> Path:
    """A registry with one model that takes words."""
    folder = tmp_path_factory.mktemp("words")
    uri = f"sqlite:///{shutil.copy(empty_database, folder / 'mlflow.db')}"
    client = mlflow.MlflowClient(uri)
    experiment = client.create_experiment("imgsim", artifact_location=(folder / "artifacts").as_uri())
    model = colour_model(colour_images(folder / "images"), imgsim.FeatureStore(folder / "store"))
    run = client.create_run(experiment)
    registry.register(model, collection="colours", run_id=run.info.run_id, tracking_uri=uri)
    client.set_terminated(run.info.run_id)
    return folder


@pytest.fixture
def page(coloured: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[OpenPage]:
    import streamlit as st

    monkeypatch.setenv("IMGSIM_HOME", str(coloured))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{coloured / 'mlflow.db'}")
    st.cache_data.clear()
    main = Path(__file__).parents[2] / "dashboards" / "main.py"

    def run(**query: str) -> AppTest:
        test = AppTest.from_file(str(main), default_timeout=60)
        for name, value in query.items():
            test.query_params[name] = value
        test.run()
        test.switch_page("views/search/page.py").run()
        assert not test.exception
        return test

    yield run
    st.cache_data.clear()


def names(test: AppTest) -> list[str]:
    assert not test.exception
    data = shown(test, "answer")
    assert data is not None
    return [test.session_state["open"].loaded.model.images.labels[tile["row"]] for tile in data["tiles"]]


def test_words_are_asked_and_kept_in_the_link(page: OpenPage) -> None:
    test = page(k="4")
    send(test, "find", "find", "a red car")
    assert names(test) == ["red"] * 4
    assert said(test, "words") == "a red car"
    assert any("the space that words and pictures share" in item.value for item in test.caption)
    assert not any("example" in item.value for item in test.caption)
    again = page(k="4", words="a blue car")
    assert shown(again, "find")["text"] == "a blue car"
    assert names(again) == ["blue"] * 4
    send(again, "find", "find", "")
    assert said(again, "words") == ""
    assert any("example" in item.value for item in again.caption)


def test_pictures_steer_words_and_replace_them(page: OpenPage) -> None:
    test = page(words="red", k="3")
    send(test, "answer", "action", {"kind": "less", "row": int(shown(test, "answer")["tiles"][0]["row"])})
    assert said(test, "words") == "red"
    assert said(test, "q").startswith("-0.5*")
    assert shown(test, "answer")["tiles"]
    send(test, "answer", "action", {"kind": "query", "row": int(shown(test, "answer")["tiles"][0]["row"])})
    assert said(test, "words") == ""


def test_words_offer_the_images_that_are_called_so(page: OpenPage) -> None:
    test = page(words="red")
    offer = next(item for item in test.button if item.label.startswith("List "))
    offer.click().run()
    assert said(test, "find") == "red"
    assert shown(test, "found")["tiles"]


def test_a_model_without_words_says_so(open_page: OpenPage) -> None:
    test = open_page()
    assert "what pictures show" not in shown(test, "find")["help"]
    send(test, "find", "find", "sunset")
    assert "no text tower" in test.info[0].value
    linked = open_page(words="red")
    assert any("no text tower" in item.value for item in linked.warning)
    assert shown(linked, "answer")["tiles"], "the example is shown"
