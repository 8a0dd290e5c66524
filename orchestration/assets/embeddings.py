"""Asset ``embeddings``: projected unit vectors."""

from typing import Any

import dagster as dg

from imgsim.arguments import DEFAULT_K
from imgsim.features.embeddings import Embeddings, embed
from imgsim.features.extract import Features
from imgsim.learning.learn import learn_from_labels, require_learnable
from imgsim.neighbors.graph import build_graph
from imgsim.references import refined
from orchestration import checks
from orchestration.config import EmbeddingsConfig
from orchestration.stage import Results, stage, stage_asset


@stage_asset(group_name="vectors", kinds={"python", "numpy", "arrow"}, uses={"workers"}, check_specs=checks.EMBEDDINGS)
def embeddings(context: dg.AssetExecutionContext, config: EmbeddingsConfig, features: Features) -> Results[Embeddings]:
    """Project the features: signed square root, PCA fitted on this collection, and normalisation.

    On request the projection is learnt from the labels (``learn``), and each vector is averaged with its nearest
    neighbours (``refine``).
    """
    with stage(context) as this:

        def compute() -> Embeddings:
            if config.refine:
                refined.require_projection(config.projection is not None)
            if config.learn:
                require_learnable(config.projection is not None)
            plain = embed(features.vectors, config.projection)
            if config.learn:
                graph = build_graph(plain.matrix, DEFAULT_K, config.refine_method, workers=this.workers)
                unlearnt = this.references(features, plain, graph)
                plain = learn_from_labels(
                    unlearnt, features.vectors, config.others, this.storage.store(), this.progress
                )
            if not config.refine:
                return plain
            graph = build_graph(
                plain.matrix,
                refined.NEIGHBORS,
                config.refine_method,
                progress=this.progress,
                workers=this.workers,
                folder=this.storage.home / "graphs",
            )
            return refined.refine(plain, graph)

        rows = features.digest if config.learn else features.source_digest  # with the labels, or without
        entry = this.entry(Embeddings, rows, *config.key())
        value = entry.get(compute)
        this.log.params(projection=config.projection, refine=config.refine, learn=config.learn)
        this.log.metrics({"embeddings.dim": value.matrix.shape[1]})
        facts = {
            "dagster/row_count": len(value.matrix),
            "vectors": len(value.matrix),
            "dimensions": value.matrix.shape[1],
            "feature_dimensions": features.backbone.dim,
            "projected": value.projection is not None,
            "refined": value.plain is not None,
            **_learnt(value),
        }
        this.show(entry, facts, checks.check_embeddings(value, len(features.images)))
    yield from this.results()


def _learnt(value: Embeddings) -> dict[str, Any]:
    if value.learning is None:
        return {}
    measured = {f"cross_validation_{name}": figure for name, figure in value.learning.figures.items()}
    return {"learnt": value.learning.choice, "labels_digest": value.learning.labels_digest, **measured}
