"""A team's decisions in PostgreSQL: several machines decide at once, none of it is lost, and what fails."""

import multiprocessing
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import text
from streamlit.testing.v1 import AppTest

from dashboards.services import decided
from imgsim.decisions import Decisions, database, open_decisions, tables
from imgsim.errors import DecisionsError
from tests import postgres
from tests.dashboard_components import send, shown
from tests.unit.decisions.sha import A, B, C, sha

pytest.importorskip("psycopg2")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(postgres.programs() is None, reason="no PostgreSQL: apt-get install postgresql"),
]

URL = "postgresql:///decisions"
KINDS = ("redo", "undo", "not_alike", "keep", "not_duplicates", "tag")


@pytest.fixture(scope="module")
def server() -> Iterator[postgres.Cluster]:
    with postgres.cluster() as running:
        yield running


@pytest.fixture(autouse=True)
def team(server: postgres.Cluster, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A member's machine: the address without a password, and PostgreSQL's own variables."""
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("IMGSIM_DECISIONS", URL)
    server.psql("-d", "postgres", "-c", "CREATE DATABASE decisions")
    yield
    server.psql("-d", "postgres", "-c", "DROP DATABASE decisions WITH (FORCE)")


def decide(person: int, count: int) -> None:
    with open_decisions() as store:
        for number in range(count):
            store.set_label([sha(person * count + number), sha(-1)], f"{person}", by=f"person {person}")
        store.undo(by=f"person {person}")


def test_everything_that_a_file_does(server: postgres.Cluster):
    with open_decisions() as store:
        assert (store.labels(), store.last_action, len(store.history())) == ({}, 0, 0)
        assert server.psql("-d", "decisions", "-c", "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == "0"
        store.set_label([A, B], "tree", by="eva", version="models:/imgsim-x/3")
        store.set_label(A, "bush", by="max")
        store.add_tag(A, "é")
        store.mark([A, B, C], "not_duplicates")
        store.mark(A, "keep", group="7")
        store.mark_pairs([A, B], [B, C], False)
        assert store.undo(2).done == "undo"
        with open_decisions() as other:
            assert (other.labels(), other.tags()) == ({A: "tree", B: "tree"}, {A: ("é",)})
            assert other.undo(7).done == "redo"
        assert store.labels() == {A: "bush", B: "tree"}
        assert (len(store.pairs()), len(store.not_duplicates()), store.kept()) == (2, 3, {A})
        found = store.history()
        assert found["kind"].tolist() == [*KINDS, "label", "label"]
        assert found["pictures"].tolist() == [0, 0, 2, 1, 3, 1, 1, 2]
        assert found["value"].tolist()[:2] == ["2", "2"]
        assert store.forget(A) == 7
        assert A not in server.dump("decisions").decode()


def test_machines_that_decide_at_once_lose_nothing():
    """From the first action on, for which each of them may make the tables."""
    people, count = 4, 8
    spawn = multiprocessing.get_context("spawn")
    writers = [spawn.Process(target=decide, args=(person, count)) for person in range(people)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(120)
    assert [writer.exitcode for writer in writers] == [0] * people
    with open_decisions() as store:
        history = store.history(None)
        assert sorted(history["action"]) == list(range(1, people * (count + 1) + 1))
        assert history["by"].value_counts().to_dict() == {f"person {person}": count + 1 for person in range(people)}
        assert history["undone"].sum() == people
        labels = store.labels()
        last = history[~history["undone"] & (history["kind"] == "label")].iloc[0]
        assert labels.pop(sha(-1)) == last["value"]
        assert labels == {sha(person * count + i): f"{person}" for person in range(people) for i in range(count - 1)}


ELSEWHERE = """
import sys
from imgsim.decisions import open_decisions
keys = sys.argv[1:]
with open_decisions() as store:
    assert store.labels() == dict.fromkeys(keys, "tree"), "what the dashboard recorded"
    store.add_tag(keys, "seen", by="max")
    store.set_label(keys[1], "bush", by="max")
"""


def test_a_dashboard_and_another_machine_see_each_other(open_page: Callable[..., AppTest]):
    test = open_page("browse")
    images = test.session_state["open"].loaded.model.images
    rows = [row for row, key in enumerate(images.sha256) if images.sha256.count(key) == 1][:2]
    request = {"number": 1, "kind": "label", "rows": rows, "text": "tree", "query": None}
    try:
        test = send(test, "bulk-bar", "act", request)
        subprocess.run([sys.executable, "-c", ELSEWHERE, *(images.sha256[row] for row in rows)], check=True)
        found = {tile["row"]: (tile["decided"], tile["tags"]) for tile in shown(test.run(), "browse")["tiles"]}
        assert [found[row] for row in rows] == [("tree", "seen"), ("bush", "seen")]
        test = send(test, "undo", "step", "undo")
        found = {tile["row"]: tile["decided"] for tile in shown(test, "browse")["tiles"]}
        assert [found[row] for row in rows] == [None, "bush"], "what others decided later stays"
    finally:
        decided._STORES.clear()


def test_a_thousand_pictures_are_one_action():
    with open_decisions() as store:
        assert store.set_label(map(sha, range(1000)), "tree") == 1
        assert store.history()["pictures"].tolist() == [1000]


def test_tables_of_a_newer_version_are_left_alone(server: postgres.Cluster):
    with open_decisions() as store:
        store.set_label(A, "tree")
    server.psql("-d", "decisions", "-c", f"UPDATE decision_schema SET version = {tables.VERSION + 1}")
    with open_decisions() as store, pytest.raises(DecisionsError, match="install a newer one"):
        store.set_label(A, "bush")


def test_a_lock_that_another_holds_for_longer_than_one_waits(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(database, "PATIENCE", 0.2)
    with open_decisions() as store, open_decisions() as other:
        store.set_label(A, "tree")
        with other._database.writing() as connection:
            connection.execute(text("SELECT 1"))
            with pytest.raises(DecisionsError, match="Another program has been writing for long"):
                store.set_label(A, "bush")
            assert store.labels() == {A: "tree"}, "readers do not wait"
        assert store.set_label(A, "bush") == 2


def test_a_server_that_goes_away_and_comes_back(server: postgres.Cluster):
    address = f"postgresql://{postgres.USER}:s3cret%20@127.0.0.1:{server.environment['PGPORT']}/decisions"
    with open_decisions() as store:
        store.set_label(A, "tree")
        server.stop()
        try:
            for use in (store.labels, lambda: store.set_label(A, "bush")):
                with pytest.raises(DecisionsError, match=f"{URL} cannot be used: .*Start the server, or check"):
                    use()
        finally:
            server.start()
        assert store.labels() == {A: "tree"}
    with pytest.raises(DecisionsError, match=r"password authentication failed.*Start the server, or check") as caught:
        Decisions(address).labels()
    assert "s3cret" not in str(caught.value)
