from dashboards.services.models.registry import run_metrics


def test_metrics_of_a_run_that_cannot_be_asked_are_none(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'absent.db'}")
    assert run_metrics("0" * 32) == {}
    assert run_metrics(None) == {}
