from datetime import UTC, datetime

import pytest

from dashboards.services.models.registry import RegistryProblem, Version, chosen, run_metrics
from imgsim.mlflow.registry import TAG_REVISION


def version(number: str, *aliases: str, **tags: str) -> Version:
    return Version("imgsim-x", number, aliases, datetime(2026, 1, 2, tzinfo=UTC), {}, dict(tags), None, None)


KNOWN = [version("3"), version("2", "champion"), version("1", "challenger")]


@pytest.mark.parametrize(("wanted", "meant"), [("", "2"), ("champion", "2"), ("challenger", "1"), ("3", "3")])
def test_a_version_by_alias_or_number(wanted: str, meant: str):
    assert chosen(KNOWN, wanted).version == meant


def test_without_a_champion_the_newest():
    assert chosen([version("3"), version("2")], "").version == "3"


def test_no_such_version_names_those_there_are():
    with pytest.raises(RegistryProblem, match=r"no version 'nine'; there are challenger, champion, 3, 2, 1") as problem:
        chosen(KNOWN, "nine")
    assert problem.value.kind == "no_version"


def test_the_token_names_the_content_or_else_the_place():
    assert version("1", **{TAG_REVISION: "ab" * 20}).token == ("ab" * 20)[:20]
    assert version("1").token == "imgsim-x-1-20260102000000"


def test_metrics_of_a_run_that_cannot_be_asked_are_none(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'absent.db'}")
    assert run_metrics("0" * 32) == {}
    assert run_metrics(None) == {}
