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


def check_alone(data: bytes, stage: str, at_least: tuple[int, int] = (0, 0)) -> None:
    """Decode a file in a process of its own; refuse it if that crashes or takes longer than a minute.

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
        The decoder crashed or did not end in time. A file that is merely damaged passes.
    """
    command = [sys.executable, "-m", "imgsim.decoding.subprocess_check", *map(str, at_least)]
    source = str(Path(__file__).parents[2])
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([source, os.environ.get("PYTHONPATH", "")])}
    try:
        done = subprocess.run(command, input=data, timeout=SECONDS, check=False, env=environment, capture_output=True)
    except subprocess.TimeoutExpired:
        reason = f"stopped the decoder: a run ended at this file, and alone it took more than {SECONDS:.0f} s"
        raise ImageError(stage, reason) from None
    if done.returncode < 0:
        name = signal.Signals(-done.returncode).name
        raise ImageError(stage, f"crashed the decoder: a run ended at this file, and alone it ended by {name}")


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
