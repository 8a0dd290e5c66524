"""Asset ``registered_model``: the model as a version in MLflow's registry."""

from typing import Any

import dagster as dg

from imgsim.deployment.package_folder import DevicePackage
from imgsim.evaluation import Evaluation
from imgsim.features.embeddings import Embeddings
from imgsim.features.extract import Features
from imgsim.mlflow import registry
from imgsim.model import SimilarityModel
from imgsim.neighbors.graph import NeighborGraph
from imgsim.references.insight import Insight
from orchestration import checks, metadata
from orchestration.assets.insights import AS_INPUTS
from orchestration.stage import Results, stage, stage_asset


@stage_asset(
    ins=AS_INPUTS, group_name="registry", kinds={"python", "mlflow"}, code_version="3", check_specs=checks.REGISTRY
)
def registered_model(
    context: dg.AssetExecutionContext,
    features: Features,
    embeddings: Embeddings,
    neighbor_graph: NeighborGraph,
    evaluation: Evaluation,
    coreml_package: DevicePackage,
    **insights: Insight,
) -> Results[None]:
    """Register a version of ``imgsim-<collection>``: as challenger, and as champion by the promotion rule.

    The version includes insights and Core ML package. A model equal to a registered version is not uploaded again.
    """
    with stage(context) as this:
        references = this.references(features, embeddings, neighbor_graph, evaluation, insights)
        references.coreml = coreml_package.folder
        done = registry.register(
            SimilarityModel(references),
            collection=this.collection,
            run_id=this.log.run_id,
            tracking_uri=this.mlflow.uri,
        )
        revision = references.revision
        source = this.storage.source(this.collection, "")
        this.log.describe(metadata.run_description(this.log, references, done, source))
    facts: dict[str, Any] = {
        "reused": done.reused,
        "model": done.name,
        "version": done.version,
        "aliases": ", ".join(done.aliases) or "none",
        "champion": done.champion,
        "reason": done.reason,
        "uri": done.uri,
    }
    yield dg.MaterializeResult(
        data_version=dg.DataVersion(revision),
        metadata={**facts, **this.log.metadata},
        check_results=checks.check_registration(done),
    )
