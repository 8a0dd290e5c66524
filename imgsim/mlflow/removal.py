"""Removal of versions with their files, and of shared pieces that no version uses any more."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from imgsim.errors import RegistryError
from imgsim.mlflow.pages import find_logged_models
from imgsim.mlflow.shared.claims import Claim
from imgsim.mlflow.shared.pieces import RECIPE, parse_recipe
from imgsim.mlflow.shared.run import SharedRun

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

Unused = list[tuple[SharedRun, dict[str, int]]]
"""Runs, each with the sha256 and the size of its pieces that no version uses."""


def remove_versions(client: MlflowClient, versions: Iterable[ModelVersion], claims: Sequence[Claim] = ()) -> None:
    """Remove versions and the logged models that hold their files."""
    for version in versions:
        for claim in claims:
            claim.renew()
        client.delete_model_version(version.name, version.version)
        remove_logged_model(client, model_id(version))


def model_id(version: ModelVersion) -> str:
    """Return the id of the logged model of a version."""
    return str(version.model_id or str(version.source).removeprefix("models:/"))


def remove_logged_model(client: MlflowClient, model: str) -> None:
    """Remove a logged model and its files; one that is gone already is no error."""
    from mlflow.exceptions import MlflowException

    with suppress(MlflowException):
        remove_files(client.get_logged_model(model).artifact_location)
        client.delete_logged_model(model)


def remove_files(uri: str) -> None:
    """Remove all artifacts at an address."""
    with suppress(FileNotFoundError):
        _repository(uri).delete_artifacts()


def unused_pieces(client: MlflowClient, name: str, runs: Sequence[SharedRun], removed: Collection[str] = ()) -> Unused:
    """Find the shared pieces that no logged model of a registered model uses, besides those that are ``removed``.

    Raises
    ------
    RegistryError
        It cannot be read which pieces a version uses.
    """
    if not runs:
        return []
    used = {
        sha256
        for model in find_logged_models(client, name)
        if model.model_id not in removed
        for sha256 in _used(model.artifact_location)
    }
    return [(run, {sha256: size for sha256, size in run.sizes().items() if sha256 not in used}) for run in runs]


def remove_pieces(unused: Unused, claims: Sequence[Claim]) -> None:
    """Remove shared pieces."""
    for run, pieces in unused:
        for sha256 in pieces:
            for claim in claims:
                claim.renew()
            run.remove(sha256)


def _used(location: str) -> set[str]:
    """Return the sha256 of the pieces that a logged model uses; none if it holds all its files, or has lost them."""
    files = _repository(location)
    if RECIPE not in {item.path for item in files.list_artifacts()}:
        return set()
    with TemporaryDirectory(prefix="imgsim-") as folder:
        path = Path(folder) / RECIPE
        files._download_file(RECIPE, str(path))
        try:
            return set(parse_recipe(json.loads(path.read_bytes())).shared())
        except (ValueError, KeyError, TypeError) as error:
            raise RegistryError(
                f"{location}/{RECIPE} lacks or misstates {error}, so it is not known which shared files are used, and "
                "none was removed. Delete that version."
            ) from error


def _repository(uri: str) -> Any:
    """Return MLflow's access to the files at an address; its methods are untyped."""
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    return get_artifact_repository(uri)
