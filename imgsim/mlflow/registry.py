"""Versions of a collection's model in the MLflow registry: register, reuse, promote, find, load.

A collection is the registered model ``imgsim-<collection>``. The newest version has the alias ``challenger``;
``champion`` moves by the rule in `imgsim.mlflow.promotion`, whose reason is kept in the version's tag
``imgsim.promotion``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from imgsim.errors import ArgumentError, RegistryError
from imgsim.mlflow.connection import Connection, connect, exists, shown
from imgsim.mlflow.promotion import METRICS, decide

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

    from imgsim.model import SimilarityModel

CHALLENGER, CHAMPION = "challenger", "champion"
TAG_DIGEST, TAG_REVISION, TAG_PROMOTION = "imgsim.digest", "imgsim.revision", "imgsim.promotion"

_PREFIX = "imgsim-"
_DECIDED = "decided: "  # before a verdict: the aliases may not say so yet
_COLLECTION = re.compile(r"[a-z0-9_-]+")


@dataclass(frozen=True)
class Registration:
    """A version in the registry, and how it came to its aliases."""

    name: str
    version: str
    aliases: tuple[str, ...]
    champion: bool
    reason: str
    reused: bool

    @property
    def uri(self) -> str:
        """``models:/name/version``, for MLflow."""
        return f"models:/{self.name}/{self.version}"


def registered_name(collection: str) -> str:
    """Return ``imgsim-<collection>``.

    Raises
    ------
    ArgumentError
        The name holds something else than lower-case letters, digits, ``_`` and ``-``.
    """
    if not _COLLECTION.fullmatch(collection):
        raise ArgumentError(f"{collection!r} cannot name a collection; use lower-case letters, digits, '_' and '-'.")
    return _PREFIX + collection


def register(model: SimilarityModel, *, collection: str, run_id: str, tracking_uri: str | None = None) -> Registration:
    """Make ``model`` a version of ``imgsim-<collection>``, and champion if it is no worse than the present one.

    A version with the same revision (the model with its insights and its Core ML package) is reused: nothing is
    uploaded and no alias moves.

    Parameters
    ----------
    model : SimilarityModel
    collection : str
    run_id : str
        MLflow run that the model belongs to; it exists already.
    tracking_uri : str, optional
        Default: `imgsim.mlflow.connection.default_tracking_uri`.

    Raises
    ------
    ArgumentError
        A collection cannot have that name.
    RegistryError
        The registry cannot be reached or refuses.
    """
    name = registered_name(collection)
    with connect(tracking_uri) as connection:
        client = connection.client
        found = _find(client, name, TAG_REVISION, model.revision)
        version = _create(client, model, name, run_id) if found is None else found
        if version.tags.get(TAG_PROMOTION, _DECIDED).startswith(_DECIDED):  # new, or a run was killed while promoting
            _promote(client, version)
        client.set_tag(run_id, "imgsim.model_version", f"{name}/{version.version}")
        return _registration(client, name, version.version, reused=found is not None)


def find_version_by_digest(collection: str, digest: str, *, tracking_uri: str | None = None) -> str | None:
    """Return the newest version of the collection whose model has this digest, or None."""
    if not exists(tracking_uri):
        return None
    with connect(tracking_uri) as connection:
        found = _find(connection.client, registered_name(collection), TAG_DIGEST, digest)
        return None if found is None else str(found.version)


def load(
    collection: str, *, alias: str = CHAMPION, version: str | int | None = None, tracking_uri: str | None = None
) -> SimilarityModel:
    """Load a registered model.

    Parameters
    ----------
    collection : str
    alias : str
        ``"champion"`` or ``"challenger"``; not used when ``version`` is given.
    version : str or int, optional
    tracking_uri : str, optional
        Default: `imgsim.mlflow.connection.default_tracking_uri`.

    Raises
    ------
    RegistryError
        The registry cannot be reached, or has no such model, alias or version.
    """
    from mlflow.artifacts import download_artifacts

    from imgsim.mlflow.flavor import load_folder

    name = registered_name(collection)
    with connect(tracking_uri) as connection:
        wanted = _version_of(connection, name, alias) if version is None else str(version)
        addresses = {"tracking_uri": connection.tracking_uri, "registry_uri": connection.registry_uri}
        folder = download_artifacts(f"models:/{name}/{wanted}", **addresses)
    return load_folder(Path(folder))


def champion_metrics(collection: str, *, tracking_uri: str | None = None) -> dict[str, float] | None:
    """Return the champion's figures (names as in `imgsim.mlflow.promotion.METRICS`), or None without champion."""
    name = registered_name(collection)
    if not exists(tracking_uri):
        return None
    with connect(tracking_uri) as connection:
        version = _aliases(connection.client, name).get(CHAMPION)
        return None if version is None else _metrics(connection.client.get_model_version(name, version).tags)


def _create(client: MlflowClient, model: SimilarityModel, name: str, run_id: str) -> ModelVersion:
    from imgsim.mlflow.flavor import log_model

    logged = log_model(model, name, run_id=run_id)
    _ensure_registered(client, name)
    source = f"models:/{logged.model_id}"
    return client.create_model_version(name, source, run_id=run_id, model_id=logged.model_id, tags=_tags(model))


def _ensure_registered(client: MlflowClient, name: str) -> None:
    from mlflow.exceptions import MlflowException

    try:
        client.create_registered_model(name, description="Similar images, by imgsim")
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise


def _tags(model: SimilarityModel) -> dict[str, str]:
    metrics: Mapping[str, float] = {} if model.evaluation is None else model.evaluation.metrics
    facts = {
        TAG_DIGEST: model.digest,
        TAG_REVISION: model.revision,
        "imgsim.images": str(len(model.images)),
        "imgsim.backbone": model.backbone.name,
        "imgsim.fingerprint": model.backbone.fingerprint,
    }
    return facts | {f"imgsim.{name}": f"{metrics[name]:.6f}" for name in METRICS if name in metrics}


def _metrics(tags: Mapping[str, str]) -> dict[str, float]:
    return {name: float(tags[f"imgsim.{name}"]) for name in METRICS if f"imgsim.{name}" in tags}


def _promote(client: MlflowClient, version: ModelVersion) -> None:
    """Set the aliases by the rule, once: the tag says what was decided before they move, and last that it was done."""
    client.set_registered_model_alias(version.name, CHALLENGER, version.version)
    tags = client.get_model_version(version.name, version.version).tags
    verdict = tags.get(TAG_PROMOTION, "").removeprefix(_DECIDED) or _verdict(client, version.name, tags)
    if verdict.startswith(f"{CHAMPION}:"):
        client.set_model_version_tag(version.name, version.version, TAG_PROMOTION, _DECIDED + verdict)
        client.set_registered_model_alias(version.name, CHAMPION, version.version)
    client.set_model_version_tag(version.name, version.version, TAG_PROMOTION, verdict)


def _verdict(client: MlflowClient, name: str, tags: Mapping[str, str]) -> str:
    """Return ``champion: reason``, or ``not champion, version 3 stays: reason``."""
    champion = _aliases(client, name).get(CHAMPION)
    known = None if champion is None else _metrics(client.get_model_version(name, champion).tags)
    decision = decide(_metrics(tags), known)
    verdict = CHAMPION if decision.promote else f"not champion, version {champion} stays"
    return f"{verdict}: {decision.reason}"


def _find(client: MlflowClient, name: str, tag: str, value: str) -> ModelVersion | None:
    found = client.search_model_versions(f"name = '{name}' and tags.`{tag}` = '{value}'")
    ready = [version for version in found if version.status == "READY"]
    return max(ready, key=lambda version: int(version.version), default=None)


def _aliases(client: MlflowClient, name: str) -> dict[str, str]:
    """Map each alias to its version; empty when there is no such model."""
    found = client.search_registered_models(f"name = '{name}'")
    return {alias: str(version) for model in found for alias, version in model.aliases.items()}


def _version_of(connection: Connection, name: str, alias: str) -> str:
    aliases = _aliases(connection.client, name)
    if alias not in aliases:
        raise RegistryError(
            f"The registry at {shown(connection.registry_uri)} has no version of {name} with the alias "
            f"{alias!r} (aliases: {', '.join(sorted(aliases)) or 'none'}); run the pipeline for this collection first, "
            "or ask for one of these aliases or for a version number."
        )
    return aliases[alias]


def _registration(client: MlflowClient, name: str, version: str, reused: bool) -> Registration:
    aliases = tuple(sorted(alias for alias, number in _aliases(client, name).items() if number == str(version)))
    reason = client.get_model_version(name, version).tags[TAG_PROMOTION]
    return Registration(name, str(version), aliases, CHAMPION in aliases, reason, reused)
