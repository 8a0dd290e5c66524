"""Texts for messages: errors of the system and of storage services in short, addresses without passwords."""

import errno
import re
from subprocess import TimeoutExpired
from textwrap import shorten as _shorten

USER = re.compile(r"://(?:[^/\s]*@|[^/\s:]*:(?!\d+/)\S*@)")
"""User and password of an address, also one with a ``/`` that should have been written as ``%2F``."""
_LASTING = (None, errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ELOOP, errno.ENAMETOOLONG)
_NOT_FOUND = 404  # HTTP


def explain(error: Exception) -> str:
    """Return the reason of an error in a few words, without the path."""
    if isinstance(error, OSError) and error.errno == errno.ELOOP:
        return "the link leads back to itself"
    if is_missing(error):
        return "there is no such file"
    if isinstance(error, FileNotFoundError) and isinstance(error.__cause__, Exception):
        return explain(error.__cause__)
    if isinstance(error, OSError) and error.errno and error.strerror:
        return error.strerror.lower()
    return " ".join(str(error).split()).rstrip(".") or type(error).__name__


def is_missing(error: Exception) -> bool:
    """Tell if an error says that there is no such file; fsspec raises the same for a server that does not answer."""
    cause = error.__cause__
    other = isinstance(cause, OSError) and not isinstance(cause, FileNotFoundError)
    return isinstance(error, FileNotFoundError) and not other and getattr(cause, "status", _NOT_FOUND) == _NOT_FOUND


def shorten(error: Exception, length: int = 300) -> str:
    """Return the text of an error on one line, cut between words (``and more``), without a full stop."""
    return _shorten(str(error).rstrip(". \n"), length, placeholder=" and more") or type(error).__name__


def temporary_cause(error: BaseException) -> BaseException | None:
    """Return the error, or the one that caused it, that says nothing about a file; None if there is none.

    Such errors are of memory, time, file handles, access or the disk. Libraries raise `OSError` without a number for
    damaged content, and Pillow when it is out of memory.
    """
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, (MemoryError, TimeoutError, TimeoutExpired)):
            return seen
        if isinstance(seen, OSError) and (seen.errno not in _LASTING or "out of memory" in str(seen)):
            return seen
        seen = seen.__cause__ or seen.__context__
    return None


def hide_passwords(text: str) -> str:
    """Hide user and password in the addresses that a text holds."""
    return USER.sub("://***@", text)
