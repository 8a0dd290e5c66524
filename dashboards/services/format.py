"""Text of figures and names, the same on every page."""

from __future__ import annotations


def visible(text: object) -> str:
    """Write control characters, bidirectional marks and lone surrogates as escapes, so that every name is visible."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in str(text))


def size_of(count: float) -> str:
    """Write a number of bytes: ``"9.2 MB"``."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000 or unit == "GB":
            return f"{count:.0f} {unit}" if unit == "B" or count >= 100 else f"{count:.1f} {unit}"
        count /= 1000
    raise AssertionError


def counted(count: int, one: str, many: str = "", *, mark: str = "") -> str:
    """Write a count with its unit: ``"1 group"``, ``"2,000 groups"``; ``mark`` is put around the number."""
    return f"{mark}{count:,}{mark} {one if count == 1 else many or one + 's'}"
