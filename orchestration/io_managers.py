"""IO manager: passes values between assets by the cache, in which the stage has saved them."""

from pathlib import Path
from typing import Any

import dagster as dg
from pydantic import PrivateAttr

from orchestration.failures import retry_or_fail
from orchestration.partitions import collection_of
from orchestration.resources import StorageResource
from orchestration.result_cache import current, load, point


class CollectionIOManager(dg.ConfigurableIOManager):
    """Passes on results of the cache (`orchestration.result_cache`) by the key in the output's metadata.

    The last value of each asset is also kept in memory, so that a run in one process reads nothing back.
    """

    storage: dg.ResourceDependency[StorageResource]
    _kept: dict[tuple[str, str], tuple[Path, Any]] = PrivateAttr(default_factory=dict)

    def handle_output(self, context: dg.OutputContext, obj: Any) -> None:
        """Make ``obj``, which the stage has saved, the asset's current value."""
        asset = context.asset_key.to_user_string()
        key = str((context.output_metadata or {})["key"].value)
        with retry_or_fail():
            collection = collection_of(context)
            folder = self.storage.asset_folder(collection, asset)
            point(folder, key)
        self._kept[collection, asset] = (folder / key, obj)

    def load_input(self, context: dg.InputContext) -> Any:
        """Return the upstream asset's current value in this partition, as the annotated type of the input."""
        asset = context.asset_key.to_user_string()
        with retry_or_fail():
            collection = collection_of(context)
            folder = current(self.storage.asset_folder(collection, asset))
            kept = self._kept.get((collection, asset))
            if kept is not None and kept[0] == folder:
                return kept[1]
            return load(context.dagster_type.typing_type, folder, self.storage.store())
