"""Raw features of each image."""

import hashlib
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import dagster as dg

from imgsim.backbones.get import get_backbone
from imgsim.backbones.spec import PREPROCESSING
from imgsim.errors import BackboneError
from imgsim.features.distribute import extract_by
from imgsim.features.extract import Features
from imgsim.images.table import ImageTable
from orchestration import checks, metadata, plot_cache
from orchestration.config import FeaturesConfig
from orchestration.failures import RETRY, fail_at_once
from orchestration.partitions import collections
from orchestration.resources import MlflowResource, StorageResource, WorkersResource
from orchestration.result_cache import load_or_compute, reuse_key

CODE_VERSION = "1"


@dg.asset(
    partitions_def=collections,
    group_name="vectors",
    kinds={"python", "onnx", "parquet"},
    owners=["team:imgsim"],
    code_version=CODE_VERSION,
    check_specs=checks.FEATURES,
    retry_policy=RETRY,
)
def features(
    context: dg.AssetExecutionContext,
    config: FeaturesConfig,
    images: ImageTable,
    storage: StorageResource,
    mlflow: MlflowResource,
    workers: WorkersResource,
) -> Iterator[dg.MaterializeResult[Features]]:
    """One raw feature vector per image; content seen before, in any collection, is taken from the store."""
    store = storage.store()

    def compute() -> Features:
        backbone = get_backbone(config.backbone, config.weights or None)
        progress = sys.stderr.isatty()
        return extract_by(workers.create(), images, backbone, store, config.batch_size, config.device, progress)

    def complete(value: Features) -> bool:  # a file that could not be read may be readable now
        return not (value.images.rejected["stage"] == "read").any()

    with fail_at_once(), mlflow.stage(context, "features") as log:
        found = [images.digest, images.root, images.rejected.to_dict("list")]  # rejected files are carried on
        key = reuse_key("features", CODE_VERSION, *found, backbone_identity(config))
        folder = storage.asset_folder(context.partition_key, "features")
        value, reused = load_or_compute(folder / key, lambda path: Features.load(path, store), compute, complete)
        computed = 0.0 if reused else value.stats["computed"]
        per_image = 1000 * value.stats["seconds"] / computed if computed else 0.0
        log.params(backbone=config.backbone, fingerprint=value.fingerprint)
        log.metrics({"features.computed": computed, "features.dim": value.matrix.shape[1]})
        sheet = plot_cache.sheet(folder, key, "thumbnails", lambda: metadata.thumbnail_sheet(value.images, store))
        log.picture(sheet)
        results = checks.check_features(value, config.max_rejected_share)
    mlflow.stopped(log, checks.failed(results))
    facts = {
        "features": len(value.matrix),
        "dimensions": value.matrix.shape[1],
        "backbone": value.backbone.name,
        "fingerprint": value.fingerprint,
        "licence": value.backbone.licence,
        "computed": int(computed),
        "ms_per_image": per_image,
        "undecodable": len(value.images.rejected) - len(images.rejected),
        "rejected_files": metadata.table(value.images.rejected),
        "thumbnails": metadata.picture(sheet),
    }
    yield dg.MaterializeResult(
        value=value,
        data_version=dg.DataVersion(value.digest),
        metadata={"key": key, "reused": reused, "dagster/row_count": len(value.matrix), **facts, **log.metadata},
        check_results=results,
    )


def backbone_identity(config: FeaturesConfig) -> list[Any]:
    """What decides the features besides the images, found without importing torch.

    Raises
    ------
    BackboneError
        The weights file cannot be read, or a factory cannot be imported.
    """
    if ":" in config.backbone:
        return [get_backbone(config.backbone, config.weights or None).spec.fingerprint]
    if config.backbone == "mini":
        return ["mini", get_backbone("mini", config.weights or None).spec.fingerprint]
    content = config.weights
    if content and content != "random":
        try:
            content = hashlib.sha256(Path(content).read_bytes()).hexdigest()
        except OSError as error:
            raise BackboneError(f"cannot read the weights file {config.weights}: {error.strerror}.") from error
    return [config.backbone, content, version("torchvision"), PREPROCESSING]
