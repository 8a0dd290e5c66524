"""fsspec URLs, chained ones too (``zip://cats::s3://bucket/a.zip``): recognise, open, split and join them."""

import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from imgsim.distribution import install_command
from imgsim.errors import MissingExtraError, SourceError
from imgsim.io import archives
from imgsim.io.error_text import explain
from imgsim.io.paths import absolute

ANYWHERE = "://"
"""The root of images in several places: their paths are complete, each an absolute path or a URL."""
_EXTRAS = {"s3": "s3", "s3a": "s3"}  # the kind of URL and the extra it needs
_LOCAL = ("file", "local")


def is_url(source: str) -> bool:
    """Tell an fsspec URL (True) from a path of this machine (False)."""
    return "://" in source or source.partition("::")[0] in archives.KINDS


def file_path(url: str) -> str | None:
    """Return the path of a URL of this machine, such as ``file:///photos/a%20b.jpg``; None for anything else.

    ``%20`` stands for a blank unless there is a file of that very name.
    """
    scheme, _, rest = url.partition(":")
    if scheme.lower() not in _LOCAL or not rest.startswith("/"):
        return None
    path = rest.removeprefix("//")
    path = (path.removeprefix("localhost") if path.startswith("localhost/") else path) or "/"
    plain = unquote(path)
    return plain if os.path.lexists(plain) and not os.path.lexists(path) else path


def full_url(url: str) -> str:
    """Return a URL with ``://`` in the link of an archive, and an absolute path where it ends on this machine."""
    links = url.split("::")
    if len(links) == 1:
        return url
    links = [f"{link}://" if link in archives.KINDS else link for link in links]
    if "://" not in links[-1]:
        links[-1] = str(absolute(links[-1]))
    return "::".join(links)


def split_url(url: str) -> tuple[str, str, str]:
    """Split a URL into what comes before the path in its file system, that path, and the links that follow.

    >>> split_url("zip://cats/1.jpg::s3://bucket/a.zip")
    ('zip://', 'cats/1.jpg', '::s3://bucket/a.zip')
    >>> split_url("simplecache::s3://bucket/1.jpg")
    ('simplecache::s3://', 'bucket/1.jpg', '')
    """
    start = url.index("://") + 3
    end = url.find("::", start)
    return (url[:start], url[start:], "") if end < 0 else (url[:start], url[start:end], url[end:])


def open_url(url: str, options: Mapping[str, Any] | None = None) -> tuple[Any, str]:
    """Return the fsspec file system of a URL and the URL's path within it (no trailing slash).

    Raises
    ------
    MissingExtraError
        The package for this kind of URL is not installed.
    SourceError
        Unknown kind of URL, refused options, or a damaged archive.
    """
    from fsspec.core import url_to_fs

    protocol = url.split("://", maxsplit=1)[0]
    packed = archives.COMPRESSED_TAR.get(url.rpartition(".")[2].lower()) if protocol == "tar" else None
    try:
        filesystem, base = url_to_fs(url, **({"tar": {"compression": packed}} if packed else {}), **(options or {}))
        filesystem = archives.prepare(filesystem, protocol, packed)
    except ImportError as error:
        extra = _EXTRAS.get(protocol)
        advice = install_command(extra) if extra else f"install the fsspec package for {protocol}:// URLs"
        raise MissingExtraError(f"{url} needs an optional package ({error}): {advice}") from error
    except Exception as error:  # every service has errors of its own
        raise SourceError(f"{url} cannot be opened: {explain(error)}. Check the URL and storage_options.") from error
    return filesystem, str(base).rstrip("/")


def join(root: str, path: str) -> str:
    """Join a root (folder or URL, with or without a slash at its end) and a path below it."""
    if not root or root == ANYWHERE:
        return path
    if "::" in root and is_url(root):
        head, base, links = split_url(root)
        return f"{head}{join(base, path)}{links}"
    return f"{root}{path}" if root.endswith("/") else f"{root}/{path}"


def below(root: str, path: str) -> str | None:
    """Return a full path or URL as seen from a root; None if it does not lie below it."""
    if root == ANYWHERE:
        return path
    head, base, links = split_url(root) if is_url(root) else ("", root, "")
    other, inside, rest = split_url(path) if is_url(path) else ("", path, "")
    start = base if not base or base.endswith("/") else f"{base}/"
    return inside[len(start) :] if (head, links) == (other, rest) and inside.startswith(start) else None


def common_folder(one: str, other: str) -> str:
    """Return the deepest folder that holds two folders (URLs or absolute paths); `ANYWHERE` if there is none."""
    if one == other or not one or not other:
        return one if other else ""
    if ANYWHERE in (one, other) or is_url(one) != is_url(other):
        return ANYWHERE
    if not is_url(one):
        return os.path.commonpath([one, other])
    (head, start, links), (elsewhere, end, rest) = split_url(one), split_url(other)
    shared = os.path.commonprefix([start.rstrip("/").split("/"), end.rstrip("/").split("/")])  # noqa: RUF071  whole parts
    return f"{head}{'/'.join(shared)}{links}" if (head, links) == (elsewhere, rest) and (shared or links) else ANYWHERE
