"""The model as a version in MLflow's registry."""

from typing import Any

import dagster as dg

from imgsim.coreml.export.package_folder import CoreMLPackage
from imgsim.creation import assemble
from imgsim.evaluation import Evaluation
from imgsim.features.embeddings import Embeddings
from imgsim.features.extract import Features
from imgsim.insights.registry import INSIGHTS
from imgsim.mlflow import registry
from imgsim.model import SimilarityModel
from imgsim.neighbors.graph import NeighborGraph
from imgsim.references.insight import Insight
from orchestration.failures import RETRY, fail_at_once
from orchestration.partitions import collections
from orchestration.resources import MlflowResource, StorageResource

CODE_VERSION = "3"


@dg.asset(
    partitions_def=collections,
    group_name="registry",
    kinds={"python", "mlflow"},
    owners=["team:imgsim"],
    code_version=CODE_VERSION,
    retry_policy=RETRY,
)
def registered_model(
    context: dg.AssetExecutionContext,
    features: Features,
    embeddings: Embeddings,
    neighbor_graph: NeighborGraph,
    evaluation: Evaluation,
    duplicates: Insight,
    outliers: Insight,
    hubness: Insight,
    label_errors: Insight,
    leaks: Insight,
    quality: Insight,
    clusters: Insight,
    map: Insight,
    coreml_package: CoreMLPackage,
    storage: StorageResource,
    mlflow: MlflowResource,
) -> dg.MaterializeResult[None]:
    """Version of ``imgsim-<collection>``: challenger at once, champion when it is no worse than the present one.

    It carries its insights and its Core ML package. What equals a registered version is that version;
    nothing is uploaded again.
    """
    with fail_at_once(), mlflow.stage(context, "registered_model") as log:
        model = assemble(features.images, features, embeddings, neighbor_graph, evaluation, storage.store())
        found = (duplicates, outliers, hubness, label_errors, leaks, quality, clusters, map)
        model.insights = dict(zip(INSIGHTS, found, strict=True))
        model.coreml = coreml_package.folder
        done = registry.register(
            SimilarityModel(model), collection=context.partition_key, run_id=log.run_id, tracking_uri=mlflow.uri
        )
        revision = model.revision
    facts: dict[str, Any] = {
        "model": done.name,
        "version": done.version,
        "aliases": ", ".join(done.aliases) or "none",
        "champion": done.champion,
        "reason": done.reason,
        "uri": done.uri,
    }
    return dg.MaterializeResult(
        data_version=dg.DataVersion(revision), metadata={"reused": done.reused, **facts, **log.metadata}
    )
