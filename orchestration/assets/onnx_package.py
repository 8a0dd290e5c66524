"""Asset ``onnx_package``: the model for Android, browsers and everything else that runs ONNX."""

import dagster as dg

from imgsim.deployment.package_folder import DevicePackage, export_package
from imgsim.features.embeddings import Embeddings
from imgsim.features.extract import Features
from imgsim.neighbors.graph import NeighborGraph
from imgsim.onnx_model import export_onnx, verify
from orchestration import checks
from orchestration.assets.device_package import DISABLED, log_package
from orchestration.config import OnnxConfig
from orchestration.stage import Results, stage, stage_asset


@stage_asset(group_name="registry", kinds={"python", "onnx"}, check_specs=checks.ONNX)
def onnx_package(
    context: dg.AssetExecutionContext,
    config: OnnxConfig,
    features: Features,
    embeddings: Embeddings,
    neighbor_graph: NeighborGraph,
) -> Results[DevicePackage]:
    """Export resizing, network, projection and references as one ONNX file, run it here and compare it with Python.

    The file goes to the run in MLflow; a version does not carry it, because it is made from one in seconds. If it
    cannot be made (resizing that the graph does not hold), the asset holds the reason and the run goes on. A file that
    disagrees stops the run.
    """
    with stage(context) as this:
        references = this.references(features, embeddings, neighbor_graph)
        entry = this.entry(DevicePackage, references.digest, config.model_dump())

        def compute() -> DevicePackage:
            if not config.enabled:
                return DevicePackage(reason=DISABLED)
            options = config.options() | {"mlflow_run_id": this.log.run_id}
            name = f"{this.collection}.onnx"
            return export_package(references, entry.folder, name, export_onnx, verify, config.verify, **options)

        value = entry.get(compute, lambda found: found.passed or found.reason == DISABLED)
        if value.folder is not None and not entry.reused:
            this.log.client.log_artifacts(this.log.run_id, str(value.folder), "onnx")
        this.show(entry, log_package(this.log, value, "onnx"), checks.check_package(value, config.enabled))
    yield from this.results()
