"""Values between assets: each is saved by its own ``save(folder)``, under the key it was computed for."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import dagster as dg
from pydantic import PrivateAttr

from imgsim.coreml.export.package_folder import CoreMLPackage
from imgsim.evaluation import Evaluation
from imgsim.features.embeddings import Embeddings
from imgsim.features.extract import Features
from imgsim.images.table import ImageTable
from imgsim.insights.registry import INSIGHTS, load_insight
from imgsim.insights.report.report import Report
from imgsim.io.atomic import atomic_folder
from imgsim.neighbors.graph import NeighborGraph
from orchestration.failures import fail_at_once
from orchestration.resources import StorageResource
from orchestration.result_cache import current, point


def save_images(images: ImageTable, folder: Path) -> None:
    """Write a table of images, what was rejected and the root, into ``folder``."""
    images.save(folder / "images.parquet")
    images.save_rejected(folder / "rejected.parquet")


def save_value(value: Any, folder: Path) -> None:
    """Write any value that passes between assets into ``folder``."""
    if isinstance(value, ImageTable):
        save_images(value, folder)
    else:
        value.save(folder)


def loaders(storage: StorageResource) -> dict[str, Callable[[Path], Any]]:
    """How the value of each asset is read from its folder; every reader checks schema and completeness."""
    return {
        "images": lambda folder: ImageTable.load(folder / "images.parquet"),
        "features": lambda folder: Features.load(folder, storage.store()),
        "embeddings": Embeddings.load,
        "neighbor_graph": NeighborGraph.load,
        "evaluation": Evaluation.load,
        "coreml_package": CoreMLPackage.load,
        **dict.fromkeys(INSIGHTS, load_insight),
        "insight_report": Report.load,
    }


class CollectionIOManager(dg.ConfigurableIOManager):
    """Keeps values under ``<home>/collections/<collection>/<asset>/<key>``; the key is in the output's metadata.

    Within a process the last value of each asset is also kept in memory, so that a run reads nothing back.
    """

    storage: dg.ResourceDependency[StorageResource]
    _kept: dict[tuple[str, str], tuple[Path, Any]] = PrivateAttr(default_factory=dict)

    def handle_output(self, context: dg.OutputContext, obj: Any) -> None:
        """Save ``obj`` unless its key's folder is there, and make it the current value."""
        asset, collection = context.asset_key.to_user_string(), context.partition_key
        key = str((context.output_metadata or {})["key"].value)
        folder = self.storage.asset_folder(collection, asset) / key
        with fail_at_once():
            if not folder.exists():
                with atomic_folder(folder, or_keep=True) as temporary:  # another run may be faster
                    save_value(obj, temporary)
            point(folder.parent, key)
        self._kept[collection, asset] = (folder, obj)

    def load_input(self, context: dg.InputContext) -> Any:
        """The upstream asset's current value in this partition."""
        asset, collection = context.asset_key.to_user_string(), context.partition_key
        folder = current(self.storage.asset_folder(collection, asset))
        kept = self._kept.get((collection, asset))
        if kept is not None and kept[0] == folder:
            return kept[1]
        return loaders(self.storage)[asset](folder)
