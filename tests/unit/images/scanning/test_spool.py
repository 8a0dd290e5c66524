"""The spool keeps what fits, gives it once, and leaves nothing."""

from pathlib import Path

from imgsim.images.scanning import spool
from imgsim.images.scanning.spool import Spool


def test_a_file_is_given_once(home: Path) -> None:
    kept = Spool()
    assert kept.take("a") is None
    assert not list(home.glob(".spool*"))
    kept.put("a", b"123")
    kept.put("a", b"123")
    assert len(list(home.glob(".spool*/*"))) == 1
    assert kept.take("a") == b"123"
    assert kept.take("a") is None
    assert not list(home.glob(".spool*/*"))
    del kept
    assert not list(home.glob(".spool*"))


def test_what_does_not_fit_is_not_kept_until_there_is_room(monkeypatch) -> None:
    monkeypatch.setattr(spool, "MOST_BYTES", 5)
    kept = Spool()
    for name in "abc":
        kept.put(name, b"123")
    assert [kept.take(name) for name in "bca"] == [None, None, b"123"]
    kept.put("b", b"12345")
    assert kept.take("b") == b"12345"


def test_a_file_that_is_gone_and_a_home_that_cannot_be_written_are_no_errors(
    home: Path, tmp_path: Path, monkeypatch
) -> None:
    kept = Spool()
    kept.put("a", b"123")
    next(home.glob(".spool*/a")).unlink()
    assert kept.take("a") is None
    (tmp_path / "file").touch()
    monkeypatch.setenv("IMGSIM_HOME", str(tmp_path / "file" / "home"))
    other = Spool()
    other.put("a", b"123")
    assert other.take("a") is None
