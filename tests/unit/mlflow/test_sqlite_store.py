"""MLflow's database in the home: addresses of any path, and homes that were moved or copied."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlflow import MlflowClient

from imgsim.errors import RegistryError
from imgsim.mlflow import sqlite_store
from imgsim.mlflow.connection import connect, create_database, default_tracking_uri, exists, experiment_id

PARTS = st.text(st.characters(codec="utf-8", exclude_characters="/\0", exclude_categories=["Cs", "Cc"]), min_size=1)


@settings(deadline=None)
@given(st.lists(PARTS.filter(lambda part: part not in {".", ".."}), min_size=1, max_size=3))
def test_every_path_has_an_address_that_names_it(parts: list[str]) -> None:
    path = Path("/", *parts, "mlflow.db")
    assert sqlite_store.sqlite_path(sqlite_store.sqlite_uri(path)) == path


def test_a_plain_path_stays_readable() -> None:
    assert sqlite_store.sqlite_uri(Path("/a b/#1/mlflow.db")) == "sqlite:////a b/#1/mlflow.db"
    assert sqlite_store.sqlite_path("http://127.0.0.1:5000") is None


@pytest.fixture
def moved(tmp_path: Path, empty_database: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, str]:
    """A home `old % home?` with one artifact, and the run that logged it."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    old = tmp_path / "old %41 home?"
    monkeypatch.setenv("IMGSIM_HOME", str(old))
    old.mkdir()
    shutil.copy(empty_database, old)
    with connect() as connection:
        run = connection.client.create_run(experiment_id(connection.client, "imgsim", default_tracking_uri()))
        connection.client.log_text(run.info.run_id, "kept", "note.txt")
    return old, run.info.run_id


def addresses(home: Path) -> list[str]:
    with closing(sqlite3.connect(home / "mlflow.db")) as records:
        found = records.execute("SELECT artifact_location FROM experiments WHERE name = 'imgsim'").fetchall()
        return [address for (address,) in found + records.execute("SELECT artifact_uri FROM runs").fetchall()]


def note(client: MlflowClient, run: str, folder: Path) -> str:
    folder.mkdir(exist_ok=True)
    return Path(client.download_artifacts(run, "note.txt", str(folder))).read_text()


def test_a_moved_home_is_followed(moved: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old, run = moved
    new = tmp_path / "#new home"
    before = addresses(old)
    old.rename(new)
    monkeypatch.setenv("IMGSIM_HOME", str(new))
    with connect() as connection:
        assert note(connection.client, run, tmp_path / "got") == "kept"
    assert all(address.startswith((new / "mlartifacts").as_uri()) for address in addresses(new))
    with closing(sqlite3.connect(new / sqlite_store.BACKUP)) as records:
        assert records.execute("SELECT artifact_uri FROM runs").fetchall() == [(before[1],)]


def test_a_copied_home_uses_its_own_files_and_the_old_one_stays(
    moved: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, run = moved
    before = addresses(old)
    shutil.copytree(old, tmp_path / "copy")
    monkeypatch.setenv("IMGSIM_HOME", str(tmp_path / "copy"))
    with connect():
        pass
    shutil.rmtree(old / "mlartifacts")
    with connect() as connection:
        assert note(connection.client, run, tmp_path / "got") == "kept"
    assert addresses(old) == before


def test_a_home_by_another_name_and_artifacts_elsewhere_are_left_alone(
    moved: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, _ = moved
    before = addresses(old)
    (tmp_path / "link").symlink_to(old)
    monkeypatch.setenv("IMGSIM_HOME", str(tmp_path / "link"))
    with connect():
        pass
    assert addresses(old) == before
    (old / "mlartifacts").rename(tmp_path / "mlartifacts")  # the recorded artifact is in neither place
    old.rename(tmp_path / "renamed")
    monkeypatch.setenv("IMGSIM_HOME", str(tmp_path / "renamed"))
    with connect():
        pass
    assert addresses(tmp_path / "renamed") == before


def test_a_damaged_database_is_one_message_at_once(home: Path) -> None:
    (home / "mlflow.db").write_bytes(b"no database" * 100)
    assert exists()
    with pytest.raises(RegistryError, match=r"mlflow\.db refused: file is not a database"), connect():
        pass


def test_a_folder_that_cannot_be_made_is_one_message(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises((RegistryError, OSError)):
        create_database(sqlite_store.sqlite_uri(tmp_path / "file" / "mlflow.db"))
