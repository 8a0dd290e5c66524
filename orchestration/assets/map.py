"""All images on one plane, alike near alike."""

import sys
from collections.abc import Iterator

import dagster as dg

from imgsim.creation import assemble
from imgsim.features.embeddings import Embeddings
from imgsim.features.extract import Features
from imgsim.insights.compute import Computation
from imgsim.insights.registry import load_insight
from imgsim.neighbors.graph import NeighborGraph
from imgsim.references.insight import Insight
from orchestration import insight_metadata, metadata, plot_cache
from orchestration.config import MapConfig
from orchestration.failures import RETRY, fail_at_once
from orchestration.partitions import collections
from orchestration.resources import MlflowResource, StorageResource
from orchestration.result_cache import load_or_compute, reuse_key

CODE_VERSION = "1"


@dg.asset(
    name="map",
    partitions_def=collections,
    group_name="insights",
    kinds={"python", "parquet"},
    owners=["team:imgsim"],
    code_version=CODE_VERSION,
    retry_policy=RETRY,
)
def image_map(
    context: dg.AssetExecutionContext,
    config: MapConfig,
    features: Features,
    embeddings: Embeddings,
    neighbor_graph: NeighborGraph,
    storage: StorageResource,
    mlflow: MlflowResource,
) -> Iterator[dg.MaterializeResult[Insight]]:
    """Two coordinates for each image, such that neighbours in the graph lie together."""
    collection = storage.collection_folder(context.partition_key)
    with fail_at_once(), mlflow.stage(context, "map") as log:
        inputs = [features.digest, embeddings.digest, neighbor_graph.digest]
        key = reuse_key("map", CODE_VERSION, inputs, config.seed)
        model = assemble(features.images, features, embeddings, neighbor_graph, None, storage.store())
        computation = Computation(model, progress=sys.stderr.isatty())
        value, reused = load_or_compute(
            collection / "map" / key, load_insight, lambda: computation.find("map", seed=config.seed)
        )
        figure = plot_cache.plot(collection / "map", key, "map", lambda: metadata.map_plot(value))
        log.picture(figure)
        shown = insight_metadata.log(log, collection, model, {"map": (key, value, reused)})
    yield dg.MaterializeResult(
        value=value,
        data_version=dg.DataVersion(value.digest),
        metadata={"key": key, "reused": reused, **shown["map"], "map": metadata.picture(figure), **log.metadata},
    )
