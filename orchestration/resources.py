"""Resources of the stages: the working store, and the workers for large collections."""

import json
import os
from pathlib import Path

import dagster as dg
from pydantic import Field

from imgsim.errors import ArgumentError
from imgsim.features.store import FeatureStore
from imgsim.io.atomic import atomic_path, exists
from imgsim.io.home import home
from imgsim.io.paths import absolute
from imgsim.io.urls import is_url
from imgsim.workers import Workers, get_workers
from orchestration.automation.watched import folder_of, watched_root
from orchestration.partitions import check_collection_name


class StorageResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """The working store; an empty ``root`` means `imgsim.io.home.home`."""

    root: str = ""

    @property
    def home(self) -> Path:
        """Absolute path of the working store."""
        return absolute(self.root) if self.root else home()

    def store(self) -> FeatureStore:
        """Open the store of features and thumbnails by content: ``$IMGSIM_STORE``, else below ``home``."""
        return FeatureStore(os.environ.get("IMGSIM_STORE") or self.home / "store")

    def collection_folder(self, collection: str) -> Path:
        """Return the folder of one collection."""
        return self.home / "collections" / check_collection_name(collection)

    def asset_folder(self, collection: str, asset: str) -> Path:
        """Return the folder of one asset's results in a collection."""
        return self.collection_folder(collection) / asset

    def source(self, collection: str, given: str) -> str:
        """Return the source of a collection's images: as given, else the last one, else in the watched root.

        A last one that is gone, such as in a home that was moved, gives way to a folder in the watched root.

        Raises
        ------
        ArgumentError
            There is none; the message names the setting.
        """
        watched = folder_of(watched_root(self.home), collection)
        last = self.remembered(collection) or str(watched)
        if not is_url(last) and not exists(Path(last)) and exists(watched):
            last = str(watched)
        source = given or last
        if not given and not is_url(source) and not exists(Path(source)):
            raise ArgumentError(
                f"collection {collection!r} has no images: {source} does not exist. Give its folder, table or URL as "
                "ops.images.config.source in the run's configuration, or create that folder."
            )
        return source

    def remembered(self, collection: str) -> str | None:
        """Read the source that a collection was given last."""
        try:
            return str(json.loads((self.collection_folder(collection) / "source.json").read_text())["source"])
        except (OSError, ValueError, KeyError):
            return None

    def remember_source(self, collection: str, source: str) -> None:
        """Save an explicit source for runs that give none."""
        place = source if is_url(source) else str(absolute(source))
        with atomic_path(self.collection_folder(collection) / "source.json") as path:
            path.write_text(json.dumps({"source": place}))


class WorkersResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """Workers that run pieces of large collections; results do not depend on their kind."""

    kind: str = Field(default="in_process", description="in_process, processes or ray.")
    address: str = Field(default="", description="Ray cluster: auto or HOST:PORT; empty: one here.")
    count: int = Field(default=0, ge=0, description="Processes, or CPUs of a Ray started here; 0: all cores.")

    def create(self) -> Workers:
        """Return the workers of the library."""
        return get_workers(self.kind, self.address or None, self.count or None)
