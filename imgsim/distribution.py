"""The name imgsim is installed by; on the package index `imgsim` is somebody else's package."""

from importlib import metadata

DISTRIBUTION = "imgsim-kit"


def installed_version() -> str:
    """Return the version of the installed distribution, ``0+source`` for a source tree that was not installed."""
    try:
        return metadata.version(DISTRIBUTION)
    except metadata.PackageNotFoundError:
        return "0+source"


def install_command(extra: str) -> str:
    """Return the command that installs an optional extra, for messages."""
    return f'pip install "{DISTRIBUTION}[{extra}]"'
