"""What the dashboard shows when there is nothing to show, or when something breaks while it is open."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import mlflow
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from dashboards import session
from dashboards.services.models import registry
from dashboards.session import OpenModel, replaced
from dashboards.state import View
from dashboards.views.evaluation import timings
from imgsim.errors import RegistryError
from imgsim.mlflow.connection import default_tracking_uri
from imgsim.mlflow.shared.copies import downloads
from tests.dashboard_components import choice
from tests.dashboard_registry import NAME

OpenPage = Callable[..., AppTest]


@pytest.fixture
def client(dashboard_registry: Path) -> mlflow.MlflowClient:
    return mlflow.MlflowClient(f"sqlite:///{dashboard_registry / 'mlflow.db'}")


@pytest.fixture
def moving_alias(client: mlflow.MlflowClient) -> Iterator[Callable[[str], None]]:
    """Move the champion; it is put back afterwards."""
    before = client.get_model_version_by_alias(NAME, "champion").version

    def move(version: str) -> None:
        client.set_registered_model_alias(NAME, "champion", version)
        session.forget()

    yield move
    move(before)


@pytest.fixture
def fresh() -> Iterator[None]:
    """Nothing is in memory."""
    registry.MODELS.clear()
    yield
    registry.MODELS.clear()


def elsewhere(monkeypatch: pytest.MonkeyPatch, uri: str) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    st.cache_data.clear()


def plain(text: str) -> str:
    return text.replace("\\", "")


def test_no_registry_says_how_to_make_one(open_page: OpenPage, monkeypatch, tmp_path: Path):
    elsewhere(monkeypatch, f"sqlite:///{tmp_path / 'mlflow.db'}")
    test = open_page("start")
    assert not test.exception
    assert test.title[0].value == "Nothing here yet: make a collection"
    assert "pictures that look alike" in test.markdown[0].value, "what this is"
    assert "There is no MLflow database" in plain(test.caption[0].value)
    assert not test.error
    assert "imgsim run" in test.code[0].value
    assert not (tmp_path / "mlflow.db").exists()


def test_a_server_that_is_down_says_how_to_start_it_and_another_try_helps(open_page: OpenPage, monkeypatch):
    good = default_tracking_uri()
    elsewhere(monkeypatch, "http://user:secret@127.0.0.1:9")
    test = open_page("tidy_up")
    assert test.title[0].value == "No registry answers"
    assert "imgsim ui" in plain(test.error[0].value)
    assert "secret" not in test.error[0].value
    monkeypatch.setenv("MLFLOW_TRACKING_URI", good)
    next(button for button in test.button if button.label == "Try again").click().run()
    assert not test.error
    assert test.title[0].value == "Tidy up"


def test_a_registry_without_models_says_so(open_page: OpenPage, monkeypatch, empty_database: Path):
    elsewhere(monkeypatch, f"sqlite:///{empty_database}")
    test = open_page()
    assert test.title[0].value == "Nothing here yet: make a collection"
    assert "imgsim run" in test.code[0].value


@pytest.mark.parametrize("model", ["imgsim-absent", "imgsim-' OR 1=1", "other-model", "<img src=x>"])
def test_a_link_to_a_model_that_is_not_there(open_page: OpenPage, model: str):
    test = open_page("evaluation", model=model)
    assert not test.exception
    assert test.title[0].value == "There is no such collection"
    assert model in plain(test.error[0].value)
    next(button for button in test.button if button.label == "Open the newest collection").click().run()
    assert "model" not in test.query_params
    assert test.session_state["open"].view.model == NAME
    assert test.title[0].value == "Evaluation"


def test_a_link_to_a_version_that_is_not_there(open_page: OpenPage):
    test = open_page("evaluation", version="99")
    assert test.title[0].value == "There is no such version"
    assert "there are challenger, champion, 2, 1" in plain(test.error[0].value)
    assert choice(test.selectbox, "version").value == "champion"
    choice(test.selectbox, "version").select("1").run()
    assert test.title[0].value == "Evaluation"
    assert test.session_state["open"].version.version == "1"


def test_files_that_are_gone_from_the_server(
    open_page: OpenPage, fresh, monkeypatch, home: Path, dashboard_folder: Path
):
    monkeypatch.setenv("IMGSIM_HOME", str(home))
    moved = dashboard_folder / "artifacts-elsewhere"
    shutil.move(dashboard_folder / "artifacts", moved)
    try:
        test = open_page()
        assert test.title[0].value == "This version cannot be opened"
        assert "could not be downloaded" in plain(test.error[0].value)
        assert str(dashboard_folder) not in test.error[0].value
    finally:
        shutil.move(moved, dashboard_folder / "artifacts")
    next(button for button in test.button if button.label == "Try again").click().run()
    assert not test.error
    assert not list(downloads().glob(".*"))


@pytest.mark.parametrize("victim", ["embeddings.arrow", "neighbors.parquet", "manifest.json", "images.parquet"])
def test_a_damaged_download_is_put_aside_and_fetched_anew(
    open_page: OpenPage, fresh, monkeypatch, home: Path, victim: str
):
    monkeypatch.setenv("IMGSIM_HOME", str(home))
    registry.load(registry.newest())
    registry.MODELS.clear()
    path = min(downloads().rglob(victim), key=lambda path: len(path.parts))
    path.write_bytes(path.read_bytes()[:100])
    test = open_page("start")
    assert test.title[0].value == "This version cannot be opened"
    assert "arrived damaged" in plain(test.error[0].value)
    assert str(home) not in plain(test.error[0].value)
    next(button for button in test.button if button.label == "Try again").click().run()
    assert not test.error


def test_the_registry_fails_while_the_dashboard_is_open(open_page: OpenPage, monkeypatch):
    test = open_page("evaluation", version="1")
    assert not test.warning
    elsewhere(monkeypatch, "http://127.0.0.1:9")
    test.run()
    assert not test.exception
    assert "Shown is version 1" in plain(test.warning[0].value)
    assert test.title[0].value == "Evaluation"
    test.switch_page("views/compare/page.py").run()
    assert not test.exception
    assert "does not answer" in plain(test.warning[-1].value)
    test.query_params["version"] = "2"
    test.run()
    assert test.title[0].value == "No registry answers"


def test_times_that_cannot_be_read_are_not_called_absent(open_page: OpenPage, monkeypatch):
    def fail(run_id: str) -> None:
        raise RegistryError("The server does not answer.")

    monkeypatch.setattr(timings.registry, "run_metrics", fail)
    test = open_page("evaluation", section="timings")
    assert "cannot be read at the moment" in plain(test.warning[0].value)
    assert not [info for info in test.info if "noted no times" in info.value]


def test_an_alias_that_moves_takes_the_page_along(open_page: OpenPage, moving_alias):
    moving_alias("1")
    test = open_page("evaluation", version="champion")
    assert test.session_state["open"].version.version == "1"
    moving_alias("2")
    test.run()
    assert test.session_state["open"].version.version == "2"
    assert [toast.value for toast in test.toast] == ["Best version is now 2."]
    test.run()
    assert not test.toast


def test_a_number_stays_when_the_alias_moves(open_page: OpenPage, moving_alias):
    moving_alias("1")
    test = open_page("evaluation", version="1")
    moving_alias("2")
    test.run()
    assert test.session_state["open"].version.version == "1"
    assert not test.toast


def test_a_new_champion_that_cannot_be_opened_leaves_the_one_in_use(
    open_page: OpenPage, moving_alias, fresh, monkeypatch, home: Path, dashboard_folder: Path
):
    monkeypatch.setenv("IMGSIM_HOME", str(home))
    moving_alias("1")
    test = open_page("evaluation", version="champion")
    moving_alias("2")
    moved = dashboard_folder / "artifacts-elsewhere"
    shutil.move(dashboard_folder / "artifacts", moved)
    try:
        test.run()
        assert not test.exception
        assert "Shown is version 1" in plain(test.warning[0].value)
        assert test.title[0].value == "Evaluation"
    finally:
        shutil.move(moved, dashboard_folder / "artifacts")
    test.run()
    assert test.session_state["open"].version.version == "2"
    assert not test.warning


def test_a_click_that_runs_the_answer_alone_notices_it_too(open_page: OpenPage, moving_alias, monkeypatch):
    moving_alias("1")
    test = open_page("search", version="champion")
    before: OpenModel = test.session_state["open"]
    assert before.version.version == "1"
    assert not replaced(before)
    moving_alias("2")
    assert replaced(before)
    assert not replaced(dataclasses.replace(before, view=View(version="1"))), "a number stays what it is"
    elsewhere(monkeypatch, "http://127.0.0.1:9")
    assert not replaced(before), "of a registry that fails nothing is known"
