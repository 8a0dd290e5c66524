"""What the graph knows about the images: the insights that cost seconds, as assets of one step."""

import sys
from collections.abc import Iterator
from typing import Any

import dagster as dg

from imgsim.creation import assemble
from imgsim.features.embeddings import Embeddings
from imgsim.features.extract import Features
from imgsim.insights.compute import Computation
from imgsim.insights.registry import load_insight
from imgsim.neighbors.graph import NeighborGraph
from imgsim.references.insight import Insight
from orchestration import checks, insight_metadata
from orchestration.config import InsightsConfig
from orchestration.failures import RETRY, fail_at_once
from orchestration.partitions import collections
from orchestration.resources import MlflowResource, StorageResource
from orchestration.result_cache import load_or_compute, reuse_key

CODE_VERSION = "1"
DESCRIPTIONS = {
    "duplicates": "Same bytes, same picture, look-alike: groups of each tier, and which image to keep.",
    "outliers": "Images far from everything else in the collection.",
    "hubness": "Images that are a neighbour of very many others, or of none.",
    "label_errors": "Labels that the neighbours contradict, each with the probability that it is wrong.",
    "leaks": "Pictures that are in two splits, such as train and test.",
    "quality": "Blurred, dark, bright, empty and oddly shaped pictures.",
    "clusters": "Groups of similar images, each with a representative.",
}
_INPUTS = {dg.AssetKey(name) for name in ("features", "embeddings", "neighbor_graph")}


def _out(description: str) -> dg.AssetOut:
    return dg.AssetOut(
        is_required=False,
        description=description,
        group_name="insights",
        kinds={"python", "parquet"},
        owners=["team:imgsim"],
        code_version=CODE_VERSION,
    )


@dg.multi_asset(
    name="insights",
    outs={name: _out(text) for name, text in DESCRIPTIONS.items()},
    internal_asset_deps=dict.fromkeys(DESCRIPTIONS, _INPUTS) | {"leaks": _INPUTS | {dg.AssetKey("duplicates")}},
    can_subset=True,
    partitions_def=collections,
    check_specs=checks.INSIGHTS,
    retry_policy=RETRY,
)
def insights(
    context: dg.AssetExecutionContext,
    config: InsightsConfig,
    features: Features,
    embeddings: Embeddings,
    neighbor_graph: NeighborGraph,
    storage: StorageResource,
    mlflow: MlflowResource,
) -> Iterator[dg.MaterializeResult[Insight]]:
    """Every insight that was selected; each is kept under its own key, so one parameter recomputes one insight."""
    wanted = [name for name in DESCRIPTIONS if dg.AssetKey(name) in context.selected_asset_keys]
    inputs = [features.digest, embeddings.digest, neighbor_graph.digest]
    store = storage.store()
    model = assemble(features.images, features, embeddings, neighbor_graph, None, store)
    computation = Computation(model, store, progress=sys.stderr.isatty())

    def stored(name: str) -> tuple[str, Insight, bool]:
        params = config.params(name)
        key = reuse_key(name, CODE_VERSION, inputs, params, config.params("duplicates") if name == "leaks" else {})
        folder = storage.asset_folder(context.partition_key, name) / key
        value, reused = load_or_compute(folder, load_insight, lambda: computation.find(name, **params))
        model.insights[name] = value
        return key, value, reused

    with fail_at_once(), mlflow.stage(context, "insights") as log:
        if "leaks" in wanted and "duplicates" not in wanted:
            stored("duplicates")
        found = {name: stored(name) for name in wanted}
        shown = insight_metadata.log(log, storage.collection_folder(context.partition_key), model, found)
        leaking = checks.check_leaks(found["leaks"][1], config.max_leaks) if "leaks" in found else []
    times: dict[str, Any] = log.metadata
    for name, (key, value, reused) in found.items():
        yield dg.MaterializeResult(
            asset_key=name,
            value=value,
            data_version=dg.DataVersion(value.digest),
            metadata={"key": key, "reused": reused, **shown[name], **times},
            check_results=leaking if name == "leaks" else [],
        )
