"""The collection's table of images."""

import sys
from collections.abc import Iterator

import dagster as dg

from imgsim.images.load import load_images
from imgsim.images.table import ImageTable
from orchestration import checks, metadata, plot_cache
from orchestration.config import ImagesConfig
from orchestration.failures import RETRY, fail_at_once
from orchestration.partitions import collections
from orchestration.resources import MlflowResource, StorageResource
from orchestration.result_cache import reuse_key

CODE_VERSION = "1"


@dg.asset(
    partitions_def=collections,
    group_name="ingest",
    kinds={"python", "parquet"},
    owners=["team:imgsim"],
    code_version=CODE_VERSION,
    check_specs=checks.IMAGES,
    retry_policy=RETRY,
)
def images(
    context: dg.AssetExecutionContext, config: ImagesConfig, storage: StorageResource, mlflow: MlflowResource
) -> Iterator[dg.MaterializeResult[ImageTable]]:
    """Table of the collection's images (path, label, sha256, size, format), and of the files that are none.

    Always scans: listing and hashing is cheap, and everything after it runs only when content changed.
    """
    collection = context.partition_key
    source = storage.source(collection, config.source)
    with fail_at_once(source), mlflow.stage(context, "images") as log:
        labels = None if config.labels == "none" else config.labels
        found = load_images(source, recursive=config.recursive, labels=labels, progress=sys.stderr.isatty())
        key = reuse_key("images", CODE_VERSION, found.digest, found.root, found.rejected.to_dict("list"))
        folder = storage.asset_folder(collection, "images")
        reused = (folder / key).is_dir()
        if config.source:
            storage.remember_source(collection, config.source)
        classes = len({label for label in found.labels if label is not None})
        log.params(collection=collection, labels=config.labels)
        log.metrics({"images": len(found), "rejected": len(found.rejected)})
        log.dataset(collection, found.digest, {"images": len(found), "labels": classes})
        sheet = plot_cache.sheet(folder, key, "images", lambda: metadata.image_sheet(found))
        log.picture(sheet)
        results = checks.check_images(found, config.max_rejected_share)
    mlflow.stopped(log, checks.failed(results))
    facts = {
        "source": source,
        "images": len(found),
        "labels": classes,
        "megabytes": round(sum(found.column("bytes").tolist()) / 1e6, 1),
        "rejected": len(found.rejected),
        "skipped_other_files": found.skipped,
        "rejected_files": metadata.table(found.rejected),
        "sample": metadata.table(found[:10].to_pandas()[["id", "path", "label", "bytes", "width", "height", "format"]]),
        "contact_sheet": metadata.picture(sheet),
    }
    yield dg.MaterializeResult(
        value=found,
        data_version=dg.DataVersion(found.digest),
        metadata={"key": key, "reused": reused, "dagster/row_count": len(found), **facts, **log.metadata},
        check_results=results,
    )
