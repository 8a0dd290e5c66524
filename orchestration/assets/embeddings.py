"""Asset ``embeddings``: projected unit vectors."""

import dagster as dg

from imgsim.features.embeddings import Embeddings, embed
from imgsim.features.extract import Features
from orchestration import checks
from orchestration.config import EmbeddingsConfig
from orchestration.stage import Results, stage, stage_asset


@stage_asset(group_name="vectors", kinds={"python", "numpy", "arrow"}, check_specs=checks.EMBEDDINGS)
def embeddings(context: dg.AssetExecutionContext, config: EmbeddingsConfig, features: Features) -> Results[Embeddings]:
    """Project the features: signed square root, PCA fitted on this collection, and normalisation."""
    with stage(context) as this:
        entry = this.entry(Embeddings, features.digest, config.projection, config.seed)
        value = entry.get(lambda: embed(features.matrix, config.projection, config.seed))
        this.log.params(projection=config.projection)
        this.log.metrics({"embeddings.dim": value.matrix.shape[1]})
        facts = {
            "dagster/row_count": len(value.matrix),
            "vectors": len(value.matrix),
            "dimensions": value.matrix.shape[1],
            "feature_dimensions": features.matrix.shape[1],
            "projected": value.projection is not None,
        }
        this.show(entry, facts, checks.check_embeddings(value, len(features.matrix)))
    yield from this.results()
