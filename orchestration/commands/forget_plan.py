"""Parts that ``imgsim forget`` removes from MLflow, the home and Dagster, and the removal."""

import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
from dagster._core.storage.tags import PARTITION_NAME_TAG

from imgsim.decisions import open_decisions
from imgsim.errors import ArgumentError
from imgsim.features.store import FeatureStore
from imgsim.images.scanning.memory import forget as forget_scans
from imgsim.images.table import ImageTable
from imgsim.io.hashing import file_sha256
from imgsim.io.home import home
from imgsim.mlflow import forget
from imgsim.mlflow.shared.copies import downloads
from orchestration.automation.history import History
from orchestration.automation.watched import watched_folders, watched_root
from orchestration.commands.forget_runs import forget_runs
from orchestration.instance import prepare_instance
from orchestration.partitions import collections
from orchestration.resources import StorageResource
from orchestration.result_cache import PICTURES, current
from orchestration.run_lock import end_dead_runs

IN_USE = (
    "Dagster's database is in use: it may hold names of files until it is written anew. Stop `imgsim ui`, and run "
    "this command again."
)
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Plan:
    """Plan of a removal: a name for it, lines to show, and the removal, which returns lines to show."""

    what: str
    lines: list[str]
    carry_out: Callable[[], list[str]]


def plan(collection: str) -> Plan:
    """Plan the removal of a collection.

    Raises
    ------
    ArgumentError
        There is no such collection, or it has a run under way.
    RegistryError
        MLflow does not answer.
    """
    folder = StorageResource().collection_folder(collection)
    with _instance() as instance:
        known = instance.get_dynamic_partitions(str(collections.name))
        runs = _runs(instance, collection)
        _check_idle(instance, collection)
    registered = forget.count(collection)
    if collection not in known and not (folder.exists() or runs or registered.versions or registered.runs):
        raise ArgumentError(f"there is no collection {collection!r}. There are: {', '.join(sorted(known)) or 'none'}.")
    lines = [
        f"Dagster  the collection and {len(runs)} runs",
        f"MLflow   the model imgsim-{collection} with {len(registered.versions)} versions, {registered.runs} runs",
        f"home     {folder}",
        f"home     features and thumbnails in {home() / 'store'} that no other collection has",
        "note     what people decided about its pictures stays (imgsim decisions)",
    ]
    if watched := watched_folders(watched_root())[0].get(collection, []) if watched_root().is_dir() else []:
        lines.append(f"note     {watched[0]} is watched and will be published again: move it away first")

    def carry_out() -> list[str]:
        done = forget.forget_model(collection)
        own = _own_pictures(collection)
        thumbnails = FeatureStore(home() / "store").forget(own)  # not from a team's store
        forget_scans(own)
        shutil.rmtree(folder, ignore_errors=True)
        _remove_copies()
        with _instance() as instance:
            instance.delete_dynamic_partition(str(collections.name), collection)
            whole = forget_runs(instance, _runs(instance, collection))
        return [
            f"forgot {collection}: {len(done.versions)} versions, {done.runs} MLflow runs, {len(runs)} Dagster runs, "
            f"{thumbnails} thumbnails. Its images themselves stay.",
            *([] if whole else [IN_USE]),
        ]

    return Plan(f"collection {collection}", lines, carry_out)


def plan_picture(collection: str, picture: str) -> Plan:
    """Plan the removal of a picture, given by path or sha256, from what was published of a collection.

    Raises
    ------
    ArgumentError
        The newest version holds it, or none does; or the collection has a run under way.
    RegistryError
        MLflow does not answer.
    """
    name = _named(collection, picture)
    with _instance() as instance:
        _check_idle(instance, collection)
    found = forget.versions_with(collection, name)
    decisions = open_decisions()
    lines = [
        f"MLflow   versions {', '.join(found.versions)} of imgsim-{collection}, and the runs that made them or failed",
        "Dagster  all runs of the collection but the last successful one: they show pictures",
        f"home     results of earlier runs, and what is stored of {', '.join(key[:12] for key in found.sha256)}",
        f"decided  all that people decided about it, in {decisions.url}",
    ]

    def carry_out() -> list[str]:
        decisions.forget(found.sha256)
        done = forget.forget_picture(collection, name)
        _keep_current_results(collection)
        StorageResource().store().forget(done.sha256)
        forget_scans(done.sha256)
        _remove_copies()
        with _instance() as instance:
            whole = forget_runs(instance, _runs(instance, collection, keep_last=True))
        return [
            f"forgot {picture}: versions {', '.join(done.versions)} and {done.runs} MLflow runs are gone.",
            *([f"version {done.champion} is champion now."] if done.champion else []),
            *([] if whole else [IN_USE]),
        ]

    return Plan(f"{picture} from collection {collection}", lines, carry_out)


def _remove_copies() -> None:
    """Remove what the dashboard keeps of versions; it is made again when it is asked for."""
    for folder in (downloads(), home() / "dashboard"):
        shutil.rmtree(folder, ignore_errors=True)


def _instance() -> dg.DagsterInstance:
    return dg.DagsterInstance.from_config(str(prepare_instance()))


def _check_idle(instance: dg.DagsterInstance, collection: str) -> None:
    end_dead_runs(instance)
    if collection in History(instance).busy:
        raise ArgumentError(f"collection {collection!r} has a run under way: wait for its end, or stop it.")


def _runs(instance: dg.DagsterInstance, collection: str, keep_last: bool = False) -> list[str]:
    """List the ids of the collection's runs, on request without the last successful one."""
    runs = instance.get_runs(dg.RunsFilter(tags={PARTITION_NAME_TAG: collection}))
    last = next((run.run_id for run in runs if run.is_success), None) if keep_last else None
    return [run.run_id for run in runs if run.run_id != last]


def _named(collection: str, picture: str) -> str:
    """Return what the versions call a picture: its sha256, or its path below the collection's folder."""
    if _SHA256.fullmatch(picture):
        return picture
    path = Path(picture).expanduser().absolute()
    if path.is_file():
        return file_sha256(path)
    root = StorageResource().remembered(collection)
    if root and Path(picture).is_absolute() and path.is_relative_to(root):
        return path.relative_to(root).as_posix()
    return picture


def _own_pictures(collection: str) -> set[str]:
    """Return the sha256 of the images that this collection has, and no other."""
    own = _pictures(home() / "collections" / collection)
    for folder in (home() / "collections").iterdir() if own else ():
        if folder.name != collection:
            own -= _pictures(folder)
    return own


def _pictures(folder: Path) -> set[str]:
    return {key for path in folder.glob("images/*/images.parquet") for key in ImageTable.load(path).sha256}


def _keep_current_results(collection: str) -> None:
    """Remove the results of earlier runs: tables, pictures and reports."""
    for folder in StorageResource().collection_folder(collection).iterdir():
        if not folder.is_dir():
            continue
        kept = current(folder).name
        for parent in (folder, folder / PICTURES):
            for path in parent.iterdir() if parent.is_dir() else ():
                if path.is_dir() and path.name not in (kept, PICTURES):
                    shutil.rmtree(path, ignore_errors=True)
