"""The working store, where imgsim keeps what it must not compute twice."""

import os
from pathlib import Path


def home() -> Path:
    """Return the absolute path of the working store: ``$IMGSIM_HOME``, else ``.imgsim`` in the current folder.

    The folder is not created here.
    """
    return Path(os.environ.get("IMGSIM_HOME") or ".imgsim").expanduser().absolute()
