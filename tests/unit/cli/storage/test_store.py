"""``imgsim store``: what it tells, merges and removes."""

import hashlib
import json
import shutil

import numpy as np
import pytest
from typer.testing import CliRunner

import imgsim
from imgsim.cli import app

KEYS = [hashlib.sha256(b"%d" % i).hexdigest() for i in range(3)]


def run(*arguments: object) -> str:
    result = CliRunner().invoke(app, ["store", *map(str, arguments)])
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture(autouse=True)
def store(home):
    """Three rows in three parts each, a part of another decoding version, and traits of another version."""
    made = imgsim.FeatureStore()
    for key in KEYS:
        made.write("net", {key: np.zeros(3, np.float32)}, {key: b"JPEG"}, {}, {key: "PNG"})
    part = home / "store" / "thumbnails" / f"v2-png-00000000-1-{'0' * 32}.parquet"
    part.write_bytes(b"12345")
    old = home / "store" / "traits" / "0" / next((home / "store" / "thumbnails").glob("v2-png-*-1-*")).name
    old.parent.mkdir(parents=True)
    old.write_bytes(b"1234567")
    return made


def test_stats(home):
    told = json.loads(run("stats", "--json"))
    assert told["store"] == str(home / "store")
    tables = {table["table"]: table for table in told["tables"]}
    assert tables["features/net"] == tables["features/net"] | {"rows": 3, "parts": 3, "unused_files": 0}
    assert tables["thumbnails"] == tables["thumbnails"] | {"rows": 3, "unused_files": 1, "unused_bytes": 5}
    for_people = run("stats")
    assert str(home / "store") in for_people
    assert "features/net" in for_people
    assert "files not read" in for_people


def test_compact(store, home):
    shutil.rmtree(home / "store" / "traits")
    assert "merged 6 of 6 parts; 2 are left" in run("compact")
    assert json.loads(run("compact", "--json")) == {"store": str(store.root), "merged": 0, "parts": 2}
    assert store.contains("net", KEYS).all()


def test_gc(store, home):
    assert "2 files, 0.0 MB would be removed" in run("gc", "--dry-run")
    told = json.loads(run("gc", "--json"))
    assert sorted(told["removed"].values()) == [5, 7]
    assert not any((home / "store" / "traits" / "0").glob("*.parquet"))
    assert store.contains("net", KEYS).all()
    assert "3 files" in run("gc", "--table", "features/net")
    assert not store.read_features("net", KEYS)[0].any()


def test_a_table_that_is_not_there_is_named():
    result = CliRunner().invoke(app, ["store", "gc", "--table", "features/none"])
    assert result.exit_code == 1
    assert "no table 'features/none'" in result.stderr


def test_a_home_that_is_a_file_is_one_sentence(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("IMGSIM_HOME", str(tmp_path / "file"))
    result = CliRunner().invoke(app, ["store", "stats"])
    assert result.exit_code == 1
    assert f"{tmp_path / 'file' / 'store' / 'features'} cannot be listed: not a directory. Set IMGSIM_HOME" in (
        " ".join(result.stderr.split())
    )
    assert "Errno" not in result.stderr
