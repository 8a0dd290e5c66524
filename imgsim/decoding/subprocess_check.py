"""Decoding of one suspected file in a process of its own, which a crash of the decoder may end without harm.

``python -m imgsim.decoding.subprocess_check HEIGHT WIDTH`` decodes stdin; ``0 0`` reads its header only.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path

from imgsim.decoding.decode import decode, probe
from imgsim.errors import ImageError

SECONDS = 60.0
_ENDED_FROM_OUTSIDE = frozenset(
    (
        *("SIGHUP", "SIGINT", "SIGKILL", "SIGTERM", "SIGXCPU"),  # SIGKILL: also for want of memory
        *("0xC0000017", "0xC000012D", "0xC000013A"),  # Windows: no memory, no page file, Ctrl-C
    )
)
_WINDOWS_FAULT = 0xC0000000  # exit codes from here on are faults of machine code
_WINDOWS_ABORT = 3  # Python itself ends by 0, 1 or 2


def check_alone(data: bytes, stage: str, at_least: tuple[int, int] = (0, 0)) -> None:
    """Decode a file in a process of its own; refuse it if that crashes or takes longer than a minute.

    A crash is the file's fault. Too little time, memory, files or processes are the machine's: the stage
    of the error is then ``"read"``, no verdict is kept, and the file stays a suspect.

    Parameters
    ----------
    data : bytes
        The whole file, suspected because a run ended while it was being decoded.
    stage : str
        ``"header"`` or ``"decode"``: stage of the error.
    at_least : (int, int)
        As in `imgsim.decoding.decode.decode`; (0, 0) reads the header only.

    Raises
    ------
    ImageError
        The decoder crashed, or could not be started, or did not end in time. A file that is merely
        damaged passes.
    """
    command = [sys.executable, "-m", "imgsim.decoding.subprocess_check", *map(str, at_least)]
    source = str(Path(__file__).parents[2])
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([source, os.environ.get("PYTHONPATH", "")])}
    try:
        done = subprocess.run(command, input=data, timeout=SECONDS, check=False, env=environment, capture_output=True)
    except subprocess.TimeoutExpired:
        reason = f"stopped the decoder: a run ended at this file, and alone it took more than {SECONDS:.0f} s"
        raise ImageError("read", f"{reason}; the next run tries it again") from None
    except OSError as error:
        reason = f"a run ended at this file, and no process could be started to check it ({error}); run again"
        raise ImageError("read", reason) from None
    ending = _ending(done.returncode)
    if ending in _ENDED_FROM_OUTSIDE:
        reason = f"a run ended at this file, and its check was ended by {ending}, perhaps for want of memory"
        raise ImageError("read", f"{reason}; the next run tries it again")
    if ending:
        raise ImageError(stage, f"crashed the decoder: a run ended at this file, and alone it ended by {ending}")


def _ending(code: int) -> str:
    """Name the signal, or on Windows the fault, that ended a process; empty if it ended by itself."""
    if code >= _WINDOWS_FAULT:
        return f"0x{code:08X}"
    if code >= 0:
        return "abort" if code == _WINDOWS_ABORT else ""
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"  # a real-time signal has no name


def main(height: int, width: int) -> None:
    """Decode stdin; a damaged file is no failure here."""
    data = sys.stdin.buffer.read()
    try:
        probe(data)
        if height:
            decode(data, (height, width))
    except ImageError:
        pass


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
