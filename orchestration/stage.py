"""Stage of the pipeline: the common parts of all assets, such as cache, MLflow log and metadata.

An asset names the values its result depends on, the call that computes it, and the facts for Dagster to show::

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
from dagster._utils.interrupts import raise_interrupts_as

from imgsim.cli.interrupts import first_interrupt
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
from orchestration.failures import retry_or_fail
from orchestration.mlflow_resource import MlflowResource, StageLog
from orchestration.partitions import collection_of, collections
from orchestration.resources import StorageResource, WorkersResource
from orchestration.result_cache import Entry, library_version, reuse_key

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from PIL.Image import Image

Value = TypeVar("Value")
Results = Iterator[dg.MaterializeResult[Value]]
Facts = Mapping[str, Any]

OWNERS = ["team:imgsim"]
RESOURCES = {"storage", "mlflow"}
STEP: dict[str, Any] = {"partitions_def": collections}
"""Arguments of every step, including those with several assets."""


def stage_asset(
    *, code_version: str | None = None, uses: Set[str] = frozenset(), **options: Any
) -> Callable[[Callable[..., Any]], dg.AssetsDefinition]:
    """Make an asset that is a step of its own; its function opens `stage`.

    Parameters
    ----------
    code_version : str, optional
        A new one invalidates all stored results; default: `orchestration.result_cache.library_version`.
    uses : set of str
        Resources besides `RESOURCES`.
    options
        Those of `dagster.asset`.
    """
    decorate: Callable[[Callable[..., Any]], dg.AssetsDefinition]
    resources = RESOURCES | uses
    code_version = code_version or library_version()
    decorate = dg.asset(**STEP, owners=OWNERS, code_version=code_version, required_resource_keys=resources, **options)
    return decorate


@dataclass
class Stage:
    """A running step: it loads or computes results, logs to MLflow, and collects the metadata for Dagster."""

    context: dg.AssetExecutionContext
    storage: StorageResource
    mlflow: MlflowResource
    log: StageLog
    collection: str
    shown: list[tuple[Entry[Any], Facts, Sequence[dg.AssetCheckResult]]] = field(default_factory=list)

    @property
    def progress(self) -> bool:
        """True if stderr is a terminal."""
        return sys.stderr.isatty()

    @property
    def workers(self) -> Workers:
        """Workers of an asset that uses the resource ``workers``."""
        workers: WorkersResource = self.context.resources.workers
        return workers.create()

    def entry(self, kind: type[Value], *parts: Any, asset: str = "") -> Entry[Value]:
        """Return the cache entry of a result.

        Parameters
        ----------
        kind : type
            Type of the result.
        parts : JSON-ready
            Digests of the inputs, and the relevant configuration.
        asset : str
            Name of one of several assets; default: the only one of this step.
        """
        definition = self.context.assets_def
        name = asset or definition.key.to_user_string()
        key = reuse_key(name, definition.code_versions_by_key[dg.AssetKey(name)] or "", *parts)
        return Entry(self.storage.asset_folder(self.collection, name) / key, kind, self.storage.store())

    def sheet(self, entry: Entry[Any], name: str, draw: "Callable[[], Image]") -> dg.MetadataValue[Any]:
        """Draw a contact sheet once, log it to MLflow, and return it as metadata."""
        path = entry.sheet(name, draw)
        self.log.picture(path)
        return metadata.picture(path)

    def plot(self, entry: Entry[Any], name: str, draw: "Callable[[], Figure]") -> dg.MetadataValue[Any]:
        """Draw a plot once, log it to MLflow, and return it as metadata."""
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
        """Combine the results of earlier stages to references."""
        references = assemble(features.images, features, embeddings, graph, evaluation, self.storage.store())
        references.insights = {name: insights[name] for name in INSIGHTS if insights and name in insights}
        return references

    def show(self, entry: Entry[Any], facts: Facts, checks: Sequence[dg.AssetCheckResult] = ()) -> None:
        """Add a result to this stage, with the facts and checks that Dagster shows."""
        self.shown.append((entry, facts, checks))

    def results(self) -> Results[Any]:
        """Yield the results added by `show`; call it after the stage, when its duration is known."""
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
    """Open a step: log its time to MLflow, and retry it after an error that a retry may cure.

    See `retry_or_fail` for ``source``. The MLflow run is marked as failed if a blocking check did not pass.
    """
    storage, mlflow = context.resources.storage, context.resources.mlflow
    name = context.assets_def.node_def.name
    # instead of Dagster's own exception: the library knows KeyboardInterrupt, and keeps what is computed
    interrupts = raise_interrupts_as(first_interrupt)  # type: ignore[arg-type]
    with interrupts, retry_or_fail(context.retry_number, source):
        collection = collection_of(context)
        with mlflow.stage(context, name) as log:
            this = Stage(context, storage, mlflow, log, collection)
            yield this
    results = [result for _, _, checks in this.shown for result in checks]
    mlflow.stopped(log, failed(results), " ".join(result.description for result in results if result.description))
