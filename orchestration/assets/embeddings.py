"""Projected unit vectors."""

from collections.abc import Iterator

import dagster as dg

from imgsim.features.embeddings import Embeddings, embed
from imgsim.features.extract import Features
from orchestration import checks
from orchestration.config import EmbeddingsConfig
from orchestration.failures import RETRY, fail_at_once
from orchestration.partitions import collections
from orchestration.resources import MlflowResource, StorageResource
from orchestration.result_cache import load_or_compute, reuse_key

CODE_VERSION = "1"


@dg.asset(
    partitions_def=collections,
    group_name="vectors",
    kinds={"python", "numpy", "arrow"},
    owners=["team:imgsim"],
    code_version=CODE_VERSION,
    check_specs=checks.EMBEDDINGS,
    retry_policy=RETRY,
)
def embeddings(
    context: dg.AssetExecutionContext,
    config: EmbeddingsConfig,
    features: Features,
    storage: StorageResource,
    mlflow: MlflowResource,
) -> Iterator[dg.MaterializeResult[Embeddings]]:
    """Signed square root, PCA and normalisation of the features, fitted on this collection."""
    with fail_at_once(), mlflow.stage(context, "embeddings") as log:
        key = reuse_key("embeddings", CODE_VERSION, features.digest, config.projection, config.seed)
        folder = storage.asset_folder(context.partition_key, "embeddings") / key
        value, reused = load_or_compute(
            folder, Embeddings.load, lambda: embed(features.matrix, config.projection, config.seed)
        )
        log.params(projection=config.projection)
        log.metrics({"embeddings.dim": value.matrix.shape[1]})
        results = checks.check_embeddings(value, len(features.matrix))
    mlflow.stopped(log, checks.failed(results))
    facts = {
        "vectors": len(value.matrix),
        "dimensions": value.matrix.shape[1],
        "feature_dimensions": features.matrix.shape[1],
        "projected": value.projection is not None,
    }
    yield dg.MaterializeResult(
        value=value,
        data_version=dg.DataVersion(value.digest),
        metadata={"key": key, "reused": reused, "dagster/row_count": len(value.matrix), **facts, **log.metadata},
        check_results=results,
    )
