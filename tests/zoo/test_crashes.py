"""A file whose decoder crashes ends one run, never two: the next one tries it alone, rejects it and finishes."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import imgsim
from imgsim.decoding.crash_journal import journal
from tests.zoo.making import behind_start, encode, jpeg, picture, segment

POISON = b"poison for the decoder"
BROKEN_DECODERS = f"""
import ctypes, sys, time
def harm(data):
    if {POISON!r} + b" hang" in data: time.sleep(600)
    if {POISON!r} in data: ctypes.string_at(0)
import simplejpeg, PIL.WebPImagePlugin
decode, read = simplejpeg.decode_jpeg, PIL.WebPImagePlugin.WebPImageFile
def decode_jpeg(data, *rest, **options):
    harm(data)
    return decode(data, *rest, **options)
simplejpeg.decode_jpeg = decode_jpeg
class WebPImageFile(read):
    def __init__(self, file):
        harm(file.getvalue())
        super().__init__(file)
PIL.WebPImagePlugin.WebPImageFile = WebPImageFile
import imgsim.decoding.subprocess_check
imgsim.decoding.subprocess_check.SECONDS = 3.0
"""
RUN = """
import json, sys, imgsim
images = imgsim.load_images(sys.argv[1])
features = imgsim.extract_features(images, imgsim.get_backbone("mini"), imgsim.FeatureStore(sys.argv[2]), threads=2)
print(json.dumps([list(features.images.paths), features.images.rejected.to_dict("records")]))
"""


@pytest.fixture
def run(tmp_path: Path, home: Path, tiny_store: imgsim.FeatureStore):
    """Start a run over a folder in a process whose decoders crash on what holds the poison."""
    (tmp_path / "sitecustomize.py").write_text(BROKEN_DECODERS)
    source = str(Path(imgsim.__file__).parent.parent)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), source])}

    def start(folder: Path) -> "subprocess.Popen[str]":
        command = [sys.executable, "-c", RUN, str(folder), str(tiny_store.root)]
        return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    return start


@pytest.fixture
def folder(tmp_path: Path, tiny_model) -> Path:
    """A folder of 30 good pictures."""
    root = tmp_path / "photos"
    root.mkdir()
    for number in range(30):
        (root / f"{number:02d}.jpg").write_bytes(jpeg(picture(64, 40 + number)))
    return root


def finished(process: "subprocess.Popen[str]") -> tuple[int, list[str], dict[str, tuple[str, str]]]:
    """Exit code, accepted paths, rejected paths with stage and reason."""
    out, error = process.communicate(timeout=120)
    if process.returncode:
        assert process.returncode < 0, error
        return process.returncode, [], {}
    paths, rows = json.loads(out)
    assert error == ""
    return 0, paths, {row["path"]: (row["stage"], row["reason"]) for row in rows}


def journals(home: Path) -> list[Path]:
    return [path for path in home.glob("inflight/*") if path.suffix != ".lock"]


def test_a_crash_while_decoding(run, folder: Path, home: Path) -> None:
    (folder / "15.jpg").write_bytes(behind_start(jpeg(), segment(0xFE, POISON)))
    assert finished(run(folder))[0] == -signal.SIGSEGV
    assert len(journals(home)) == 1
    code, paths, rejected = finished(run(folder))
    assert code == 0
    assert len(paths) == 29
    assert rejected["15.jpg"][0] == "decode"
    assert "crashed the decoder" in rejected["15.jpg"][1]
    assert "SIGSEGV" in rejected["15.jpg"][1]
    assert not (home / "inflight").exists()  # nobody is suspected any more


def test_a_crash_while_reading_the_header(run, folder: Path) -> None:
    (folder / "15.webp").write_bytes(encode(picture(), "WEBP") + POISON)
    assert finished(run(folder))[0] == -signal.SIGSEGV
    code, paths, rejected = finished(run(folder))
    assert (code, len(paths)) == (0, 30)
    assert rejected["15.webp"][0] == "header"
    assert "SIGSEGV" in rejected["15.webp"][1]


def test_a_decoder_that_never_ends(run, folder: Path, home: Path) -> None:
    (folder / "15.jpg").write_bytes(behind_start(jpeg(), segment(0xFE, POISON + b" hang")))
    process = run(folder)
    limit = time.monotonic() + 60
    while not _hangs(home) and time.monotonic() < limit:
        time.sleep(0.2)
    process.kill()
    process.communicate()
    code, paths, rejected = finished(run(folder))
    assert (code, len(paths)) == (0, 29)
    assert rejected["15.jpg"][0] == "read"  # no verdict: the machine may have been slow
    assert "stopped the decoder" in rejected["15.jpg"][1]
    with journal() as notes:  # so it stays a suspect, and does not stop the next run either
        assert len(notes.suspects) == 1


def _hangs(home: Path) -> bool:
    """Whether one and the same file has been in flight for a second."""

    def flying() -> set[bytes]:
        contents = [path.read_bytes() for path in journals(home)]
        return {content[i : i + 64] for content in contents for i in range(0, len(content), 64)} - {b" " * 64}

    before = flying()
    time.sleep(1)
    return bool(before) and before == flying()


def test_who_was_in_flight_when_a_run_was_killed_is_not_punished(run, folder: Path) -> None:
    (folder / "03.jpg").write_bytes(jpeg(picture(58, 40)))  # what is in the store already is not decoded
    key = imgsim.load_images(folder).sha256[3]
    code = "import os, sys\nfrom imgsim.decoding.crash_journal import journal\n"
    code += "with journal() as notes, notes.decoding(sys.argv[1]): os.kill(os.getpid(), 9)"
    subprocess.run([sys.executable, "-c", code, key], check=False)
    with journal() as notes:
        assert notes.suspects == {key}
    code, paths, rejected = finished(run(folder))
    assert (code, len(paths), rejected) == (0, 30, {})
    with journal() as notes:
        assert notes.suspects == set()


def test_the_journal_of_a_living_run_is_left_alone(home: Path) -> None:
    with journal() as one, one.decoding("a" * 64), journal() as other:
        assert other.suspects == set()
        with other.decoding("b" * 64):
            assert len(journals(home)) == 2
    assert not (home / "inflight").exists()


def test_without_a_writable_home_there_is_no_journal(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "file").touch()
    monkeypatch.setenv("IMGSIM_HOME", str(home / "file"))
    with journal() as notes, notes.decoding("a" * 64):
        assert notes.suspects == set()
