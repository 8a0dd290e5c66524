"""How good the neighbours are."""

from collections.abc import Iterator
from typing import Any

import dagster as dg
from PIL import Image

from imgsim.evaluation import Evaluation, evaluate
from imgsim.features.embeddings import Embeddings
from imgsim.features.extract import Features
from imgsim.mlflow import registry
from imgsim.neighbors.graph import NeighborGraph
from orchestration import checks, metadata, plot_cache
from orchestration.config import EvaluationConfig
from orchestration.failures import RETRY, fail_at_once
from orchestration.partitions import collections
from orchestration.resources import MlflowResource, StorageResource
from orchestration.result_cache import load_or_compute, reuse_key

CODE_VERSION = "1"


@dg.asset(
    partitions_def=collections,
    group_name="quality",
    kinds={"python"},
    owners=["team:imgsim"],
    code_version=CODE_VERSION,
    check_specs=checks.EVALUATION,
    retry_policy=RETRY,
)
def evaluation(
    context: dg.AssetExecutionContext,
    config: EvaluationConfig,
    features: Features,
    embeddings: Embeddings,
    neighbor_graph: NeighborGraph,
    storage: StorageResource,
    mlflow: MlflowResource,
) -> Iterator[dg.MaterializeResult[Evaluation]]:
    """Recall of the graph against exact search; precision, mAP and 1-NN accuracy on labels, with 95 % bounds."""
    labels = features.images.labels
    background = sorted(config.background)

    def compute() -> Evaluation:
        return evaluate(
            embeddings.matrix, neighbor_graph, labels, config.k, background, sample=config.sample, seed=config.seed
        )

    def examples() -> Image.Image:
        return metadata.example_neighbors(features, neighbor_graph, storage.store())

    with fail_at_once(), mlflow.stage(context, "evaluation") as log:
        inputs = [features.digest, embeddings.digest, neighbor_graph.digest]
        key = reuse_key("evaluation", CODE_VERSION, inputs, config.k, background, config.sample, config.seed)
        folder = storage.asset_folder(context.partition_key, "evaluation")
        value, reused = load_or_compute(folder / key, Evaluation.load, compute)
        sheet = plot_cache.sheet(folder, key, "example_neighbors", examples)
        log.params(evaluation_k=value.k)
        log.metrics(value.metrics)
        log.table(value.per_class, "evaluation/per_class.csv")
        log.picture(sheet)
        champion = registry.champion_metrics(context.partition_key, tracking_uri=mlflow.uri)
        results = checks.check_evaluation(value, config.min_recall, champion)
        facts: dict[str, Any] = {**value.metrics, "example_neighbors": metadata.picture(sheet)}
        if len(value.per_class):
            figure = plot_cache.plot(folder, key, "classes", lambda: metadata.class_plot(value))
            log.picture(figure)
            weakest = value.per_class.sort_values("precision", kind="stable")
            facts |= {"classes": metadata.picture(figure), "weakest_classes": metadata.table(weakest)}
    mlflow.stopped(log, checks.failed(results))
    yield dg.MaterializeResult(
        value=value,
        data_version=dg.DataVersion(value.digest),
        metadata={"key": key, "reused": reused, **facts, **log.metadata},
        check_results=results,
    )
