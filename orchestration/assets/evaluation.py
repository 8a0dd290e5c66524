"""Asset ``evaluation``: recall of the graph and quality of the neighbours."""

from typing import Any

import dagster as dg

from imgsim.evaluation import Evaluation, evaluate
from imgsim.features.embeddings import Embeddings
from imgsim.features.extract import Features
from imgsim.mlflow import registry
from imgsim.neighbors.graph import NeighborGraph
from orchestration import checks, metadata
from orchestration.config import EvaluationConfig
from orchestration.stage import Results, stage, stage_asset


@stage_asset(group_name="quality", kinds={"python"}, check_specs=checks.EVALUATION)
def evaluation(
    context: dg.AssetExecutionContext,
    config: EvaluationConfig,
    features: Features,
    embeddings: Embeddings,
    neighbor_graph: NeighborGraph,
) -> Results[Evaluation]:
    """Measure recall of the graph; precision, mAP and 1-NN accuracy on labels, with 95 % bounds."""
    with stage(context) as this:
        inputs = [features.digest, embeddings.digest, neighbor_graph.digest]
        how = (config.k, sorted(config.background), config.sample, config.seed)
        entry = this.entry(Evaluation, inputs, *how)
        value = entry.get(lambda: evaluate(embeddings.matrix, neighbor_graph, features.images.labels, *how))
        store = this.storage.store()
        sheet = this.sheet(
            entry, "example_neighbors", lambda: metadata.example_neighbors(features, neighbor_graph, store)
        )
        this.log.params(evaluation_k=value.k)
        this.log.metrics(value.metrics)
        this.log.table(value.per_class, "evaluation/per_class.csv")
        facts: dict[str, Any] = {**value.metrics, "example_neighbors": sheet}
        if len(value.per_class):
            facts["classes"] = this.plot(entry, "classes", lambda: metadata.class_plot(value))
            facts["weakest_classes"] = metadata.table(value.per_class.sort_values("precision", kind="stable"))
        champion = registry.champion_metrics(this.collection, tracking_uri=this.mlflow.uri)
        this.show(entry, facts, checks.check_evaluation(value, config.min_recall, champion))
    yield from this.results()
