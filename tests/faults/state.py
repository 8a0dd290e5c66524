"""What a run leaves behind, and what two homes must have in common."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from imgsim.features import store
from imgsim.features.content.table import ContentTable
from tests.faults.runs import COLLECTION, Home

NO_RUN = b"0" * 32


def results(home: Home) -> dict[str, bytes]:
    """Every visible file of the collection: tables, vectors, packages, pictures, pages.

    What may differ between two runs is taken out: ids of MLflow runs, and the seconds in ``features.json``.
    """
    folder = home.root / "collections" / COLLECTION
    ids = [run.encode() for run in mlflow_runs(home)]
    return {path.relative_to(folder).as_posix(): _lasting(path, ids) for path in _visible(folder)}


def _visible(folder: Path) -> list[Path]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return [path for path in files if not any(".tmp" in part for part in path.relative_to(folder).parts)]


def _lasting(path: Path, ids: list[bytes]) -> bytes:
    content = path.read_bytes()
    if path.name == "features.json":
        content = json.dumps({key: value for key, value in json.loads(content).items() if key != "stats"}).encode()
    for run in ids:
        content = content.replace(run, NO_RUN)
    return content


def stored(home: Home, once: bool = True) -> dict[str, dict[str, Any]]:
    """Content of the store: kind to sha256 to value.

    A feature or reason that is stored twice was computed twice: an error. Thumbnails are written before
    the features they belong to, so those of a part whose features were not written any more come again.
    Two runs at the same time may compute the same (``once`` is false).
    """
    features = [path for path in (home.root / "store" / "features").glob("*") if path.is_dir()]
    assert len(features) <= 1, "one network only"
    everything = store.FeatureStore(home.root / "store")
    tables = {"thumbnail": everything.thumbnails, "reason": everything.undecodable}
    if features:
        tables["feature"] = everything.features(features[0].name)
    return {name: _rows(table, name, once and name != "thumbnail") for name, table in tables.items()}


def _rows(table: ContentTable, value: str, once: bool) -> dict[str, Any]:
    import pyarrow.parquet as pq

    rows: dict[str, Any] = {}
    for part in sorted(table.parts.folder.glob("[!.]*.parquet")):
        content = pq.read_table(part, page_checksum_verification=True)
        keys = [key.hex() for key in content["sha256"].to_pylist()]
        for key, data in zip(keys, content[value].to_pylist(), strict=True):
            assert not once or key not in rows, f"{key} was computed again though its {value} was stored"
            assert rows.get(key, data) == data, f"{key} has another {value} the second time"
            rows[key] = data
    return rows


def check_nothing_half_written(home: Home, reference: Home) -> None:
    """Whatever is visible, even after a kill, is what an undisturbed run leaves there."""
    expected, found = results(reference), results(home)
    wrong = [path for path, content in found.items() if expected.get(path) != content]
    assert not wrong, f"half-written or different: {wrong}"
    there = {_result(path) for path in found}
    missing = [path for path in expected if path not in found and _result(path) in there - {None}]
    assert not missing, f"incomplete: {missing}"
    known, kept = stored(reference), stored(home)
    for kind, rows in kept.items():
        assert all(known[kind].get(key) == value for key, value in rows.items()), f"another {kind} than undisturbed"
    assert set(kept.get("feature", {})) <= set(kept["thumbnail"]), "a feature without its thumbnail"


def _result(path: str) -> str | None:
    """``asset/key`` of a file that belongs to a result."""
    asset, *more = path.split("/")
    return f"{asset}/{more[0]}" if len(more) > 1 and more[0] != ".pictures" else None


def check_same(home: Home, reference: Home, once: bool = True) -> None:
    """A finished run, whatever happened before, left what an undisturbed one leaves, byte by byte."""
    expected, found = results(reference), results(home)
    assert not set(found) ^ set(expected), f"only in one of them: {sorted(set(found) ^ set(expected))}"
    different = [path for path in expected if expected[path] != found[path]]
    assert not different, f"different from an undisturbed run: {different}"
    assert stored(home, once) == stored(reference), "the stores differ"
    assert registry(home) == registry(reference), f"{registry(home)}\nis not\n{registry(reference)}"
    assert set(mlflow_runs(home).values()) <= {"FINISHED", "FAILED", "KILLED"}, (
        "an MLflow run seems to be running still"
    )
    assert set(dagster_runs(home)) <= {"SUCCESS", "FAILURE"}, "a Dagster run seems to be running still"


def mlflow_runs(home: Home) -> dict[str, str]:
    """MLflow run to its status."""
    return dict(_query(home.database, "select run_uuid, status from runs"))


def registry(home: Home) -> list[Any]:
    """Versions of the collection's model, their tags but for the revision (it covers run ids), and aliases."""
    versions = _query(home.database, "select name, version, current_stage, status from model_versions order by version")
    tags = "select version, key, value from model_version_tags where key <> 'imgsim.revision' order by version, key"
    aliases = "select name, alias, version from registered_model_aliases order by alias"
    return [versions, _query(home.database, tags), _query(home.database, aliases)]


def dagster_runs(home: Home) -> list[str]:
    """Status of each Dagster run."""
    found = _query(home.root / "dagster" / "history" / "runs.db", "select status from runs")
    return [status for (status,) in found]


def _query(path: Path, sql: str) -> list[Any]:
    if not path.exists():
        return []
    with closing(sqlite3.connect(path)) as connection:
        try:
            return connection.execute(sql).fetchall()
        except sqlite3.OperationalError as error:
            if "no such table" in str(error):
                return []
            raise
