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
from typing import TYPE_CHECKING

from imgsim.errors import ArgumentError, RegistryError
from imgsim.mlflow.connection import connect, page, shown
from imgsim.mlflow.download import load_version
from imgsim.mlflow.pages import all_pages
from imgsim.mlflow.promotion import CHAMPION, Protocol, aliases, promote
from imgsim.mlflow.shared.claims import registering
from imgsim.mlflow.shared.run import SharedRun, shared_run
from imgsim.mlflow.version import (
    FIGURE,
    TAG_DECISIONS,
    TAG_DIGEST,
    TAG_EVALUATION,
    TAG_PROMOTION,
    TAG_PROTOCOL,
    TAG_REVISION,
    Version,
)

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion, RegisteredModel

    from imgsim.model import SimilarityModel

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
    """Make ``model`` a version of ``imgsim-<collection>``: the challenger, and the champion by the promotion rule.

    A version with the same revision (the model with its figures, insights and Core ML package) is used again: nothing
    is uploaded, and the aliases move to it. What another has in common with earlier versions (network, thumbnails,
    weights of the Core ML package) is not uploaded again (`imgsim.mlflow.shared.run`).

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
        shared = shared_run(client, name, client.get_run(run_id).info.experiment_id)
        with registering(client, shared, name):
            found = _find(client, name, TAG_REVISION, model.revision, _evaluation_digest(model))
            version = _create(client, model, name, run_id, shared) if found is None else found
            promote(client, version, model, tracking_uri)
        client.set_tag(run_id, "imgsim.model_version", f"{name}/{version.version}")
        return _registration(client, name, version.version, reused=found is not None)


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
    return [
        Version.of(item, _names_of(known, str(item.version)), _run_page(item, experiment, tracking_uri))
        for item in ordered
    ]


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
    """Read the metrics of an MLflow run; none of a run that is gone.

    Raises
    ------
    RegistryError
        The server does not answer, or refuses.
    """
    from mlflow.exceptions import MlflowException

    with connect(tracking_uri) as connection:
        try:
            metrics = connection.client.get_run(run_id).data.metrics
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            return {}
    return {str(name): float(value) for name, value in metrics.items()}


def _create(client: MlflowClient, model: SimilarityModel, name: str, run_id: str, shared: SharedRun) -> ModelVersion:
    from imgsim.mlflow.flavor import log_model

    logged = log_model(model, name, run_id=run_id, shared=(shared, name), validate_serving_input=False)
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
        TAG_EVALUATION: _evaluation_digest(model),
        "imgsim.images": str(len(model.images)),
        "imgsim.backbone": model.backbone.name,
        "imgsim.fingerprint": model.backbone.fingerprint,
        TAG_PROTOCOL: Protocol.of(model).to_json(),
    }
    facts |= {TAG_DECISIONS: decided} if (decided := model.images.decisions) else {}
    facts |= _learning_tags(model)
    return facts | {f"imgsim.{name}": f"{value:.6f}" for name, value in metrics.items() if FIGURE.fullmatch(name)}


def _learning_tags(model: SimilarityModel) -> dict[str, str]:
    """Return what a learnt model was learnt from, and how."""
    learning = model.references.learning
    if learning is None:
        return {}
    return {
        "imgsim.learning.labels_digest": learning.labels_digest,
        "imgsim.learning.classes": str(len(learning.classes)),
        "imgsim.learning.labelled": f"{learning.figures['labelled']:.0f}",
        "imgsim.learning.folds": f"{learning.figures['folds']:.0f}",
        "imgsim.learning.others": learning.others,
        "imgsim.learning.choice": learning.choice,
    }


def _evaluation_digest(model: SimilarityModel) -> str:
    return "" if model.evaluation is None else model.evaluation.digest


def _find(client: MlflowClient, name: str, tag: str, value: str, evaluation: str | None = None) -> ModelVersion | None:
    """Find the newest ready version with a tag; of several evaluations that one, or a version that names none."""
    found = client.search_model_versions(f"name = '{name}' and tags.`{tag}` = '{value}'")
    ready = [
        version
        for version in found
        if version.status == "READY" and evaluation in (None, version.tags.get(TAG_EVALUATION, evaluation))
    ]
    return max(ready, key=lambda version: int(version.version), default=None)


def _registration(client: MlflowClient, name: str, version: str, reused: bool) -> Registration:
    mine = _names_of(aliases(client, name), str(version))
    reason = client.get_model_version(name, version).tags[TAG_PROMOTION]
    return Registration(name, str(version), mine, CHAMPION in mine, reason, reused)


def _names_of(known: Mapping[str, str], number: str) -> tuple[str, ...]:
    return tuple(sorted(alias for alias, meant in known.items() if meant == number))


def _models(client: MlflowClient, wanted: str) -> list[RegisteredModel]:
    """Find every registered model that passes an MLflow filter; the server hands them out in pages."""
    return all_pages(lambda token: client.search_registered_models(wanted, page_token=token))


def _experiment(client: MlflowClient, run_id: str | None) -> str | None:
    from mlflow.exceptions import MlflowException

    with suppress(MlflowException):
        return None if not run_id else str(client.get_run(run_id).info.experiment_id)
    return None


def _run_page(item: ModelVersion, experiment: str | None, tracking_uri: str | None) -> str | None:
    base = os.environ.get("IMGSIM_MLFLOW_UI") or tracking_uri or ""
    return page(experiment, item.run_id, base=base) if item.run_id and experiment else None
