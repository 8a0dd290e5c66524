"""Ctrl-C: ends a command cleanly, and soon even in code that cannot be interrupted.

The first Ctrl-C raises `KeyboardInterrupt`; further ones are ignored while the command saves what it has. Python raises
only between its own instructions, so a long call of compiled code (linear algebra, a compiler) would delay the end: a
thread that the signal wakes directly then ends the process. Nothing half-written can be seen, see `imgsim.io.atomic`.
"""

import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType

from imgsim.cli.console import note

INTERRUPTED = 130
"""Exit code of a command that Ctrl-C stopped."""
PATIENCE = 1.5
"""Seconds from the first Ctrl-C until the process is ended from outside of the interrupted code."""
STOPPED = "stopped. Features stored so far are kept: the same command goes on from there."
_SHOW_CURSOR = "\x1b[?25h"  # a progress bar hides it

_installed = threading.Event()
_seen = threading.Event()
_told = threading.Event()
_telling = threading.Lock()
at_hard_end: list[Callable[[], object]] = []
"""Calls before that end; they have half as long."""


def install() -> None:
    """Handle Ctrl-C in this process, unless whoever started it has switched it off (a script's ``&``)."""
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        return
    reader, writer = socket.socketpair()  # on Windows a pipe cannot be set to non-blocking before Python 3.12
    writer.setblocking(False)
    signal.set_wakeup_fd(writer.detach(), warn_on_full_buffer=False)
    signal.signal(signal.SIGINT, _raise)
    sys.unraisablehook = _unraisable
    _installed.set()
    threading.Thread(target=_end_in_time, args=(reader,), name="imgsim-interrupt", daemon=True).start()


def uninstall() -> None:
    """Leave Ctrl-C to a command that ends its children first, which takes longer."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGINT, signal.default_int_handler)


def first_interrupt() -> KeyboardInterrupt:
    """Return the exception of the first Ctrl-C, to be raised by its handler; further ones are ignored from here on."""
    _seen.set()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    return KeyboardInterrupt()


def was_interrupted() -> bool:
    """Tell if there was a Ctrl-C: code that it strikes may turn it into another exception."""
    return _seen.is_set()


def tell_stopped() -> None:
    """Print `STOPPED`, once in a process that handles Ctrl-C; from here on it ends."""
    if _installed.is_set():
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    with _telling:
        if not _told.is_set():
            note(STOPPED)
        if _installed.is_set():
            _told.set()


def _raise(number: int, frame: FrameType | None) -> None:
    raise first_interrupt()


def _unraisable(found: "sys.UnraisableHookArgs") -> None:
    """Print nothing of an interrupt in a destructor, where Python drops it: `_end_in_time` ends the process."""
    if not _seen.is_set():
        sys.__unraisablehook__(found)


def _end_in_time(reader: socket.socket) -> None:
    while reader.recv(1) != bytes([signal.SIGINT]):
        pass
    _seen.set()
    time.sleep(PATIENCE)
    last = threading.Thread(target=lambda: [call() for call in at_hard_end], daemon=True)
    last.start()
    last.join(PATIENCE / 2)  # a database may not answer
    with _telling:
        if not _told.is_set():
            sys.stderr.write(_SHOW_CURSOR if sys.stderr.isatty() else "")
            note(STOPPED)
    os._exit(INTERRUPTED)
