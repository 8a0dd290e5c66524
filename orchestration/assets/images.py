"""Asset ``images``: the collection's table of images."""

import dagster as dg

from imgsim.images.load import load_images
from imgsim.images.table import ImageTable
from orchestration import checks, metadata
from orchestration.config import ImagesConfig
from orchestration.resources import StorageResource
from orchestration.stage import Results, stage, stage_asset

SAMPLE_COLUMNS = ["id", "path", "label", "bytes", "width", "height", "format"]


@stage_asset(group_name="ingest", kinds={"python", "parquet"}, check_specs=checks.IMAGES)
def images(context: dg.AssetExecutionContext, config: ImagesConfig) -> Results[ImageTable]:
    """List the collection's images (path, label, sha256, size, format) and the rejected files.

    The files are listed and hashed in every run, which is cheap. Later stages run only when content has changed.
    """
    storage: StorageResource = context.resources.storage
    source = storage.source(context.partition_key, config.source)
    with stage(context, source) as this:
        found = load_images(source, recursive=config.recursive, labels=config.label_column, progress=this.progress)
        entry = this.entry(ImageTable, found.digest, found.root, found.rejected.to_dict("list"))
        entry.get(lambda: found)
        if config.source:
            storage.remember_source(this.collection, config.source)
        classes = len({label for label in found.labels if label is not None})
        this.log.params(collection=this.collection, labels=config.labels)
        this.log.metrics({"images": len(found), "rejected": len(found.rejected)})
        this.log.dataset(this.collection, found.digest, {"images": len(found), "labels": classes})
        facts = {
            "dagster/row_count": len(found),
            "source": source,
            "images": len(found),
            "labels": classes,
            "megabytes": round(sum(found.column("bytes").tolist()) / 1e6, 1),
            "rejected": len(found.rejected),
            "skipped_other_files": found.skipped,
            "rejected_files": metadata.table(found.rejected),
            "sample": metadata.table(found[:10].to_pandas()[SAMPLE_COLUMNS]),
            "contact_sheet": this.sheet(entry, "images", lambda: metadata.image_sheet(found)),
        }
        this.show(entry, facts, checks.check_images(found, config.max_rejected_share))
    yield from this.results()
