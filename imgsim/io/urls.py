"""fsspec URLs: recognise, open and join them."""

from collections.abc import Mapping
from typing import Any

from imgsim.distribution import install_command
from imgsim.errors import MissingExtraError, SourceError
from imgsim.io.error_text import explain

_EXTRAS = {"s3": "s3", "s3a": "s3"}  # the kind of URL and the extra it needs


def is_url(source: str) -> bool:
    """Tell an fsspec URL (True) from a path of this machine (False)."""
    return "://" in source


def open_url(url: str, options: Mapping[str, Any] | None = None) -> tuple[Any, str]:
    """Return the fsspec file system of a URL and the URL's path within it (no trailing slash).

    Raises
    ------
    MissingExtraError
        The package for this kind of URL is not installed.
    SourceError
        Unknown kind of URL, or refused options.
    """
    from fsspec.core import url_to_fs

    protocol = url.split("://", maxsplit=1)[0]
    try:
        filesystem, base = url_to_fs(url, **(options or {}))
    except ImportError as error:
        extra = _EXTRAS.get(protocol)
        advice = install_command(extra) if extra else f"install the fsspec package for {protocol}:// URLs"
        raise MissingExtraError(f"{url} needs an optional package ({error}): {advice}") from error
    except Exception as error:  # every service has errors of its own
        raise SourceError(f"{url} cannot be opened: {explain(error)}. Check the URL and storage_options.") from error
    return filesystem, str(base).rstrip("/")


def join(root: str, path: str) -> str:
    """Join a root (folder or URL, with or without a slash at its end) and a path below it."""
    return f"{root}{path}" if not root or root.endswith("/") else f"{root}/{path}"
