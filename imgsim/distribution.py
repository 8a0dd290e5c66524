"""The name imgsim is installed by; on the package index `imgsim` is somebody else's package."""

from importlib import metadata

DISTRIBUTION = "imgsim-kit"
UNINSTALLED = "0+source"


def installed_version() -> str:
    """Return the version of the installed distribution, `UNINSTALLED` for a source tree that was not."""
    try:
        return metadata.version(DISTRIBUTION)
    except metadata.PackageNotFoundError:
        return UNINSTALLED


def install_command(extra: str) -> str:
    """Return the command that installs an optional extra, for messages."""
    return f'pip install "{DISTRIBUTION}[{extra}]"'
