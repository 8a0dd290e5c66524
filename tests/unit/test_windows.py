"""From pictures to an answer, in Python and by commands, without what Windows lacks."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import imgsim
from tests.zoo.making import jpeg, picture

MODULES = ("crypt", "curses", "fcntl", "grp", "nis", "ossaudiodev", "pty", "pwd", "readline", "resource", "spwd")
MODULES += ("syslog", "termios", "tty")
FUNCTIONS = ("O_CLOEXEC", "O_NOFOLLOW", "O_NONBLOCK", "chown", "fchmod", "fchown", "fork", "forkpty", "geteuid")
FUNCTIONS += ("getgid", "getloadavg", "getpgid", "getuid", "killpg", "mkfifo", "nice", "posix_fadvise", "posix_spawn")
FUNCTIONS += ("pread", "preadv", "pwrite", "pwritev", "sched_getaffinity", "sched_setaffinity", "setsid", "statvfs")
FUNCTIONS += (
    "set_blocking",
    "sysconf",
)  # the first is there from Python 3.12 on; numpy and torch ask Linux for uname and register_at_fork
WITHOUT = f"""
import asyncio, ctypes, os, platformdirs, shutil, sys, torch  # for Linux some of these need what is removed
shutil._use_fd_functions = False
sys.modules.update(dict.fromkeys({MODULES!r}))
for name in {FUNCTIONS!r}:
    if hasattr(os, name):
        delattr(os, name)

class Library(ctypes.CDLL):
    def __init__(self, name, *rest, **options):
        if name is None:
            raise TypeError("there is no library of the process itself")
        super().__init__(name, *rest, **options)

ctypes.CDLL = Library
"""
LIBRARY = """
import imgsim
images = imgsim.load_images(sys.argv[1])
for name in ("first", "second"):
    imgsim.create(images, backbone="mini").save(sys.argv[2], overwrite=True)
model = imgsim.load_model(sys.argv[2])
print(model.query(images.locations[0], k=2)["reference_label"].tolist())
"""
COMMANDS = """
from imgsim.cli import main
pictures, model = sys.argv[1:]
for words in (
    ["create", pictures, "--backbone", "mini", "-o", model],
    ["export", model, model + ".onnx"],
    ["site", model, model + "-site"],
    ["query", model, pictures + "/0.jpg"],
):
    sys.argv[1:] = words
    try:
        main()
    except SystemExit as end:
        assert not end.code, words
"""
# what these import for Linux comes first: dagster, mlflow and streamlit themselves run on Windows
REST = """
import orchestration.definitions, orchestration.commands.run, orchestration.commands.ui, orchestration.commands.forget
import pkgutil, dashboards, dashboards.services
for package in (dashboards.services,):
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        __import__(module.name)
print(orchestration.definitions.defs is not None)
"""


def run(script: str, tmp_path: Path, first: str = "") -> str:
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for number in range(4):
        (pictures / f"{number}.jpg").write_bytes(jpeg(picture(64, 40 + 8 * number)))
    command = [sys.executable, "-c", first + WITHOUT + script, pictures, tmp_path / "m.imgsim"]
    done = subprocess.run(command, env=os.environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_library_uses_nothing_that_windows_lacks(tmp_path: Path) -> None:
    assert run(LIBRARY, tmp_path).startswith("[0, ")


def test_commands_use_nothing_that_windows_lacks(
    tmp_path: Path, home: Path, tiny_model: imgsim.SimilarityModel, tiny_store: imgsim.FeatureStore
) -> None:
    shutil.copytree(tiny_store.root / "backbones", home / "store" / "backbones")  # torch's export needs some of it here
    assert "0.jpg" in run(COMMANDS, tmp_path)


def test_pipeline_and_dashboard_load_without_what_windows_lacks(tmp_path: Path) -> None:
    first = "import dagster, dagster_webserver, mlflow, mlflow.tracking, psutil, streamlit"
    assert run(REST, tmp_path, first).strip() == "True"
