"""The homes that the faults start from, made once."""

import shutil
from pathlib import Path

import pytest

import imgsim
from tests.faults.homes import Homes, make_homes


@pytest.fixture(scope="session")
def homes(tmp_path_factory: pytest.TempPathFactory, tiny_store: imgsim.FeatureStore, empty_database: Path) -> Homes:
    """Made by one undisturbed run, with a network and a database that are there."""
    work = tmp_path_factory.mktemp("faults")
    shutil.copytree(tiny_store.root / "backbones", work / "seed" / "store" / "backbones")
    shutil.copy(empty_database, work / "seed")
    return make_homes(work)
