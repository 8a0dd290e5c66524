"""Asset ``coreml_package``: the model for a phone."""

import shutil
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import dagster as dg
import pandas as pd

from imgsim.coreml.export.package_folder import NOTES, CoreMLPackage, export_package
from imgsim.features.embeddings import Embeddings
from imgsim.features.extract import Features
from imgsim.neighbors.graph import NeighborGraph
from orchestration import checks, metadata
from orchestration.config import CoreMLConfig
from orchestration.mlflow_resource import StageLog
from orchestration.result_cache import Entry
from orchestration.stage import Results, stage, stage_asset

DISABLED = "switched off in the configuration (enabled: false)."


@stage_asset(group_name="registry", kinds={"python", "coreml"}, check_specs=checks.COREML)
def coreml_package(
    context: dg.AssetExecutionContext,
    config: CoreMLConfig,
    features: Features,
    embeddings: Embeddings,
    neighbor_graph: NeighborGraph,
) -> Results[CoreMLPackage]:
    """Export network, projection and references as a Core ML package, run it here and compare it with Python.

    If it cannot be made (no coremltools for this Python, a network that coremltools does not support, too many
    references), the asset holds the reason and the run goes on. A package that disagrees stops the run.
    """
    with stage(context) as this:
        references = this.references(features, embeddings, neighbor_graph)
        network = network_of_run(context.run.run_config, config)
        entry = this.entry(CoreMLPackage, references.digest, config.model_dump(), network, _coremltools_version())

        def compute() -> CoreMLPackage:
            if not config.enabled:
                return CoreMLPackage(reason=DISABLED)
            options = config.options() | network | {"mlflow_run_id": this.log.run_id}
            return export_package(references, entry.folder, this.collection, config.verify, **options)

        value = entry.get(compute, _final)
        this.show(entry, _log(this.log, entry), checks.check_coreml(value, config.enabled))
    yield from this.results()


def network_of_run(run_config: Any, config: CoreMLConfig) -> dict[str, str | None]:
    """Return ``backbone`` and ``weights`` as configured here, else as configured for the features of this run."""
    given = (run_config.get("ops") or {}).get("features", {}).get("config") or {}
    return {
        name: getattr(config, name) or (given.get(name) if isinstance(given.get(name), str) else None) or None
        for name in ("backbone", "weights")
    }


def _coremltools_version() -> str:
    try:
        return version("coremltools")
    except PackageNotFoundError:
        return ""


def _final(value: CoreMLPackage) -> bool:
    """Return False for a package that disagreed or could not be made: the reason may no longer hold."""
    return value.passed or value.reason == DISABLED or not _coremltools_version()


def _log(log: StageLog, entry: Entry[CoreMLPackage]) -> dict[str, Any]:
    """Send package and report to MLflow, and return what Dagster should show."""
    value = entry.value
    if value.folder is None or value.verification is None:
        log.tag("imgsim.coreml", value.reason[:500])
        return {"exported": False, "reason": value.reason}
    report = value.verification
    log.tag("imgsim.coreml", report.status)
    log.metrics({f"coreml.{name}": number for name, number in report.metrics.items()})
    log.metrics({"coreml.megabytes": value.facts["bytes"] / 1e6})
    with TemporaryDirectory(prefix="imgsim-") as temporary:
        target = Path(temporary) / "coreml"
        if entry.reused:  # the package is in the MLflow run that made it
            target.mkdir()
            shutil.copy(value.folder / NOTES, target)
        else:
            value.save(target)
        log.folder(Path(temporary))
    figures = pd.DataFrame({"figure": list(report.metrics), "value": list(report.metrics.values())})
    figures["limit"] = [report.limits.get(name) for name in report.metrics]
    return {
        "exported": True,
        "package": dg.MetadataValue.path(str(value.path)),
        "megabytes": round(value.facts["bytes"] / 1e6, 2),
        "inputs": value.facts["inputs"],
        "outputs": value.facts["outputs"],
        "references": value.facts["n"],
        "dimensions": value.facts["dim"],
        "verification": report.status,
        "reason": report.reason,
        "compared_images": report.images,
        "figures": metadata.table(figures),
    }
