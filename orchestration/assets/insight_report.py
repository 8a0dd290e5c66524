"""Asset ``insight_report``: all insights as one page with pictures."""

import dagster as dg

from imgsim.evaluation import Evaluation
from imgsim.features.embeddings import Embeddings
from imgsim.features.extract import Features
from imgsim.insights.registry import INSIGHTS
from imgsim.insights.report.report import FILE, Report, render_report
from imgsim.neighbors.graph import NeighborGraph
from imgsim.references.insight import Insight
from orchestration.assets.insights import AS_INPUTS
from orchestration.stage import Results, stage, stage_asset


@stage_asset(ins=AS_INPUTS, group_name="insights", kinds={"python", "html"})
def insight_report(
    context: dg.AssetExecutionContext,
    features: Features,
    embeddings: Embeddings,
    neighbor_graph: NeighborGraph,
    evaluation: Evaluation,
    **insights: Insight,
) -> Results[Report]:
    """Make an HTML page: rejected files, duplicates, label errors, outliers, quality, leaks, clusters, map, graph."""
    with stage(context) as this:
        inputs = [features.digest, features.images.rejected.to_dict("list"), embeddings.digest, neighbor_graph.digest]
        found = [insights[name].digest for name in INSIGHTS]
        entry = this.entry(Report, this.collection, inputs, evaluation.digest, found)

        def compute() -> Report:
            references = this.references(features, embeddings, neighbor_graph, evaluation, insights)
            return render_report(references, this.collection)

        value = entry.get(compute)
        link = this.log.page(value.html, f"report/{FILE}", entry.folder / FILE)
        this.show(entry, {"report": link, "megabytes": round(len(value.html) / 1e6, 2)})
    yield from this.results()
