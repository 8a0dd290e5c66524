"""Asset ``evaluation``: recall of the graph and quality of the neighbours."""

from typing import Any

import dagster as dg

from imgsim.evaluation import Evaluation
from imgsim.features.embeddings import Embeddings
from imgsim.features.extract import Features
from imgsim.insights.evaluate import evaluate_references
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
    """Measure recall of the graph; precision, mAP and 1-NN accuracy on labels, copies left out, with 95 % bounds."""
    with stage(context) as this:
        inputs = [features.digest, embeddings.digest, neighbor_graph.digest]
        inputs += [] if embeddings.learning is None else [embeddings.learning.digest]
        how = (config.k, sorted(config.background), config.sample, config.seed)
        entry = this.entry(Evaluation, inputs, *how)
        store = this.storage.store()
        references = this.references(features, embeddings, neighbor_graph)
        value = entry.get(lambda: evaluate_references(references, *how, store=store, progress=this.progress))
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
        this.show(entry, facts, checks.check_evaluation(value, config.min_recall))
    yield from this.results()
