from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from dashboards.views.evaluation.versions import history, history_lines, web_address
from imgsim.mlflow.version import Version


def version(number: int, **tags: str) -> Version:
    metrics = {name.removeprefix("imgsim."): float(value) for name, value in tags.items() if name.count("_at_")}
    created = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=number)
    return Version("imgsim-tiny", str(number), ("champion",) * (number == 2), created, metrics, tags, "run", None)


def test_versions_over_time():
    newest_first = [
        version(2, **{"imgsim.precision_at_10": "0.9", "imgsim.precision_at_10_low": "0.8"}),
        version(1, **{"imgsim.recall_at_10": "1.0", "imgsim.promotion": "champion: the first"}),
    ]
    table = history(newest_first)
    assert table["version"].tolist() == ["1", "2"]
    assert table["aliases"].tolist() == ["", "champion"]
    lines = history_lines(table)
    assert lines[["version", "metric", "value"]].values.tolist() == [
        [2, "Precision@10", 0.9],
        [1, "Graph recall@10", 1.0],
    ]


@pytest.mark.parametrize("url", ["javascript:alert(1)", "file:///etc/passwd", "", None])
def test_only_web_addresses_become_links(url):
    assert web_address(url) is None
    assert web_address("HTTPS://mlflow.example/#/runs/1") == "HTTPS://mlflow.example/#/runs/1"


def test_an_empty_history_has_no_lines():
    assert history_lines(history([])).empty
    assert isinstance(history([]), pd.DataFrame)
