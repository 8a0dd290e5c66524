"""Assets of the insights that take seconds, all in one step."""

import dagster as dg

from imgsim.features.embeddings import Embeddings
from imgsim.features.extract import Features
from imgsim.insights.compute import Computation
from imgsim.insights.registry import INSIGHTS
from imgsim.neighbors.graph import NeighborGraph
from imgsim.references.insight import Insight
from orchestration import checks, metadata
from orchestration.config import InsightsConfig
from orchestration.result_cache import Entry, library_version
from orchestration.stage import OWNERS, RESOURCES, STEP, Results, stage

STEP_NAMES = [name for name in INSIGHTS if name != "map"]
"""The insights of this step; the map is a step of its own."""
AS_INPUTS = {name: dg.AssetIn(dagster_type=Insight) for name in INSIGHTS}
"""Inputs of an asset that takes all ``**insights``."""
_INPUTS = ("features", "embeddings", "neighbor_graph")


def _needs(name: str) -> list[str]:
    """Return the insights that an insight needs."""
    return [need for need in INSIGHTS[name].needs if need in INSIGHTS]


def _out(name: str) -> dg.AssetOut:
    return dg.AssetOut(
        is_required=False,
        description=INSIGHTS[name].description,
        group_name="insights",
        kinds={"python", "parquet"},
        owners=OWNERS,
        code_version=library_version(),
    )


@dg.multi_asset(
    **STEP,
    name="insights",
    outs={name: _out(name) for name in STEP_NAMES},
    internal_asset_deps={name: {dg.AssetKey(need) for need in (*_INPUTS, *_needs(name))} for name in STEP_NAMES},
    can_subset=True,
    required_resource_keys=RESOURCES,
    check_specs=checks.INSIGHTS,
)
def insights(
    context: dg.AssetExecutionContext,
    config: InsightsConfig,
    features: Features,
    embeddings: Embeddings,
    neighbor_graph: NeighborGraph,
) -> Results[Insight]:
    """Compute the selected insights; each has its own cache key, so a parameter recomputes only its own insight."""
    wanted = [name for name in STEP_NAMES if dg.AssetKey(name) in context.selected_asset_keys]
    needed = {need for name in wanted for need in _needs(name)}
    with stage(context) as this:
        inputs = [features.digest, embeddings.digest, neighbor_graph.digest]
        references = this.references(features, embeddings, neighbor_graph)
        computation = Computation(references, this.storage.store(), this.progress)

        def found(name: str) -> Entry[Insight]:
            params = config.params(name)
            of_needed = {key: value for need in _needs(name) for key, value in config.params(need).items()}
            entry = this.entry(Insight, inputs, params, of_needed, asset=name)
            references.insights[name] = entry.get(lambda: computation.find(name, **params))
            return entry

        entries = {name: found(name) for name in STEP_NAMES if name in {*wanted, *needed}}
        shown = metadata.log_insights(this.log, references, [entries[name] for name in wanted])
        for name in wanted:
            entry = entries[name]
            this.show(entry, shown[name], checks.check_insight(entry.value, config.max_leaks))
    yield from this.results()
