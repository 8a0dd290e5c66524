"""Everything that was found, as one page with pictures."""

from collections.abc import Iterator

import dagster as dg

from imgsim.creation import assemble
from imgsim.evaluation import Evaluation
from imgsim.features.embeddings import Embeddings
from imgsim.features.extract import Features
from imgsim.insights.registry import INSIGHTS
from imgsim.insights.report.report import FILE, Report, render_report
from imgsim.neighbors.graph import NeighborGraph
from imgsim.references.insight import Insight
from orchestration.failures import RETRY, fail_at_once
from orchestration.partitions import collections
from orchestration.resources import MlflowResource, StorageResource
from orchestration.result_cache import load_or_compute, reuse_key

CODE_VERSION = "2"


@dg.asset(
    partitions_def=collections,
    group_name="insights",
    kinds={"python", "html"},
    owners=["team:imgsim"],
    code_version=CODE_VERSION,
    retry_policy=RETRY,
)
def insight_report(
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
    storage: StorageResource,
    mlflow: MlflowResource,
) -> Iterator[dg.MaterializeResult[Report]]:
    """One HTML page: rejected files, duplicates, label errors, outliers, quality, leaks, clusters, map, graph."""
    found = dict(
        zip(INSIGHTS, (duplicates, outliers, hubness, label_errors, leaks, quality, clusters, map), strict=True)
    )

    def compute() -> Report:
        model = assemble(features.images, features, embeddings, neighbor_graph, evaluation, storage.store())
        model.insights = found
        return render_report(model, context.partition_key)

    with fail_at_once(), mlflow.stage(context, "insight_report") as log:
        inputs = [features.digest, features.images.rejected.to_dict("list"), embeddings.digest, neighbor_graph.digest]
        insights = [found[name].digest for name in INSIGHTS]
        key = reuse_key("insight_report", CODE_VERSION, context.partition_key, inputs, evaluation.digest, insights)
        folder = storage.asset_folder(context.partition_key, "insight_report") / key
        value, reused = load_or_compute(folder, Report.load, compute)
        link = log.page(value.html, f"report/{FILE}", folder / FILE)
    yield dg.MaterializeResult(
        value=value,
        data_version=dg.DataVersion(value.digest),
        metadata={
            "key": key,
            "reused": reused,
            "report": link,
            "megabytes": round(len(value.html) / 1e6, 2),
            **log.metadata,
        },
    )
