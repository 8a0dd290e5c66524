"""Asset ``coreml_package``: the model for a phone."""

from importlib.metadata import PackageNotFoundError, version
from typing import Any

import dagster as dg

from imgsim.arguments import DEFAULT_BACKBONE
from imgsim.coreml import export_coreml, verify
from imgsim.deployment.package_folder import DevicePackage, export_package
from imgsim.errors import ArgumentError
from imgsim.features.embeddings import Embeddings
from imgsim.features.extract import Features
from imgsim.neighbors.graph import NeighborGraph
from orchestration import checks
from orchestration.assets.device_package import DISABLED, log_package
from orchestration.config import CoreMLConfig
from orchestration.stage import Results, stage, stage_asset


@stage_asset(group_name="registry", kinds={"python", "coreml"}, check_specs=checks.COREML)
def coreml_package(
    context: dg.AssetExecutionContext,
    config: CoreMLConfig,
    features: Features,
    embeddings: Embeddings,
    neighbor_graph: NeighborGraph,
) -> Results[DevicePackage]:
    """Export network, projection and references as a Core ML package, run it here and compare it with Python.

    If it cannot be made (no coremltools for this Python, a network that coremltools does not support, too many
    references), the asset holds the reason and the run goes on. A package that disagrees stops the run.
    """
    with stage(context) as this:
        if config.backbone and ":" not in config.backbone and config.backbone != features.backbone.name:
            raise ArgumentError(
                f"ops.coreml_package.config.backbone is {config.backbone!r}, but the features were computed with "
                f"{features.backbone.name!r}: leave it empty, or compute the features with {config.backbone!r} too."
            )
        references = this.references(features, embeddings, neighbor_graph)
        network = network_of_run(context.run.run_config, config)
        entry = this.entry(DevicePackage, references.digest, config.model_dump(), network, _coremltools_version())

        def compute() -> DevicePackage:
            if not config.enabled:
                return DevicePackage(reason=DISABLED)
            options = config.options() | network | {"mlflow_run_id": this.log.run_id}
            name = f"{this.collection}.mlpackage"
            return export_package(references, entry.folder, name, export_coreml, verify, config.verify, **options)

        value = entry.get(compute, _final)
        this.show(entry, log_package(this.log, value, "coreml"), checks.check_package(value, config.enabled))
    yield from this.results()


def network_of_run(run_config: Any, config: CoreMLConfig) -> dict[str, str | None]:
    """Return ``backbone`` and ``weights`` as configured here, else as configured for the features of this run.

    None stands for the network that the features name themselves.
    """
    given = (run_config.get("ops") or {}).get("features", {}).get("config") or {}
    if given.get("backbone") == DEFAULT_BACKBONE:
        given = {**given, "backbone": None}
    return {
        name: getattr(config, name) or (given.get(name) if isinstance(given.get(name), str) else None) or None
        for name in ("backbone", "weights")
    }


def _coremltools_version() -> str:
    try:
        return version("coremltools")
    except PackageNotFoundError:
        return ""


def _final(value: DevicePackage) -> bool:
    """Return False for a package that disagreed or could not be made: the reason may no longer hold."""
    return value.passed or value.reason == DISABLED or not _coremltools_version()
