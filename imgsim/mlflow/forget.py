"""Removal of models, and of versions that hold a picture, from MLflow: registry, runs and their files.

MLflow itself only marks a deleted run. Its files (pictures, report, tables) are removed here, and in the home's own
database its records too. A server keeps figures, parameters and description until ``mlflow gc``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from imgsim.errors import ArgumentError
from imgsim.images.table import ImageTable
from imgsim.mlflow import sqlite_store
from imgsim.mlflow.connection import Connection, connect, exists
from imgsim.mlflow.pages import find_runs, find_versions
from imgsim.mlflow.promotion import CHALLENGER, CHAMPION, aliases
from imgsim.mlflow.registry import registered_name
from imgsim.mlflow.removal import remove_files, remove_pieces, remove_versions, unused_pieces
from imgsim.mlflow.shared.claims import removing
from imgsim.mlflow.shared.run import shared_runs

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run
    from mlflow.entities.model_registry import ModelVersion

IMAGES = "model.imgsim/images.parquet"
TAG_COLLECTION, TAG_VERSION = "imgsim.collection", "imgsim.model_version"


@dataclass(frozen=True)
class Forgotten:
    """Result of a removal: numbers of versions, count of runs, and the sha256 of the pictures."""

    versions: tuple[str, ...] = ()
    runs: int = 0
    sha256: tuple[str, ...] = ()
    champion: str = ""
    """The version that is champion since, if the one before was removed."""


def count(collection: str, tracking_uri: str | None = None) -> Forgotten:
    """Tell what `forget_model` would remove."""
    if not exists(tracking_uri):
        return Forgotten()
    with connect(tracking_uri) as connection:
        versions = find_versions(connection.client, f"name = '{registered_name(collection)}'")
        runs = _runs(connection.client, collection)
    return Forgotten(_numbers(versions), len(runs))


def forget_model(collection: str, tracking_uri: str | None = None) -> Forgotten:
    """Remove a collection's registered model, its versions and all MLflow runs of the collection.

    Raises
    ------
    RegistryError
        MLflow does not answer, or refuses.
    """
    if not exists(tracking_uri):
        return Forgotten()
    name = registered_name(collection)
    with connect(tracking_uri) as connection:
        client = connection.client
        versions, runs = find_versions(client, f"name = '{name}'"), _runs(client, collection)
        shared = [client.get_run(run.id) for run in shared_runs(client, name)]
        remove_versions(client, versions)
        if client.search_registered_models(f"name = '{name}'"):
            client.delete_registered_model(name)
        _remove_runs(connection, [*runs, *shared])
    return Forgotten(_numbers(versions), len(runs))


def versions_with(collection: str, picture: str, tracking_uri: str | None = None) -> Forgotten:
    """Find the versions that hold a picture.

    Parameters
    ----------
    collection : str
    picture : str
        Its sha256, or its path as the versions hold it.

    Raises
    ------
    ArgumentError
        No version holds it, or the newest one does: it must first be replaced by one without it.
    RegistryError
        MLflow does not answer, or the files of a version are missing.
    """
    with connect(tracking_uri) as connection:
        return _holding(connection, collection, picture)[0]


def forget_picture(collection: str, picture: str, tracking_uri: str | None = None) -> Forgotten:
    """Remove the versions of `versions_with`, what only they used of shared files, and runs that made them or failed.

    If the champion is among them, the newest version becomes champion.

    Raises
    ------
    ArgumentError, RegistryError
        As for `versions_with`.
    """
    with connect(tracking_uri) as connection:
        client, name = connection.client, registered_name(collection)
        found, versions, newest = _holding(connection, collection, picture)
        champion = aliases(client, name).get(CHAMPION)
        moved = newest if champion in found.versions else ""
        if moved:
            client.set_registered_model_alias(name, CHAMPION, newest)
        of_removed = {f"{name}/{number}" for number in found.versions}
        made = {item.run_id for item in versions}
        runs = [
            run
            for run in _runs(client, collection)
            if run.info.status in ("FAILED", "KILLED")
            or run.info.run_id in made
            or run.data.tags.get(TAG_VERSION) in of_removed
        ]
        shared = shared_runs(client, name)
        with removing(client, shared, name) as claims:
            remove_versions(client, versions, claims)
            remove_pieces(unused_pieces(client, name, shared), claims)
        _remove_runs(connection, runs)
    return Forgotten(found.versions, len(runs), found.sha256, moved)


def _holding(connection: Connection, collection: str, picture: str) -> tuple[Forgotten, list[ModelVersion], str]:
    """Return what holds the picture, as versions too, and the number of the newest version.

    Versions whose files are gone hold nothing.
    """
    client, name = connection.client, registered_name(collection)
    versions = [item for item in find_versions(client, f"name = '{name}'") if _has_files(item)]
    tables = {str(item.version): _images(connection, item) for item in versions}
    keys = {
        key
        for table in tables.values()
        for key, path in zip(table.sha256, table.paths, strict=True)
        if picture in (key, path)
    }
    holding = [item for item in versions if keys & set(tables[str(item.version)].sha256)]
    if not holding:
        raise ArgumentError(f"no version of {name} holds {picture}. Give its sha256, or its path below the folder.")
    newest = aliases(client, name).get(CHALLENGER) or max(_numbers(versions), key=int)
    if newest in _numbers(holding):
        raise ArgumentError(
            f"version {newest} of {name}, the newest, holds {picture}. Take the picture out of the folder and run "
            "the pipeline first: that registers a version without it."
        )
    return Forgotten(_numbers(holding), 0, tuple(sorted(keys))), holding, newest


def _numbers(versions: Iterable[ModelVersion]) -> tuple[str, ...]:
    return tuple(sorted((str(item.version) for item in versions), key=int))


def _runs(client: MlflowClient, collection: str) -> list[Run]:
    return find_runs(client, f"tags.`{TAG_COLLECTION}` = '{collection}'")


def _has_files(version: ModelVersion) -> bool:
    from mlflow.artifacts import list_artifacts

    return bool(list_artifacts(f"models:/{version.name}/{version.version}"))


def _images(connection: Connection, version: ModelVersion) -> ImageTable:
    from mlflow.artifacts import download_artifacts

    with TemporaryDirectory(prefix="imgsim-") as folder:
        got = download_artifacts(
            f"models:/{version.name}/{version.version}/{IMAGES}",
            dst_path=folder,
            tracking_uri=connection.tracking_uri,
            registry_uri=connection.registry_uri,
        )
        return ImageTable.load(Path(got))


def _remove_runs(connection: Connection, runs: Iterable[Run]) -> None:
    from mlflow.tracking._tracking_service.utils import _get_store

    own = sqlite_store.sqlite_path(connection.tracking_uri)
    records: Any = None if own is None else _get_store(connection.tracking_uri)  # type: ignore[no-untyped-call]
    for run in runs:
        remove_files(run.info.artifact_uri)
        connection.client.delete_run(run.info.run_id)
        if records is not None:  # what `mlflow gc` does, which takes an address on the command line only
            records._hard_delete_run(run.info.run_id)
    if own is not None:
        own.with_name(sqlite_store.BACKUP).unlink(missing_ok=True)
        sqlite_store.vacuum(own)
