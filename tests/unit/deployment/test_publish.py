"""A process that is killed at any moment leaves nothing that looks like a package and is none."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from imgsim.deployment.publish import publish, side_file_of

WRITE = """
import os, signal, sys
from pathlib import Path
from imgsim.deployment.publish import publish

def kill(*_):
    os.kill(os.getpid(), signal.SIGKILL)

if sys.argv[2] == "renaming":
    Path.replace = kill
with publish(Path(sys.argv[1]), overwrite=True) as (package, side):
    package.mkdir()
    (package / "Manifest.json").write_text("{")
    if sys.argv[2] == "writing":
        kill()
    side.write_text("{}")
"""


def write(path: Path, manifest: str) -> None:
    with publish(path, overwrite=True) as (package, side):
        package.mkdir()
        (package / "Manifest.json").write_text(manifest)
        side.write_text(manifest)


def visible(folder: Path) -> dict[str, str]:
    files = (item for item in folder.rglob("*") if item.is_file())
    return {str(item.relative_to(folder)): item.read_text() for item in files if ".tmp" not in str(item)}


@pytest.mark.parametrize("moment", ["writing", "renaming"])
@pytest.mark.parametrize("before", [False, True], ids=["new", "replaced"])
def test_a_killed_process_changes_nothing_that_is_seen(moment, before, tmp_path):
    path = tmp_path / "app" / "x.mlpackage"
    if before:
        write(path, '{"good": 1}')
    done = subprocess.run([sys.executable, "-c", WRITE, path, moment], capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert any(".tmp" in item.name for item in path.parent.iterdir()), "it was killed at work"
    good = {"x.mlpackage/Manifest.json": '{"good": 1}', "x.references.json": '{"good": 1}'}
    assert visible(path.parent) == (good if before else {})
    write(path, '{"good": 2}')
    assert set(visible(path.parent).values()) == {'{"good": 2}'}


def test_exports_of_both_formats_share_a_folder(tmp_path):
    for name in ("x.mlpackage", "x.onnx"):
        with publish(tmp_path / name, overwrite=False) as (model, side):
            model.write_text(name)
            side.write_text(name)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        "x.mlpackage": "x.mlpackage",
        "x.references.json": "x.mlpackage",
        "x.onnx": "x.onnx",
        "x.onnx.references.json": "x.onnx",
    }


def test_a_failure_takes_everything_away_again(tmp_path):
    path = tmp_path / "x.mlpackage"
    with pytest.raises(KeyError), publish(path, overwrite=False) as (package, side):
        package.mkdir()
        side.write_text("{}")
        raise KeyError("anything")
    assert list(tmp_path.iterdir()) == []
    write(path, "{}")
    assert sorted(item.name for item in tmp_path.iterdir()) == ["x.mlpackage", side_file_of(path).name]
