"""Models of the MLflow registry: which there are, which is meant, and one of them on this machine."""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from dashboards.services.models import model_cache
from dashboards.services.models.loaded_model import Loaded
from imgsim.errors import ImgsimError, ModelFormatError, RegistryError
from imgsim.io.atomic import atomic_folder
from imgsim.io.home import home
from imgsim.mlflow.connection import connect, default_tracking_uri
from imgsim.mlflow.promotion import METRICS
from imgsim.mlflow.registry import CHAMPION, TAG_PROMOTION, TAG_REVISION

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion, RegisteredModel

PREFIX = "imgsim-"
_NAME = re.compile(rf"{PREFIX}[a-z0-9_-]+")
KEPT = 8
"""Downloaded versions that stay on disk."""

Kind = Literal["no_registry", "no_model", "no_version", "broken"]


class RegistryProblem(Exception):  # noqa: N818  it is shown, not only raised
    """No model can be opened; the message says what is wrong, why and what to do."""

    def __init__(self, kind: Kind, message: str) -> None:
        super().__init__(kind, message)
        self.kind = kind

    def __str__(self) -> str:
        return str(self.args[1])


@dataclass(frozen=True)
class Version:
    """A version of a registered model, as the registry describes it."""

    name: str
    version: str
    aliases: tuple[str, ...]
    created: datetime
    metrics: dict[str, float]
    tags: dict[str, str]
    run_id: str | None
    run_url: str | None

    @property
    def token(self) -> str:
        """Names its content: the start of its revision, or its place in the registry where it has none."""
        return self.tags.get(TAG_REVISION, "")[:20] or f"{self.name}-{self.version}-{self.created:%Y%m%d%H%M%S}"

    @property
    def promotion(self) -> str:
        """Why it is champion, or why not."""
        return self.tags.get(TAG_PROMOTION, "")


def names() -> list[str]:
    """Registered models that imgsim made, the one that changed last first.

    Raises
    ------
    RegistryProblem
        No registry answers, or it has no such model.
    """
    with _client() as client:
        found = [model for model in _models(client, f"name LIKE '{PREFIX}%'") if _NAME.fullmatch(model.name)]
    if not found:
        raise RegistryProblem(
            "no_model", "The registry answers, but holds no model of imgsim yet. Run the pipeline once: imgsim run."
        )
    return [model.name for model in sorted(found, key=lambda model: (-(model.last_updated_timestamp or 0), model.name))]


def _models(client: MlflowClient, wanted: str) -> list[RegisteredModel]:
    """Every registered model that an MLflow filter finds; the server hands them out in pages."""
    page = client.search_registered_models(wanted)
    found = list(page)
    while page.token:
        page = client.search_registered_models(wanted, page_token=page.token)
        found += page
    return found


def versions(name: str) -> list[Version]:
    """Every ready version, newest first.

    Raises
    ------
    RegistryProblem
        No registry answers, or the model is not there.
    """
    with _client() as client:
        models = _models(client, f"name = '{name}'") if _NAME.fullmatch(name) else []
        if not models:
            raise RegistryProblem("no_model", f"The registry has no model {name}. Choose another one.")
        aliases = {str(alias): str(number) for alias, number in models[0].aliases.items()}
        found = [item for item in client.search_model_versions(f"name = '{name}'") if item.status == "READY"]
        experiment = _experiment(client, found[0].run_id) if found else None
        known = [_version(item, aliases, experiment) for item in found]
    if not known:
        raise RegistryProblem("no_version", f"{name} has no version that is ready. Run the pipeline again.")
    return sorted(known, key=lambda item: int(item.version), reverse=True)


def chosen(known: list[Version], wanted: str) -> Version:
    """The version meant by an alias or a number; empty means the champion, else the newest.

    Raises
    ------
    RegistryProblem
        There is no such version.
    """
    if not wanted:
        return next((item for item in known if CHAMPION in item.aliases), known[0])
    for item in known:
        if wanted == item.version or wanted in item.aliases:
            return item
    there = sorted({alias for item in known for alias in item.aliases}) + [item.version for item in known]
    raise RegistryProblem(
        "no_version", f"{known[0].name} has no version {wanted!r}; there are {', '.join(there[:20])}. Choose one."
    )


def resolve(name: str, wanted: str = "") -> Version:
    """`chosen` among `versions`."""
    return chosen(versions(name), wanted)


def newest() -> Version:
    """The version that is shown when nobody asked for one."""
    return resolve(names()[0])


def load(version: Version) -> Loaded:
    """The model: from memory, from disk, or downloaded once.

    Raises
    ------
    RegistryProblem
        The download fails or is damaged. A damaged copy is removed, so that the next try downloads again.
    """
    return model_cache.get(version.token, lambda: _open(version))


def _open(version: Version) -> Loaded:
    from imgsim.mlflow.flavor import load_folder

    folder = downloads() / version.token
    if not folder.exists():
        _download(version, folder)
        _tidy()
    try:
        os.utime(folder)
        return Loaded(version.name, version.version, version.token, load_folder(folder))
    except ModelFormatError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise RegistryProblem(
            "broken",
            f"Version {version.version} of {version.name} arrived damaged ({str(error).replace(str(folder), '...')}) "
            "and was removed. Try again to download it anew; if it stays so, choose another version.",
        ) from error


def _download(version: Version, folder: Path) -> None:
    from mlflow.artifacts import download_artifacts

    try:
        with connect() as connection, atomic_folder(folder, overwrite=True) as temporary:
            addresses = {"tracking_uri": connection.tracking_uri, "registry_uri": connection.registry_uri}
            source = f"models:/{version.name}/{version.version}"
            got = Path(download_artifacts(source, dst_path=str(temporary / "download"), **addresses))
            if not any(got.iterdir()):  # MLflow says nothing when the files of a version are gone
                raise FileNotFoundError(source)
            for item in got.iterdir():
                item.rename(temporary / item.name)
            shutil.rmtree(temporary / "download", ignore_errors=True)
    except (ImgsimError, OSError) as error:
        raise RegistryProblem(
            "broken",
            f"Version {version.version} of {version.name} could not be downloaded: its files are missing, the server "
            "stopped, or the disk is full. Try again, or choose another version.",
        ) from error


def run_metrics(run_id: str | None) -> dict[str, float]:
    """Read the metrics of an MLflow run; none when it is gone or the server does not answer."""
    if not run_id:
        return {}
    try:
        with connect() as connection:
            return {str(name): float(value) for name, value in connection.client.get_run(run_id).data.metrics.items()}
    except ImgsimError:
        return {}


def downloads() -> Path:
    """Where downloaded versions lie."""
    return home() / "dashboard" / "models"


def _tidy() -> None:
    """Remove the downloads that were opened longest ago, beyond `KEPT`; open ones stay readable."""
    there = sorted((path for path in downloads().iterdir() if not path.name.startswith(".")), key=_opened)
    for path in there[:-KEPT]:
        shutil.rmtree(path, ignore_errors=True)


def _opened(path: Path) -> float:
    with suppress(OSError):
        return path.stat().st_mtime
    return time.time()


@contextmanager
def _client() -> Iterator[MlflowClient]:
    try:
        with connect() as connection:
            yield connection.client
    except RegistryError as error:
        raise RegistryProblem("no_registry", str(error)) from error


def _experiment(client: MlflowClient, run_id: str | None) -> str | None:
    from mlflow.exceptions import MlflowException

    with suppress(MlflowException):
        return None if not run_id else str(client.get_run(run_id).info.experiment_id)
    return None


def _version(item: ModelVersion, aliases: dict[str, str], experiment: str | None) -> Version:
    number, tags = str(item.version), {str(key): str(value) for key, value in item.tags.items()}
    figures = {}
    for metric in METRICS:
        with suppress(KeyError, ValueError):
            figures[metric] = float(tags[f"imgsim.{metric}"])
    return Version(
        name=item.name,
        version=number,
        aliases=tuple(sorted(alias for alias, meant in aliases.items() if meant == number)),
        created=datetime.fromtimestamp(item.creation_timestamp / 1000, UTC),
        metrics=figures,
        tags=tags,
        run_id=item.run_id or None,
        run_url=_run_url(item.run_id, experiment),
    )


def _run_url(run_id: str | None, experiment: str | None) -> str | None:
    base = os.environ.get("IMGSIM_MLFLOW_UI") or default_tracking_uri()
    if not run_id or not experiment or not base.startswith(("http://", "https://")):
        return None
    return f"{base.rstrip('/')}/#/experiments/{experiment}/runs/{run_id}"
