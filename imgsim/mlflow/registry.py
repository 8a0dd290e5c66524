"""Versions of a collection's model in the MLflow registry: register, reuse, promote, list, find, load.

A collection is the registered model ``imgsim-<collection>``. The newest version has the alias ``challenger``;
``champion`` moves by the rule in `imgsim.mlflow.promotion`, whose reason is kept in the version's tag
``imgsim.promotion``.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from imgsim.errors import ArgumentError, RegistryError
from imgsim.mlflow.connection import connect, default_tracking_uri, exists, shown
from imgsim.mlflow.download import TAG_REVISION, Version, load_version
from imgsim.mlflow.promotion import CHAMPION, METRICS, TAG_PROMOTION, aliases, is_decided, metrics_of, promote

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion, RegisteredModel

    from imgsim.model import SimilarityModel

TAG_DIGEST = "imgsim.digest"
PREFIX = "imgsim-"
_NAME = re.compile(rf"{PREFIX}[a-z0-9_-]+")


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
    if not _NAME.fullmatch(PREFIX + collection):
        raise ArgumentError(f"{collection!r} cannot name a collection; use lower-case letters, digits, '_' and '-'.")
    return PREFIX + collection


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
        if not is_decided(version):  # new, or a run was killed while promoting
            promote(client, version)
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
    """Load a registered model; its files are downloaded once and kept (`imgsim.mlflow.download`).

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
        The registry cannot be reached, has no such model, alias or version, or its files are missing or damaged.
    """
    wanted = alias if version is None else str(version)
    return load_version(resolve(registered_name(collection), wanted, tracking_uri=tracking_uri), tracking_uri)


def list_models(tracking_uri: str | None = None) -> list[str]:
    """List the registered models that imgsim made, the one that changed last first.

    Raises
    ------
    RegistryError
        The registry cannot be reached.
    """
    with connect(tracking_uri) as connection:
        found = _models(connection.client, f"name LIKE '{PREFIX}%'")
    named = [model for model in found if _NAME.fullmatch(model.name)]
    return [model.name for model in sorted(named, key=lambda model: (-(model.last_updated_timestamp or 0), model.name))]


def list_versions(name: str, tracking_uri: str | None = None) -> list[Version]:
    """List the ready versions of a registered model, newest first; at least one.

    Parameters
    ----------
    name : str
        ``imgsim-<collection>``.
    tracking_uri : str, optional
        Default: `default_tracking_uri`.

    Raises
    ------
    RegistryError
        The registry cannot be reached, has no such model, or no version of it is ready.
    """
    with connect(tracking_uri) as connection:
        client = connection.client
        models = _models(client, f"name = '{name}'") if _NAME.fullmatch(name) else []
        if not models:
            raise RegistryError(
                f"The registry at {shown(connection.registry_uri)} has no model {name}; run the pipeline for this "
                "collection first, or choose another one.",
                "no_model",
            )
        found = [item for item in client.search_model_versions(f"name = '{name}'") if item.status == "READY"]
        experiment = _experiment(client, found[0].run_id) if found else None
    if not found:
        raise RegistryError(f"{name} has no version that is ready; run the pipeline again.", "no_version")
    known = {str(alias): str(number) for alias, number in models[0].aliases.items()}
    ordered = sorted(found, key=lambda item: int(item.version), reverse=True)
    return [_version(item, known, _run_url(item.run_id, experiment, tracking_uri)) for item in ordered]


def choose(versions: Sequence[Version], wanted: str = "") -> Version:
    """Return the version of an alias or a number; by default the champion, else the newest.

    Parameters
    ----------
    versions : sequence of Version
        As `list_versions` returns them.
    wanted : str
        Alias or number.

    Raises
    ------
    RegistryError
        There is no such version.
    """
    if not wanted:
        return next((item for item in versions if CHAMPION in item.aliases), versions[0])
    for item in versions:
        if wanted == item.version or wanted in item.aliases:
            return item
    there = sorted({alias for item in versions for alias in item.aliases}) + [item.version for item in versions]
    raise RegistryError(
        f"{versions[0].name} has no version {wanted!r}; there are {', '.join(there[:20])}. Choose one.", "no_version"
    )


def resolve(name: str, wanted: str = "", *, tracking_uri: str | None = None) -> Version:
    """Find a version of a registered model by alias or number: `choose` among `list_versions`."""
    return choose(list_versions(name, tracking_uri), wanted)


def run_metrics(run_id: str, tracking_uri: str | None = None) -> dict[str, float]:
    """Read the metrics of an MLflow run.

    Raises
    ------
    RegistryError
        The server does not answer, or the run is gone.
    """
    with connect(tracking_uri) as connection:
        metrics = connection.client.get_run(run_id).data.metrics
    return {str(name): float(value) for name, value in metrics.items()}


def champion_metrics(collection: str, *, tracking_uri: str | None = None) -> dict[str, float] | None:
    """Return the champion's figures (names as in `imgsim.mlflow.promotion.METRICS`), or None without champion."""
    name = registered_name(collection)
    if not exists(tracking_uri):
        return None
    with connect(tracking_uri) as connection:
        version = aliases(connection.client, name).get(CHAMPION)
        return None if version is None else metrics_of(connection.client.get_model_version(name, version).tags)


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


def _find(client: MlflowClient, name: str, tag: str, value: str) -> ModelVersion | None:
    found = client.search_model_versions(f"name = '{name}' and tags.`{tag}` = '{value}'")
    ready = [version for version in found if version.status == "READY"]
    return max(ready, key=lambda version: int(version.version), default=None)


def _registration(client: MlflowClient, name: str, version: str, reused: bool) -> Registration:
    mine = _names_of(aliases(client, name), str(version))
    reason = client.get_model_version(name, version).tags[TAG_PROMOTION]
    return Registration(name, str(version), mine, CHAMPION in mine, reason, reused)


def _names_of(known: Mapping[str, str], number: str) -> tuple[str, ...]:
    return tuple(sorted(alias for alias, meant in known.items() if meant == number))


def _models(client: MlflowClient, wanted: str) -> list[RegisteredModel]:
    """Find every registered model that passes an MLflow filter; the server hands them out in pages."""
    page = client.search_registered_models(wanted)
    found = list(page)
    while page.token:
        page = client.search_registered_models(wanted, page_token=page.token)
        found += page
    return found


def _experiment(client: MlflowClient, run_id: str | None) -> str | None:
    from mlflow.exceptions import MlflowException

    with suppress(MlflowException):
        return None if not run_id else str(client.get_run(run_id).info.experiment_id)
    return None


def _version(item: ModelVersion, known: Mapping[str, str], run_url: str | None) -> Version:
    number, tags = str(item.version), {str(key): str(value) for key, value in item.tags.items()}
    return Version(
        name=item.name,
        version=number,
        aliases=_names_of(known, number),
        created=datetime.fromtimestamp(item.creation_timestamp / 1000, UTC),
        metrics=metrics_of(tags),
        tags=tags,
        run_id=item.run_id or None,
        run_url=run_url,
    )


def _run_url(run_id: str | None, experiment: str | None, tracking_uri: str | None) -> str | None:
    """Address of a run in MLflow's pages: below ``$IMGSIM_MLFLOW_UI``, else below a tracking server."""
    base = os.environ.get("IMGSIM_MLFLOW_UI") or tracking_uri or default_tracking_uri()
    if not run_id or not experiment or not base.startswith(("http://", "https://")):
        return None
    return f"{base.rstrip('/')}/#/experiments/{experiment}/runs/{run_id}"
