"""Archives as fsspec opens them: which files are some, names as other programs write them, compressed tars unpacked."""

import posixpath
import tempfile
from typing import Any

KINDS = ("zip", "tar", "libarchive")
"""The kinds of URL that read an archive."""
COMPRESSED_TAR = {"tgz": "gzip", "tbz": "bz2", "tbz2": "bz2", "txz": "xz"}  # short names that fsspec does not know
_ENDINGS = {
    "zip": (".zip", ".cbz"),
    "tar": (".tar", ".tar.gz", ".tar.bz2", ".tar.xz", *(f".{ending}" for ending in COMPRESSED_TAR)),
}


def archive_url(path: str) -> str | None:
    """Return the URL of everything in an archive, ``zip://::photos.zip``; None if the name is not that of one."""
    kind = next((kind for kind, endings in _ENDINGS.items() if path.lower().endswith(endings)), None)
    return kind and f"{kind}://::{path}"


def prepare(filesystem: Any, protocol: str, packed: str | None) -> Any:
    """Return the file system of an archive ready to be read: a tar unpacked, the names plain."""
    if protocol == "tar":
        filesystem = _unpacked(filesystem, packed)
        for member in filesystem.tar.getmembers():
            member.name = _plain_name(member.name)
        filesystem._index()
    if protocol == "zip":
        for member in filesystem.zip.filelist:
            member.filename = _plain_name(member.filename.replace("\\", "/"))
        filesystem.zip.NameToInfo = {member.filename: member for member in filesystem.zip.filelist}
    return filesystem


def _plain_name(name: str) -> str:
    """Return a member's name without ``./``, as ``tar -c .`` writes it, and without a slash at its start."""
    plain = posixpath.normpath(name).lstrip("/")
    return f"{plain}/" if name.endswith("/") else plain


def _unpacked(filesystem: Any, packed: str | None) -> Any:
    """Copy a compressed tar, uncompressed, to a temporary file: each picture would unpack all that lie before it."""
    from shutil import copyfileobj

    from fsspec.utils import infer_compression

    if not packed and infer_compression(filesystem.of.path) is None:
        return filesystem
    copy = tempfile.NamedTemporaryFile(prefix="imgsim-")  # noqa: SIM115 - open as long as the file system
    filesystem.fo.seek(0)
    copyfileobj(filesystem.fo, copy, 2**20)
    copy.seek(0)
    return type(filesystem)(copy)
