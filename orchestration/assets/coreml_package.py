"""The model for a phone."""

import shutil
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import dagster as dg
import pandas as pd

from imgsim.coreml.export.package_folder import NOTES, CoreMLPackage
from imgsim.coreml.export.verify import verify
from imgsim.creation import assemble
from imgsim.errors import BackboneError, CoreMLError, MissingExtraError
from imgsim.features.embeddings import Embeddings
from imgsim.features.extract import Features
from imgsim.io.atomic import atomic_folder
from imgsim.model import SimilarityModel
from imgsim.neighbors.graph import NeighborGraph
from imgsim.references.references import References
from orchestration import checks, metadata
from orchestration.config import CoreMLConfig
from orchestration.failures import RETRY, fail_at_once
from orchestration.mlflow_resource import StageLog
from orchestration.partitions import collections
from orchestration.resources import MlflowResource, StorageResource
from orchestration.result_cache import load_or_compute, reuse_key

CODE_VERSION = "1"
DISABLED = "switched off in the configuration (enabled: false)."


@dg.asset(
    partitions_def=collections,
    group_name="registry",
    kinds={"python", "coreml"},
    owners=["team:imgsim"],
    code_version=CODE_VERSION,
    check_specs=checks.COREML,
    retry_policy=RETRY,
)
def coreml_package(
    context: dg.AssetExecutionContext,
    config: CoreMLConfig,
    features: Features,
    embeddings: Embeddings,
    neighbor_graph: NeighborGraph,
    storage: StorageResource,
    mlflow: MlflowResource,
) -> Iterator[dg.MaterializeResult[CoreMLPackage]]:
    """Network, projection and references as a Core ML package that was run here and agrees with Python.

    Where it cannot be made (no coremltools for this Python, a network coremltools does not know, too many
    references) the reason takes its place and the run goes on. One that disagrees stops the run.
    """
    with fail_at_once(), mlflow.stage(context, "coreml_package") as log:
        model = assemble(features.images, features, embeddings, neighbor_graph, None, storage.store())
        network = network_of_run(context.run.run_config, config)
        key = reuse_key("coreml_package", CODE_VERSION, model.digest, config.model_dump(), network, _coremltools())
        folder = storage.asset_folder(context.partition_key, "coreml_package") / key

        def compute() -> CoreMLPackage:
            return _export(model, folder, context.partition_key, config, network, log.run_id)

        value, reused = load_or_compute(folder, CoreMLPackage.load, compute, _final)
        facts = _log(log, value, reused)
        results = checks.check_coreml(value, config.enabled)
    mlflow.stopped(log, checks.failed(results))
    yield dg.MaterializeResult(
        value=value,
        data_version=dg.DataVersion(value.digest),
        metadata={"key": key, "reused": reused, **facts, **log.metadata},
        check_results=results,
    )


def network_of_run(run_config: Any, config: CoreMLConfig) -> dict[str, str | None]:
    """``backbone`` and ``weights`` as configured here, else as for the features in the same run."""
    given = (run_config.get("ops") or {}).get("features", {}).get("config") or {}
    return {
        name: getattr(config, name) or (given.get(name) if isinstance(given.get(name), str) else None) or None
        for name in ("backbone", "weights")
    }


def _coremltools() -> str:
    try:
        return version("coremltools")
    except PackageNotFoundError:
        return ""


def _final(value: CoreMLPackage) -> bool:
    """What disagreed is made again, as is what could not be made: its reason may be gone."""
    return value.passed or value.reason == DISABLED or not _coremltools()


def _export(
    references: References, folder: Path, name: str, config: CoreMLConfig, network: dict[str, str | None], run_id: str
) -> CoreMLPackage:
    if not config.enabled:
        return CoreMLPackage(reason=DISABLED)
    with atomic_folder(folder, overwrite=True) as temporary:
        try:
            done = SimilarityModel(references).export_coreml(
                temporary / f"{name}.mlpackage",
                outputs=config.outputs,
                k=config.k,
                precision=config.precision,
                compress=config.compress or None,
                minimum_target=config.minimum_target,
                ids=config.ids or None,
                verify=0,
                mlflow_run_id=run_id,
                **network,
            )
        except (CoreMLError, MissingExtraError, BackboneError) as error:
            CoreMLPackage(reason=str(error)).save(temporary)
        else:
            CoreMLPackage.describe(done, verify(done.path, references, config.verify))
    return CoreMLPackage.load(folder)


def _log(log: StageLog, value: CoreMLPackage, reused: bool) -> dict[str, Any]:
    """Send package and report to MLflow, and give what Dagster should show."""
    if value.folder is None or value.verification is None:
        log.tag("imgsim.coreml", value.reason[:500])
        return {"exported": False, "reason": value.reason}
    report = value.verification
    log.tag("imgsim.coreml", report.status)
    log.metrics({f"coreml.{name}": number for name, number in report.metrics.items()})
    log.metrics({"coreml.megabytes": value.facts["bytes"] / 1e6})
    with TemporaryDirectory(prefix="imgsim-") as temporary:
        target = Path(temporary) / "coreml"
        if reused:  # the run that made it has the package
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
