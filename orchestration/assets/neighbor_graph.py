"""Asset ``neighbor_graph``: the k-nearest-neighbour graph."""

import dagster as dg
import numpy as np

from imgsim.features.embeddings import Embeddings
from imgsim.neighbors.graph import NeighborGraph, build_graph
from orchestration import checks, metadata
from orchestration.config import GraphConfig
from orchestration.stage import Results, stage, stage_asset


@stage_asset(group_name="graph", kinds={"python", "parquet"}, uses={"workers"}, check_specs=checks.GRAPH)
def neighbor_graph(
    context: dg.AssetExecutionContext, config: GraphConfig, embeddings: Embeddings
) -> Results[NeighborGraph]:
    """Find each image's k nearest others: exact for small collections, NN-Descent for large, partitions for larger."""
    with stage(context) as this:

        def compute() -> NeighborGraph:
            return build_graph(
                embeddings.matrix,
                config.k,
                config.method,
                config.seed,
                this.progress,
                partitioning=config.partitioning,
                workers=this.workers,
                folder=this.storage.home / "graphs",
            )

        entry = this.entry(NeighborGraph, embeddings.digest, *config.key())
        value = entry.get(compute)
        this.log.params(k=value.k, graph_method=value.method)
        this.log.metrics({"edges": value.neighbors.size, "graph.build_seconds": value.seconds})
        this.log.metrics({f"graph.{name}": fact for name, fact in value.facts.items()})
        facts = {
            "dagster/row_count": int(value.neighbors.size),
            "edges": int(value.neighbors.size),
            "k": value.k,
            "method": value.method,
            "build_seconds": value.seconds,
            "median_distance": float(np.median(value.distances)),
            "distances": this.plot(entry, "distances", lambda: metadata.distance_plot(value)),
            **value.facts,
        }
        this.show(entry, facts, checks.check_graph(value, len(embeddings.matrix)))
    yield from this.results()
