"""Patterns of paths such as ``photos/**/*.jpg``: the folder they start in, and the paths below it that match."""

import re
from collections.abc import Callable
from glob import has_magic

from imgsim.images.exclude import Exclude

__all__ = ["exclude_unnamed", "has_magic", "path_matcher", "split_pattern"]


def split_pattern(pattern: str, exists: Callable[[str], bool]) -> tuple[str, str]:
    """Split a pattern into the folder it starts in and the rest.

    ``exists`` tells whether a path exists: the folder ``photos [2024]`` is no pattern.
    """
    parts = pattern.split("/")
    count = 0
    while count < len(parts) - 1 and (not has_magic(parts[count]) or exists("/".join(parts[: count + 1]))):
        count += 1
    return "/".join(parts[:count]), "/".join(parts[count:])


def path_matcher(pattern: str, recursive: bool) -> Callable[[str], bool]:
    """Return a function that tells whether a path below the pattern's folder matches.

    ``**`` stands for any number of folders, if ``recursive``; everything else for what is between two slashes.
    """
    from fsspec.utils import glob_translate

    parts = [part if part == "**" and recursive else re.sub(r"\*+", "*", part) for part in pattern.split("/")]
    expression = re.compile(glob_translate("/".join(parts)))
    return lambda path: expression.match(path) is not None


def exclude_unnamed(exclude: Exclude, pattern: str) -> Exclude:
    """Return the rules without those for the names that a pattern spells out, such as ``.NET`` or ``@eaDir``."""
    named = [part for part in pattern.split("/") if part and (part.startswith(".") or not has_magic(part))]
    return Exclude((*exclude.patterns, *(f"!{part}" for part in named)))
