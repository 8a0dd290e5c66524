"""Partitions: a collection, which is a named folder or bucket of images."""

import hashlib
import os
import re
import unicodedata
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
        It is not usable as a collection's name; the message gives one that is.
    """
    if not is_collection_name(name):
        raise ArgumentError(
            f"{name!r} cannot name a collection: use lower-case letters, digits, '-' and '_', "
            f"63 at most, starting with a letter or digit. For example: {slug(name or 'images')}."
        )
    return name


def collection_of(context: dg.AssetExecutionContext | dg.InputContext | dg.OutputContext) -> str:
    """Return the collection that a step works on: the partition of its run.

    Raises
    ------
    ArgumentError
        The run has no partition, or one that cannot name a collection.
    """
    if not context.has_partition_key:
        raise ArgumentError(
            "this run has no collection. In Dagster start it by 'Materialize all' on the page Lineage, and choose a "
            "partition there or add one: it is the collection's name."
        )
    return check_collection_name(str(context.partition_key))


def slug(source: str | Path) -> str:
    """Make a collection name from the last part of a folder's path or URL.

    Accents are left out, so that both ways to write them (NFC, NFD) give one name. A part without any letter a to z and
    digit (another script) gives ``images-`` and 8 digits of its sha256.
    """
    last = unicodedata.normalize("NFC", str(source).rstrip("/").rsplit("/", 1)[-1].lower())
    plain = "".join(sign for sign in unicodedata.normalize("NFKD", last) if not unicodedata.combining(sign))
    name = re.sub(r"[^a-z0-9_-]+", "-", plain.lower()).strip("-_")[:63].rstrip("-_")
    return name or f"images-{hashlib.sha256(os.fsencode(last)).hexdigest()[:8]}"


def add_partition(instance: dg.DagsterInstance, collection: str) -> None:
    """Make the collection a partition of all assets."""
    instance.add_dynamic_partitions(str(collections.name), [collection])


def drop_if_new(instance: dg.DagsterInstance, collection: str) -> bool:
    """Remove the partition of a collection that no features exist of, such as one of a mistyped folder.

    Returns
    -------
    bool
        True if there are no features.
    """
    new = collection not in instance.get_materialized_partitions(dg.AssetKey("features"))
    if new:
        instance.delete_dynamic_partition(str(collections.name), collection)
    return new
