"""Files of registered versions on this machine: downloaded once, the few that were used last are kept."""

from __future__ import annotations

import os
import shutil
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from imgsim.errors import ImgsimError, ModelFormatError, RegistryError
from imgsim.io.atomic import atomic_folder
from imgsim.io.home import home
from imgsim.mlflow.connection import connect
from imgsim.mlflow.promotion import TAG_PROMOTION

if TYPE_CHECKING:
    from imgsim.model import SimilarityModel

KEPT = 8
"""Downloaded versions that stay on disk."""
TAG_REVISION = "imgsim.revision"


@dataclass(frozen=True)
class Version:
    """A version of a registered model, as the registry describes it.

    Parameters
    ----------
    name, version : str
        Of the registered model, and its number.
    aliases : tuple of str
        Sorted.
    created : datetime
        In UTC.
    metrics : dict of str to float
        Those of `imgsim.mlflow.promotion.METRICS` that are known.
    tags : dict of str to str
    run_id, run_url : str or None
        Of the MLflow run that made it; the address only where MLflow has pages.
    """

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
        """Name of its content: the start of its revision, or its place in the registry where it has none."""
        return self.tags.get(TAG_REVISION, "")[:20] or f"{self.name}-{self.version}-{self.created:%Y%m%d%H%M%S}"

    @property
    def promotion(self) -> str:
        """Why it is champion, or why not."""
        return self.tags.get(TAG_PROMOTION, "")


def load_version(version: Version, tracking_uri: str | None = None) -> SimilarityModel:
    """Load a version from disk, or download it first.

    Raises
    ------
    RegistryError
        The download fails or is damaged. A damaged copy is removed, so that the next try downloads again.
    """
    from imgsim.mlflow.flavor import load_folder

    folder = downloads() / version.token
    if not folder.exists():
        _download(version, folder, tracking_uri)
        _tidy()
    try:
        os.utime(folder)
        return load_folder(folder)
    except ModelFormatError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise RegistryError(
            f"Version {version.version} of {version.name} arrived damaged ({str(error).replace(str(folder), '...')}) "
            "and was removed. Try again to download it anew; if it stays so, choose another version.",
            "broken",
        ) from error


def downloads() -> Path:
    """Return the folder of downloaded versions."""
    return home() / "models"


def _download(version: Version, folder: Path, tracking_uri: str | None) -> None:
    from mlflow.artifacts import download_artifacts

    try:
        with connect(tracking_uri) as connection, atomic_folder(folder, overwrite=True) as temporary:
            addresses = {"tracking_uri": connection.tracking_uri, "registry_uri": connection.registry_uri}
            source = f"models:/{version.name}/{version.version}"
            got = Path(download_artifacts(source, dst_path=str(temporary / "download"), **addresses))
            if not any(got.iterdir()):  # MLflow says nothing when the files of a version are gone
                raise FileNotFoundError(source)
            for item in got.iterdir():
                item.rename(temporary / item.name)
            shutil.rmtree(temporary / "download", ignore_errors=True)
    except (ImgsimError, OSError) as error:
        raise RegistryError(
            f"Version {version.version} of {version.name} could not be downloaded: its files are missing, the server "
            "stopped, or the disk is full. Try again, or choose another version.",
            "broken",
        ) from error


def _tidy() -> None:
    """Remove the downloads that were used longest ago, beyond `KEPT`; open ones stay readable."""
    there = sorted((path for path in downloads().iterdir() if not path.name.startswith(".")), key=_used)
    for path in there[:-KEPT]:
        shutil.rmtree(path, ignore_errors=True)


def _used(path: Path) -> float:
    with suppress(OSError):
        return path.stat().st_mtime
    return time.time()
