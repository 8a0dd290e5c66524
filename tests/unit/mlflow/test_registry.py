"""Names and failures of the registry; what it does right is in integration/test_mlflow_*.py."""

import socket
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from imgsim.errors import ArgumentError, RegistryError
from imgsim.mlflow import registry
from imgsim.mlflow.connection import default_tracking_uri
from imgsim.mlflow.registry import choose
from imgsim.mlflow.version import TAG_EVALUATION, TAG_REVISION, Version
from tests.faults.servers import Proxy


def test_registered_name() -> None:
    assert registry.registered_name("caltech-101") == "imgsim-caltech-101"


@pytest.mark.parametrize("collection", ["", "Caltech", "a/b", "a b", "a'b", "ä", "a\n"])
def test_a_bad_collection_name_is_refused(collection: str) -> None:
    with pytest.raises(ArgumentError, match="lower-case letters"):
        registry.registered_name(collection)


def test_tracking_uri_comes_from_the_environment_then_from_home(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:5000")
    assert default_tracking_uri() == "http://127.0.0.1:5000"
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    monkeypatch.setenv("IMGSIM_HOME", str(tmp_path))
    assert default_tracking_uri() == f"sqlite:///{tmp_path / 'mlflow.db'}"


def test_without_a_database_there_is_nothing_and_none_is_made(tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path / 'absent' / 'mlflow.db'}"
    with pytest.raises(RegistryError, match="run the pipeline once"):
        registry.load("flowers", tracking_uri=uri)
    assert not (tmp_path / "absent").exists()


def test_a_dead_server_is_one_clear_error() -> None:
    with socket.socket() as probe:  # bound and not listening: connections are refused
        probe.bind(("127.0.0.1", 0))
        uri = f"http://127.0.0.1:{probe.getsockname()[1]}"
        with pytest.raises(RegistryError, match=r"does not answer .*start it \(`imgsim ui`\)"):
            registry.load("flowers", tracking_uri=uri)


@pytest.mark.parametrize(("code", "remedy"), [("500", "server's own log"), ("503", "its database does not answer")])
def test_a_server_that_answers_errors_is_given_up(code: str, remedy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", raising=False)  # else 8 requests, and 4 minutes
    for name in ("BACKOFF_FACTOR", "BACKOFF_JITTER"):
        monkeypatch.setenv(f"MLFLOW_HTTP_REQUEST_{name}", "0")
    with closing(Proxy(mode=code)) as server:
        with pytest.raises(RegistryError, match=remedy):
            registry.load("flowers", tracking_uri=server.address)
        assert server.hurt == 1 + 4  # whether it is there at all, and what was wanted


def version(number: str, *aliases: str, **tags: str) -> Version:
    return Version("imgsim-x", number, aliases, datetime(2026, 1, 2, tzinfo=UTC), {}, dict(tags), None, None)


KNOWN = [version("3"), version("2", "champion"), version("1", "challenger")]


@pytest.mark.parametrize(("wanted", "meant"), [("", "2"), ("champion", "2"), ("challenger", "1"), ("3", "3")])
def test_a_version_by_alias_or_number(wanted: str, meant: str):
    assert choose(KNOWN, wanted).version == meant


def test_without_a_champion_the_newest():
    assert choose([version("3"), version("2")], "").version == "3"


def test_no_such_version_names_those_there_are():
    with pytest.raises(RegistryError, match=r"no version 'nine'; there are challenger, champion, 3, 2, 1") as problem:
        choose(KNOWN, "nine")
    assert problem.value.kind == "no_version"


def test_the_token_names_the_content_or_else_the_place():
    assert version("1", **{TAG_REVISION: "ab" * 20}).token == ("ab" * 20)[:20]
    assert version("1", **{TAG_REVISION: "ab" * 20, TAG_EVALUATION: "cd" * 20}).token == ("ab" * 20)[:20] + "cdcdcdcd"
    assert version("1").token == "imgsim-x-1-20260102000000"
