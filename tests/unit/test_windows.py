"""From pictures to an answer without what Windows lacks."""

import os
import subprocess
import sys
from pathlib import Path

from tests.zoo.making import jpeg, picture

MODULES = ("crypt", "curses", "fcntl", "grp", "nis", "ossaudiodev", "pty", "pwd", "readline", "resource", "spwd")
MODULES += ("syslog", "termios", "tty")
FUNCTIONS = ("O_CLOEXEC", "O_NOFOLLOW", "O_NONBLOCK", "chown", "fchmod", "fchown", "fork", "forkpty", "geteuid")
FUNCTIONS += ("getgid", "getloadavg", "getpgid", "getuid", "killpg", "mkfifo", "nice", "posix_fadvise", "posix_spawn")
FUNCTIONS += ("pread", "preadv", "pwrite", "pwritev", "sched_getaffinity", "sched_setaffinity", "setsid", "statvfs")
FUNCTIONS += ("sysconf",)  # numpy and torch ask Linux for uname and register_at_fork
SCRIPT = f"""
import ctypes, os, sys
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

import imgsim
images = imgsim.load_images(sys.argv[1])
for name in ("first", "second"):
    imgsim.create(images, backbone="mini").save(sys.argv[2], overwrite=True)
model = imgsim.load_model(sys.argv[2])
print(model.query(images.locations[0], k=2)["reference_label"].tolist())
"""


def test_nothing_that_windows_lacks_is_used(tmp_path: Path) -> None:
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for number in range(4):
        (pictures / f"{number}.jpg").write_bytes(jpeg(picture(64, 40 + 8 * number)))
    command = [sys.executable, "-c", SCRIPT, pictures, tmp_path / "m.imgsim"]
    done = subprocess.run(command, env=os.environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("[0, ")
