"""Retention: of a registered model the versions with an alias and the newest ones stay, the others are removed.

The version that is the baseline of the promotion rule stays too, and those that another registered model copied.
Afterwards shared pieces that no version uses are removed, and files of registrations that never ended.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from imgsim import arguments
from imgsim.arguments import DEFAULT_KEEP
from imgsim.errors import RegistryError
from imgsim.mlflow.connection import connect, shown
from imgsim.mlflow.pages import find_logged_models, find_versions
from imgsim.mlflow.promotion import CHAMPION, TAG_BASELINE, aliases
from imgsim.mlflow.removal import (
    Unused,
    model_id,
    remove_logged_model,
    remove_pieces,
    remove_versions,
    unused_pieces,
)
from imgsim.mlflow.shared.claims import LIFE, REGISTERING, removing
from imgsim.mlflow.shared.run import SharedRun, shared_runs

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import LoggedModel
    from mlflow.entities.model_registry import ModelVersion


@dataclass(frozen=True)
class Pruned:
    """Result of `prune`, or what it would be: numbers of versions, and count and bytes of shared pieces.

    Parameters
    ----------
    name : str
    kept, removed : tuple of str
        Numbers of versions.
    unfinished : int
        Registrations that never ended, whose files were removed.
    pieces, bytes : int
        Shared pieces that were removed.
    """

    name: str
    kept: tuple[str, ...]
    removed: tuple[str, ...]
    unfinished: int
    pieces: int
    bytes: int


@dataclass(frozen=True)
class _Plan:
    kept: list[ModelVersion] = field(default_factory=list)
    removed: list[ModelVersion] = field(default_factory=list)
    unfinished: list[str] = field(default_factory=list)
    unused: Unused = field(default_factory=list)


def prune(name: str, keep: int = DEFAULT_KEEP, *, dry_run: bool = False, tracking_uri: str | None = None) -> Pruned:
    """Remove old versions of a registered model, with their files.

    Parameters
    ----------
    name : str
        ``imgsim-<collection>``.
    keep : int
        Newest versions that stay, at least 1; those with an alias stay besides.
    dry_run : bool
        Remove nothing, and only tell what would be removed.
    tracking_uri : str, optional
        Default: `imgsim.mlflow.connection.default_tracking_uri`.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        ``keep`` is not a whole number above 0.
    RegistryError
        There is no such model, a version is being registered, or MLflow does not answer.
    """
    keep = arguments.positive_int(keep, "keep")
    with connect(tracking_uri) as connection:
        client = connection.client
        if not client.search_registered_models(f"name = '{name}'"):
            raise RegistryError(
                f"The registry at {shown(connection.registry_uri)} has no model {name}. `imgsim registry list` shows "
                "those it has.",
                "no_model",
            )
        runs = shared_runs(client, name)
        with ExitStack() as stack:
            claims = [] if dry_run else stack.enter_context(removing(client, runs, name))
            plan = _plan(client, name, keep, runs)
            if not dry_run:
                remove_versions(client, plan.removed, claims)
                for model in plan.unfinished:
                    remove_logged_model(client, model)
                remove_pieces(plan.unused, claims)
    sizes = [size for _, pieces in plan.unused for size in pieces.values()]
    return Pruned(name, _numbers(plan.kept), _numbers(plan.removed), len(plan.unfinished), len(sizes), sum(sizes))


def _plan(client: MlflowClient, name: str, keep: int, runs: Sequence[SharedRun]) -> _Plan:
    found = sorted(find_versions(client, f"name = '{name}'"), key=lambda item: int(item.version), reverse=True)
    logged = find_logged_models(client, name)
    wanted = _wanted(client, name, found, keep)
    copied = _runs_of_copies(client, name, logged)
    kept = [item for item in found if str(item.version) in wanted or item.run_id in copied]
    removed = [item for item in found if item not in kept]
    oldest = 1000 * (time.time() - LIFE[REGISTERING])
    registered = {model_id(item) for item in found}
    unfinished = [
        str(model.model_id)
        for model in logged
        if model.model_id not in registered and model.source_run_id not in copied and model.creation_timestamp < oldest
    ]
    gone = {*unfinished, *map(model_id, removed)}
    return _Plan(kept, removed, unfinished, unused_pieces(client, name, runs, gone))


def _wanted(client: MlflowClient, name: str, found: Sequence[ModelVersion], keep: int) -> set[str]:
    """Return the numbers of the newest versions that are ready, those with an alias, and the champion's baseline."""
    known = aliases(client, name)
    newest = [str(item.version) for item in found if item.status == "READY"][:keep]
    baseline = [item.tags.get(TAG_BASELINE, "") for item in found if str(item.version) == known.get(CHAMPION)]
    return {*newest, *known.values(), *baseline}


def _runs_of_copies(client: MlflowClient, name: str, logged: Sequence[LoggedModel]) -> set[str]:
    """Return the runs of these logged models that versions of other registered models come from."""
    runs = sorted({str(model.source_run_id) for model in logged if model.source_run_id})
    return {run for run in runs if any(item.name != name for item in find_versions(client, f"run_id = '{run}'"))}


def _numbers(found: list[ModelVersion]) -> tuple[str, ...]:
    return tuple(sorted((str(item.version) for item in found), key=int))
