"""Compiled code is kept where it can be, and where it cannot numba works all the same."""

import os
import stat
import tempfile
from pathlib import Path

import numba
import numpy as np
import pytest
from numba.core.dispatcher import Dispatcher
from numba.np.ufunc.ufuncbuilder import UFuncDispatcher

from imgsim.neighbors.compiling import prepare_numba


@pytest.fixture
def prepare(monkeypatch, tmp_path):
    """`prepare_numba` as in a fresh process; what it sets in numba is put back."""
    monkeypatch.delenv("NUMBA_CACHE_DIR")
    monkeypatch.setattr(numba.config, "CACHE_DIR", "")
    for kind in (Dispatcher, UFuncDispatcher):
        monkeypatch.setattr(kind, "enable_caching", kind.enable_caching)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    (tmp_path / "file").touch()
    return prepare_numba.__wrapped__


def test_in_the_home(prepare, home):
    prepare()
    assert os.environ["NUMBA_CACHE_DIR"] == numba.config.CACHE_DIR == str(home / "numba")


def test_in_a_temporary_folder_of_this_user(prepare, monkeypatch, tmp_path):
    monkeypatch.setenv("IMGSIM_HOME", str(tmp_path / "file" / "home"))
    with pytest.warns(UserWarning, match="cannot be written: it is .*temporary"):
        prepare()
    folder = Path(os.environ["NUMBA_CACHE_DIR"])
    assert folder.parent == tmp_path / "temporary"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@pytest.mark.parametrize("reason", ["no temporary folder", "a folder that everyone can write"])
def test_nowhere(prepare, monkeypatch, tmp_path, reason):
    monkeypatch.setenv("IMGSIM_HOME", str(tmp_path / "file" / "home"))
    if reason == "no temporary folder":
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "file"))
    else:
        (tmp_path / "temporary" / f"imgsim-numba-{os.getuid()}").mkdir()
        (tmp_path / "temporary" / f"imgsim-numba-{os.getuid()}").chmod(0o777)
    with pytest.warns(UserWarning, match="each process compiles again"):
        prepare()

    @numba.njit(cache=True)
    def double(value):
        return 2 * value

    @numba.vectorize(cache=True)
    def halve(value):
        return value / 2

    assert double(3) == 6
    assert halve(np.array([3.0])).tolist() == [1.5]
    assert type(double._cache).__name__ == "NullCache"
