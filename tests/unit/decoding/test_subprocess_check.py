"""A crash is the file's fault; want of time, memory or processes is not."""

import errno
import signal
import subprocess
import sys

import pytest

from imgsim.decoding import subprocess_check
from imgsim.decoding.subprocess_check import check_alone
from imgsim.errors import ImageError
from tests.zoo.making import jpeg

PYTHON = sys.executable


def refusal(data: bytes = b"") -> ImageError:
    with pytest.raises(ImageError) as caught:
        check_alone(data, "decode", (8, 8))
    return caught.value


def end_by(monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    """Let the process that checks end by this exit code, as Windows gives them too."""
    monkeypatch.setattr(subprocess, "run", lambda command, **_: subprocess.CompletedProcess(command, code))


def end_itself(monkeypatch: pytest.MonkeyPatch, name: str, tmp_path) -> None:
    """Let the process that checks send itself a signal."""
    script = tmp_path / "python"
    script.write_text(f"#!{PYTHON}\nimport os, signal\nos.kill(os.getpid(), signal.{name})\n")
    script.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(script))


def test_a_good_and_a_damaged_file_pass() -> None:
    check_alone(jpeg(), "decode", (8, 8))
    check_alone(jpeg()[:200], "decode", (8, 8))


@pytest.mark.parametrize("name", ["SIGSEGV", "SIGABRT", "SIGBUS", "SIGILL", "SIGFPE"])
def test_a_crash_is_a_verdict(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    end_itself(monkeypatch, name, tmp_path)
    error = refusal()
    assert error.stage == "decode"
    assert name in error.reason


@pytest.mark.parametrize("name", ["SIGKILL", "SIGTERM", "SIGINT", "SIGXCPU"])
def test_an_end_from_outside_is_none(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    end_itself(monkeypatch, name, tmp_path)
    error = refusal()
    assert error.stage == "read"
    assert name in error.reason
    assert "tries it again" in error.reason


@pytest.mark.parametrize(
    ("code", "stage"),
    [
        (0xC0000005, "decode"),  # access violation
        (0xC0000409, "decode"),  # stack buffer overrun, abort
        (0xC00000FD, "decode"),  # stack overflow
        (3, "decode"),  # abort of the older C runtime
        (0xC0000017, "read"),  # no memory
        (0xC000013A, "read"),  # Ctrl-C
    ],
)
def test_exit_codes_of_windows(code: int, stage: str, monkeypatch: pytest.MonkeyPatch) -> None:
    end_by(monkeypatch, code)
    error = refusal()
    assert error.stage == stage
    assert code == 3 or f"0x{code:08X}" in error.reason


@pytest.mark.parametrize("code", [0, 1, 2, 120])
def test_a_process_that_ends_by_itself_did_not_crash(code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    end_by(monkeypatch, code)
    check_alone(b"", "decode")


def test_a_signal_without_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    code = -(signal.SIGRTMIN + 1)
    end_by(monkeypatch, code)
    assert f"signal {-code}" in refusal().reason or "SIGRT" in refusal().reason


def test_too_little_time_is_no_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess_check, "SECONDS", 0.001)
    error = refusal(jpeg())
    assert error.stage == "read"
    assert "took more than" in error.reason


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENOMEM, errno.EAGAIN])
def test_a_process_that_cannot_be_started_is_no_verdict(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_, **__):
        raise OSError(number, "no process")

    monkeypatch.setattr(subprocess, "run", fail)
    error = refusal()
    assert error.stage == "read"
    assert "run again" in error.reason
