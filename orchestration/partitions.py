"""Partitions: a collection, which is a named folder or bucket of images."""

import re
from pathlib import Path

import dagster as dg

from imgsim.errors import ArgumentError

collections = dg.DynamicPartitionsDefinition(name="collections")

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")


def is_collection_name(name: str) -> bool:
    """Return True when ``name`` fits a partition, a folder and a registered model: ``[a-z0-9_-]``, at most 63."""
    return _NAME.fullmatch(name) is not None


def check_collection_name(name: str) -> str:
    """Return ``name``.

    Raises
    ------
    ArgumentError
        It is not usable as a collection's name.
    """
    if not is_collection_name(name):
        raise ArgumentError(
            f"{name!r} cannot name a collection: use lower-case letters, digits, '-' and '_', "
            "63 at most, starting with a letter or digit."
        )
    return name


def slug(source: str | Path) -> str:
    """Make a collection name from the last part of a folder's path or URL.

    Raises
    ------
    ArgumentError
        Nothing usable is left.
    """
    last = str(source).rstrip("/").rsplit("/", 1)[-1].lower()
    name = re.sub(r"[^a-z0-9_-]+", "-", last).strip("-_")[:63]
    if not name:
        raise ArgumentError(
            f"{str(source)!r} cannot name a collection: the last part of it has no letter a to z and no digit. "
            "Give the collection a name: --collection name."
        )
    return name
