"""The servers of ``imgsim ui``: their addresses and environment."""

import pytest

from orchestration.commands import ui


def by_name(*arguments):
    return {service.name: service for service in ui.services(*arguments)}


@pytest.fixture(autouse=True)
def _no_server(home, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{home / 'mlflow.db'}")


def test_each_server_answers_at_its_address_and_opens_at_its_page(monkeypatch):
    monkeypatch.setenv("STREAMLIT_SERVER_BASE_URL_PATH", "/team/imgsim/")
    found = by_name(1, 2, 3, "7")
    assert found["Dagster"].page == found["Dagster"].url == "http://127.0.0.1:1"
    assert found["MLflow"].url == "http://127.0.0.1:2"
    assert found["MLflow"].page == "http://127.0.0.1:2/#/experiments/7/runs?workflowType=machine_learning"
    assert found["Dashboard"].page == found["Dashboard"].url == "http://127.0.0.1:3/team/imgsim"


def test_a_server_of_mlflow_elsewhere_is_used(monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://mlflow.example.org")
    assert "MLflow" not in by_name()


def test_modules_of_the_user_are_found(home, monkeypatch):
    """Dagster drops the first folder of the path."""
    monkeypatch.setenv("PYTHONPATH", "/mine:/other")
    assert ui._environment(ui.services())["PYTHONPATH"] == f"{home}:/mine:/other"
    monkeypatch.delenv("PYTHONPATH")
    assert "PYTHONPATH" not in ui._environment(ui.services())
