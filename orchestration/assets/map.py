"""Asset ``map``: all images on one plane, similar ones close together."""

import dagster as dg

from imgsim.features.embeddings import Embeddings
from imgsim.features.extract import Features
from imgsim.insights.compute import Computation
from imgsim.neighbors.graph import NeighborGraph
from imgsim.references.insight import Insight
from orchestration import metadata
from orchestration.config import MapConfig
from orchestration.stage import Results, stage, stage_asset


@stage_asset(name="map", group_name="insights", kinds={"python", "parquet"})
def image_map(
    context: dg.AssetExecutionContext,
    config: MapConfig,
    features: Features,
    embeddings: Embeddings,
    neighbor_graph: NeighborGraph,
) -> Results[Insight]:
    """Compute two coordinates per image, such that neighbours in the graph lie close together."""
    with stage(context) as this:
        entry = this.entry(Insight, [features.digest, embeddings.digest, neighbor_graph.digest], config.seed)
        references = this.references(features, embeddings, neighbor_graph)
        value = entry.get(lambda: Computation(references, progress=this.progress).find("map", seed=config.seed))
        plot = this.plot(entry, "map", lambda: metadata.map_plot(value))
        shown = metadata.log_insights(this.log, references, [entry])
        this.show(entry, {**shown["map"], "map": plot})
    yield from this.results()
