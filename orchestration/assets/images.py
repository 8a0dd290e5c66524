"""Asset ``images``: the collection's table of images."""

from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.storage.tags import PARTITION_NAME_TAG

from imgsim.cli.load import skipped_text
from imgsim.decisions import open_decisions, with_decided_labels
from imgsim.images.collection_root import note_root
from imgsim.images.load import load_images
from imgsim.images.table import ImageTable
from imgsim.mlflow.version import TAG_DECISIONS
from orchestration import checks, metadata
from orchestration.automation.history import DIGEST_TAG
from orchestration.automation.watched import folder_digest
from orchestration.config import ImagesConfig
from orchestration.mlflow_resource import presentable
from orchestration.partitions import add_partition, drop_if_new
from orchestration.resources import StorageResource
from orchestration.result_cache import Entry
from orchestration.stage import Results, Stage, stage, stage_asset

SAMPLE_COLUMNS = ["id", "path", "label", "bytes", "width", "height", "format"]


@dg.failure_hook(name="forget_mistyped_folder")
def _forget_mistyped_folder(context: dg.HookContext) -> None:
    """Remove the partition of a collection that has never had images."""
    run = context.instance.get_run_by_id(context.run_id)
    if run is not None and PARTITION_NAME_TAG in run.tags:
        drop_if_new(context.instance, run.tags[PARTITION_NAME_TAG])


@stage_asset(
    group_name="ingest",
    kinds={"python", "parquet"},
    check_specs=checks.IMAGES,
    hooks={_forget_mistyped_folder},
)
def images(context: dg.AssetExecutionContext, config: ImagesConfig) -> Results[ImageTable]:
    """List the collection's images (path, label, sha256, size, format) and the rejected files.

    The files are listed in every run; those that changed are read and hashed. Later stages run only when content has
    changed.
    """
    storage: StorageResource = context.resources.storage
    with stage(context, config.source) as this:
        source = storage.source(this.collection, config.source)
        _tag_content(context, source)
        found = load_images(
            source,
            recursive=config.recursive,
            labels=config.labels,
            progress=this.progress,
            exclude=config.exclude,
            rehash=config.rehash,
        )
        if config.decisions:
            found = with_decided_labels(found, open_decisions())
        origin = found.labels_from or ""
        parts = [found.digest, found.root, found.rejected.to_dict("list"), origin, *decided(found)]
        entry = this.entry(ImageTable, *parts)
        entry.get(lambda: found)
        results = checks.check_images(found, config.max_rejected_share)
        if config.source and not checks.failed(results):
            storage.remember_source(this.collection, config.source)
        note_root(storage.home, this.collection, found.root)
        this.show(entry, _log(this, entry, config, source), results)
    add_partition(context.instance, this.collection)
    yield from this.results()


def _tag_content(context: dg.AssetExecutionContext, source: str) -> None:
    """Tell the sensor which content of a folder this run reads, before it is listed."""
    folder = Path(source)
    if folder.is_dir():
        context.instance.add_run_tags(context.run_id, {DIGEST_TAG: folder_digest(folder)})


def decided(images: ImageTable) -> list[str]:
    """Return what a result depends on besides the digest of a table of images: the decisions, and earlier labels."""
    return [images.decisions, images.source_digest] if images.decisions else []


def _log(this: Stage, entry: Entry[ImageTable], config: ImagesConfig, source: str) -> dict[str, Any]:
    """Log the table to MLflow, and return what Dagster should show."""
    found = entry.value
    classes = len({label for label in found.labels if label is not None})
    if found.decisions:
        this.log.tag(TAG_DECISIONS, found.decisions)
    this.log.params(collection=this.collection, source=presentable(source), labels=config.labels)
    this.log.metrics({"images": len(found), "rejected": len(found.rejected)})
    this.log.dataset(this.collection, source, found.digest, {"images": len(found), "labels": classes})
    return {
        "dagster/row_count": len(found),
        "source": source,
        "images": len(found),
        "labels": classes,
        "labels_from": found.labels_from or "none",
        **({"decisions": found.decisions, "changed_labels": found.changed_labels} if found.decisions else {}),
        "megabytes": round(sum(found.column("bytes").tolist()) / 1e6, 1),
        "rejected": len(found.rejected),
        "skipped": found.skipped,
        "skipped_kinds": skipped_text(found),
        "rejected_files": metadata.table(found.rejected),
        "skipped_files": metadata.table(found.skipped_files),
        "sample": metadata.table(found[:10].to_pandas()[SAMPLE_COLUMNS]),
        "contact_sheet": this.sheet(entry, "images", lambda: metadata.image_sheet(found)),
    }
