"""Results are found again by what they depend on."""

import json
import os

import pytest

from imgsim.errors import ModelFormatError
from orchestration.result_cache import KEPT, current, load_or_compute, point, reuse_key


def _read(folder):
    try:
        return json.loads((folder / "value.json").read_text())
    except OSError as error:
        raise ModelFormatError("damaged") from error


def test_key_covers_every_part_and_nothing_else():
    key = reuse_key("graph", "1", "digest", 10)
    assert key == reuse_key("graph", "1", "digest", 10)
    others = [
        ("graph", "2", "digest", 10),
        ("graph", "1", "other", 10),
        ("graph", "1", "digest", 11),
        ("x", "1", "digest", 10),
    ]
    assert key not in {reuse_key(*other) for other in others}


def test_stored_value_is_loaded(tmp_path):
    (tmp_path / "key").mkdir()
    (tmp_path / "key" / "value.json").write_text("7")
    assert load_or_compute(tmp_path / "key", _read, lambda: pytest.fail("computed")) == (7, True)


def test_missing_damaged_and_invalid_values_are_computed(tmp_path):
    folder = tmp_path / "key"
    assert load_or_compute(folder, _read, lambda: 1) == (1, False)
    folder.mkdir()
    assert load_or_compute(folder, _read, lambda: 2) == (2, False)
    assert not folder.exists()
    folder.mkdir()
    (folder / "value.json").write_text("7")
    assert load_or_compute(folder, _read, lambda: 3, valid=lambda value: value != 7) == (3, False)


def test_only_the_last_keys_are_kept(tmp_path):
    results = tmp_path / "images"
    keys = [f"key{i}" for i in range(KEPT + 2)]
    for i, key in enumerate(keys):
        (results / key).mkdir(parents=True)
        (results / ".pictures" / key).mkdir(parents=True)
        point(results, key)
        os.utime(results / key, (i, i))
    assert current(results).name == keys[-1]
    assert sorted(p.name for p in results.iterdir() if p.is_dir()) == [".pictures", *keys[-KEPT:]]
    assert sorted(p.name for p in (results / ".pictures").iterdir()) == keys[-KEPT:]


def test_no_result_yet(tmp_path):
    with pytest.raises(ModelFormatError, match="materialise images of shells"):
        current(tmp_path / "shells" / "images")


def test_the_current_result_survives_a_clock_that_was_ahead(tmp_path):
    results = tmp_path / "images"
    for key in ("a", "b", "c"):
        (results / key).mkdir(parents=True)
        point(results, key)
        os.utime(results / key, (2e9, 2e9))  # written while the clock was years ahead
    (results / "now").mkdir()
    point(results, "now")
    assert current(results).is_dir()
    assert len([path for path in results.iterdir() if path.is_dir()]) == KEPT
