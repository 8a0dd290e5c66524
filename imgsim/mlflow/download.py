"""Files of registered versions on this machine: downloaded once, the few that were used last are kept."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from imgsim.errors import ImgsimError, ModelFormatError, RegistryError
from imgsim.io.atomic import atomic_folder, set_aside
from imgsim.io.error_text import explain, temporary_cause
from imgsim.mlflow.connection import connect
from imgsim.mlflow.shared.completion import complete
from imgsim.mlflow.shared.copies import downloads, tidy
from imgsim.mlflow.version import Version

if TYPE_CHECKING:
    from imgsim.model import SimilarityModel

VERSION = re.compile(r"models:/+(?P<name>[^/@]+)(?:@(?P<alias>[^/@]+)|/(?P<number>\d+))")


def load_version(version: Version, tracking_uri: str | None = None) -> SimilarityModel:
    """Load a version from disk, or download it first.

    Raises
    ------
    RegistryError
        Its files are missing or damaged ("broken"), or cannot be had at the moment ("unavailable"). A damaged copy is
        renamed, so that the next try downloads again.
    """
    from imgsim.mlflow.flavor import load_folder

    folder = downloads() / version.token
    if not folder.exists():
        _download(version, folder, tracking_uri)
        tidy()
    try:
        os.utime(folder)
        return load_folder(folder)
    except ModelFormatError as error:
        reason = str(error).replace(str(folder), "...")
        if temporary_cause(error) is not None:
            raise _unavailable(version, "read", reason) from error
        raise _damaged(version, reason, set_aside(folder).name) from error


def _damaged(version: Version, reason: str, kept: str = "") -> RegistryError:
    place = f" and is kept as {kept}" if kept else ""
    return RegistryError(
        f"Version {version.version} of {version.name} arrived damaged ({reason}){place}. "
        "Try again to download it anew; if it stays so, choose another version.",
        "broken",
    )


def load_uri(uri: str) -> SimilarityModel | None:
    """Load the registered version that ``models:/NAME/NUMBER`` or ``models:/NAME@ALIAS`` names, as `load_version` does.

    Returns
    -------
    SimilarityModel or None
        None for any other address.

    Raises
    ------
    RegistryError
        There is no such version; or as `load_version`.
    """
    named = VERSION.fullmatch(uri)
    if named is None:
        return None
    name, alias, number = named["name"], named["alias"], named["number"]
    with connect() as connection:
        client = connection.client
        found = client.get_model_version_by_alias(name, alias) if alias else client.get_model_version(name, number)
    return load_version(Version.of(found))


def _unavailable(version: Version, verb: str, reason: str) -> RegistryError:
    return RegistryError(
        f"Version {version.version} of {version.name} cannot be {verb} now ({reason.rstrip('.')}). Try again.",
        "unavailable",
    )


def _download(version: Version, folder: Path, tracking_uri: str | None) -> None:
    from imgsim.mlflow.flavor import download

    try:
        with connect(tracking_uri) as connection, atomic_folder(folder, overwrite=True) as temporary:
            addresses = {"tracking_uri": connection.tracking_uri, "registry_uri": connection.registry_uri}
            got = download(version.uri, temporary / "download", **addresses)
            for item in got.iterdir():
                item.rename(temporary / item.name)
            shutil.rmtree(temporary / "download", ignore_errors=True)
            complete(temporary, tracking_uri)
    except RegistryError as error:
        raise error if error.kind == "broken" else _unavailable(version, "downloaded", str(error)) from error
    except ModelFormatError as error:
        raise _damaged(version, str(error).replace(str(folder.parent), "...")) from error
    except (ImgsimError, OSError) as error:
        raise _unavailable(version, "downloaded", explain(error)) from error
