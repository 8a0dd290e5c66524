"""The one progress bar."""

import time

import pytest

from imgsim import progress
from imgsim.progress import track


def test_quick_work_shows_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(track(range(5), "quick")) == [0, 1, 2, 3, 4]
    assert list(track(iter("ab"), "quick", enabled=False)) == ["a", "b"]
    assert capsys.readouterr() == ("", "")


def test_slow_work_shows_count_and_rate_on_stderr(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "DELAY", 0.01)
    monkeypatch.setattr(progress, "REFRESH_LOG", 0.01)
    for _ in track(range(4), "slow"):
        time.sleep(0.02)
    out, err = capsys.readouterr()
    assert out == ""
    assert "slow" in err
    assert "4/4" in err
    assert "/s" in err


def test_a_failure_or_an_early_end_stops_the_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "DELAY", 0.0)
    for value in track(iter(range(10)), "stopped"):
        time.sleep(0.005)
        if value == 3:
            break
    with pytest.raises(ZeroDivisionError):
        for _ in track(range(10), "failed", total=10):
            1 // 0  # noqa: B018
    assert list(track(range(2), "again")) == [0, 1]
