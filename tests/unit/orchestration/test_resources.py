"""The source of a collection's images."""

import pytest

from imgsim.errors import ArgumentError
from orchestration.resources import StorageResource


def test_a_source_that_is_gone_gives_way_to_the_watched_folder(home, tmp_path):
    """As in a home that was moved, with its folder ``watch``."""
    storage = StorageResource()
    storage.remember_source("pets", str(tmp_path / "gone" / "watch" / "Pets"))
    with pytest.raises(ArgumentError, match=r"'pets' has no images: .*gone"):
        storage.source("pets", "")
    (home / "watch" / "Pets").mkdir(parents=True)
    assert storage.source("pets", "") == str(home / "watch" / "Pets")
    (tmp_path / "mine").mkdir()
    storage.remember_source("pets", str(tmp_path / "mine"))
    assert storage.source("pets", "") == str(tmp_path / "mine")
    assert storage.source("pets", "/given") == "/given"
