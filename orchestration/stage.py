"""A stage of the pipeline: everything about an asset but its library call and the facts it shows.

An asset names what its result depends on, the call that computes it, and what Dagster should show::

    @stage_asset(group_name="graph", kinds={"python"}, check_specs=checks.GRAPH)
    def neighbor_graph(context: ..., config: GraphConfig, embeddings: Embeddings) -> Results[NeighborGraph]:
        with stage(context) as this:
            entry = this.entry(NeighborGraph, embeddings.digest, config.k)
            value = entry.get(lambda: build_graph(embeddings.matrix, config.k))
            this.show(entry, {"edges": value.neighbors.size}, checks.check_graph(value, len(embeddings.matrix)))
        yield from this.results()
"""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import dagster as dg

from imgsim.creation import assemble
from imgsim.evaluation import Evaluation
from imgsim.features.embeddings import Embeddings
from imgsim.features.extract import Features
from imgsim.insights.registry import INSIGHTS
from imgsim.neighbors.graph import NeighborGraph
from imgsim.references.insight import Insight
from imgsim.references.references import References
from imgsim.workers import Workers
from orchestration import metadata
from orchestration.checks import failed
from orchestration.failures import RETRY, fail_at_once
from orchestration.mlflow_resource import MlflowResource, StageLog
from orchestration.partitions import collections
from orchestration.resources import StorageResource, WorkersResource
from orchestration.result_cache import Entry, reuse_key

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from PIL.Image import Image

Value = TypeVar("Value")
Results = Iterator[dg.MaterializeResult[Value]]
Facts = Mapping[str, Any]

OWNERS = ["team:imgsim"]
RESOURCES = {"storage", "mlflow"}
STEP: dict[str, Any] = {"partitions_def": collections, "retry_policy": RETRY}
"""Arguments of every step, also of one with several assets."""


def stage_asset(
    *, code_version: str = "1", uses: Set[str] = frozenset(), **options: Any
) -> Callable[[Callable[..., Any]], dg.AssetsDefinition]:
    """Make an asset that is a step of its own, with a body that opens `stage`.

    Parameters
    ----------
    code_version : str
        Another one computes every result again.
    uses : set of str
        Resources besides `RESOURCES`.
    options
        Those of `dagster.asset`.
    """
    decorate: Callable[[Callable[..., Any]], dg.AssetsDefinition]
    resources = RESOURCES | uses
    decorate = dg.asset(**STEP, owners=OWNERS, code_version=code_version, required_resource_keys=resources, **options)
    return decorate


@dataclass
class Stage:
    """A step under way: it finds or computes results, logs to MLflow, and collects what Dagster should show."""

    context: dg.AssetExecutionContext
    storage: StorageResource
    mlflow: MlflowResource
    log: StageLog
    shown: list[tuple[Entry[Any], Facts, Sequence[dg.AssetCheckResult]]] = field(default_factory=list)

    @property
    def collection(self) -> str:
        """Name of the collection."""
        return str(self.context.partition_key)

    @property
    def progress(self) -> bool:
        """True where a person watches."""
        return sys.stderr.isatty()

    @property
    def workers(self) -> Workers:
        """Workers of an asset that uses the resource ``workers``."""
        workers: WorkersResource = self.context.resources.workers
        return workers.create()

    def entry(self, kind: type[Value], *parts: Any, asset: str = "") -> Entry[Value]:
        """Return the place of a result in the cache.

        Parameters
        ----------
        kind : type
            Type of the result.
        parts : JSON-ready
            Digests of the inputs and the configuration that matters.
        asset : str
            Name of one of several assets; default: the only one of this step.
        """
        definition = self.context.assets_def
        name = asset or definition.key.to_user_string()
        key = reuse_key(name, definition.code_versions_by_key[dg.AssetKey(name)] or "", *parts)
        return Entry(self.storage.asset_folder(self.collection, name) / key, kind, self.storage.store())

    def sheet(self, entry: Entry[Any], name: str, draw: "Callable[[], Image]") -> dg.MetadataValue[Any]:
        """Draw a sheet of photos once, keep it with the MLflow run, and return it for Dagster."""
        path = entry.sheet(name, draw)
        self.log.picture(path)
        return metadata.picture(path)

    def plot(self, entry: Entry[Any], name: str, draw: "Callable[[], Figure]") -> dg.MetadataValue[Any]:
        """Draw a plot once, keep it with the MLflow run, and return it for Dagster."""
        path = entry.plot(name, draw)
        self.log.picture(path)
        return metadata.picture(path)

    def references(
        self,
        features: Features,
        embeddings: Embeddings,
        graph: NeighborGraph,
        evaluation: Evaluation | None = None,
        insights: Mapping[str, Insight] | None = None,
    ) -> References:
        """Put the results of earlier stages together."""
        references = assemble(features.images, features, embeddings, graph, evaluation, self.storage.store())
        references.insights = {name: insights[name] for name in INSIGHTS if insights and name in insights}
        return references

    def show(self, entry: Entry[Any], facts: Facts, checks: Sequence[dg.AssetCheckResult] = ()) -> None:
        """Make a result one of this stage's, with the facts and checks that Dagster shows beside it."""
        self.shown.append((entry, facts, checks))

    def results(self) -> Results[Any]:
        """Yield what was shown, once the stage has ended and its time is known."""
        for entry, facts, checks in self.shown:
            yield dg.MaterializeResult(
                asset_key=entry.asset,
                value=entry.value,
                data_version=dg.DataVersion(entry.value.digest),
                metadata={"key": entry.key, "reused": entry.reused, **facts, **self.log.metadata},
                check_results=checks,
            )


@contextmanager
def stage(context: dg.AssetExecutionContext, source: str = "") -> Iterator[Stage]:
    """Open a step: time it in MLflow, fail at once on what no retry cures (see `fail_at_once` for ``source``).

    The MLflow run is marked as failed when a check that stops the run did not pass.
    """
    storage, mlflow = context.resources.storage, context.resources.mlflow
    with fail_at_once(source), mlflow.stage(context, context.assets_def.node_def.name) as log:
        this = Stage(context, storage, mlflow, log)
        yield this
    mlflow.stopped(log, failed([result for _, _, checks in this.shown for result in checks]))
