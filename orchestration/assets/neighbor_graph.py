"""The k-nearest-neighbour graph."""

import sys
from collections.abc import Iterator
from typing import Any

import dagster as dg
import numpy as np

from imgsim.features.embeddings import Embeddings
from imgsim.neighbors.graph import NeighborGraph, build_graph
from orchestration import checks, metadata, plot_cache
from orchestration.config import GraphConfig
from orchestration.failures import RETRY, fail_at_once
from orchestration.partitions import collections
from orchestration.resources import MlflowResource, StorageResource, WorkersResource
from orchestration.result_cache import load_or_compute, reuse_key

CODE_VERSION = "1"


@dg.asset(
    partitions_def=collections,
    group_name="graph",
    kinds={"python", "parquet"},
    owners=["team:imgsim"],
    code_version=CODE_VERSION,
    check_specs=checks.GRAPH,
    retry_policy=RETRY,
)
def neighbor_graph(
    context: dg.AssetExecutionContext,
    config: GraphConfig,
    embeddings: Embeddings,
    storage: StorageResource,
    mlflow: MlflowResource,
    workers: WorkersResource,
) -> Iterator[dg.MaterializeResult[NeighborGraph]]:
    """Each image's k nearest others: exact for small collections, NN-Descent for large, partitions for larger."""
    with fail_at_once(), mlflow.stage(context, "neighbor_graph") as log:
        key = reuse_key("neighbor_graph", CODE_VERSION, embeddings.digest, *config.key())
        folder = storage.asset_folder(context.partition_key, "neighbor_graph")
        progress = sys.stderr.isatty()
        value, reused = load_or_compute(
            folder / key,
            NeighborGraph.load,
            lambda: build_graph(
                embeddings.matrix,
                config.k,
                config.method,
                config.seed,
                progress,
                partitioning=config.partitioning,
                workers=workers.create(),
                folder=storage.home / "graphs",
            ),
        )
        figure = plot_cache.plot(folder, key, "distances", lambda: metadata.distance_plot(value))
        log.params(k=value.k, graph_method=value.method)
        log.metrics({"edges": value.neighbors.size, "graph.build_seconds": value.seconds})
        log.metrics({f"graph.{name}": fact for name, fact in value.facts.items()})
        log.picture(figure)
        results = checks.check_graph(value, len(embeddings.matrix))
    mlflow.stopped(log, checks.failed(results))
    facts: dict[str, Any] = {
        "edges": int(value.neighbors.size),
        "k": value.k,
        "method": value.method,
        "build_seconds": value.seconds,
        "median_distance": float(np.median(value.distances)),
        "distances": metadata.picture(figure),
        **value.facts,
    }
    yield dg.MaterializeResult(
        value=value,
        data_version=dg.DataVersion(value.digest),
        metadata={
            "key": key,
            "reused": reused,
            "dagster/row_count": int(value.neighbors.size),
            **facts,
            **log.metadata,
        },
        check_results=results,
    )
