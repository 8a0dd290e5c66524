"""Asset ``features``: raw features of each image."""

import dagster as dg

from imgsim.backbones.get import backbone_identity, get_backbone
from imgsim.features.distribute import extract_by
from imgsim.features.extract import Features
from imgsim.images.table import ImageTable
from orchestration import checks, metadata
from orchestration.config import FeaturesConfig
from orchestration.stage import Results, stage, stage_asset


@stage_asset(group_name="vectors", kinds={"python", "onnx", "parquet"}, uses={"workers"}, check_specs=checks.FEATURES)
def features(context: dg.AssetExecutionContext, config: FeaturesConfig, images: ImageTable) -> Results[Features]:
    """Extract one raw feature vector per image; content that the store knows is not computed again."""
    with stage(context) as this:
        store = this.storage.store()

        def compute() -> Features:
            backbone = get_backbone(config.backbone, config.weights or None)
            return extract_by(this.workers, images, backbone, store, config.batch_size, config.device, this.progress)

        found = [images.digest, images.root, images.rejected.to_dict("list")]  # rejected files are passed on
        entry = this.entry(Features, *found, backbone_identity(config.backbone, config.weights))
        value = entry.get(compute, _every_file_was_read)
        computed = 0.0 if entry.reused else value.stats["computed"]
        this.log.params(backbone=config.backbone, fingerprint=value.fingerprint)
        this.log.metrics({"features.computed": computed, "features.dim": value.matrix.shape[1]})
        facts = {
            "dagster/row_count": len(value.matrix),
            "features": len(value.matrix),
            "dimensions": value.matrix.shape[1],
            "backbone": value.backbone.name,
            "fingerprint": value.fingerprint,
            "licence": value.backbone.licence,
            "computed": int(computed),
            "ms_per_image": 1000 * value.stats["seconds"] / computed if computed else 0.0,
            "undecodable": len(value.images.rejected) - len(images.rejected),
            "rejected_files": metadata.table(value.images.rejected),
            "thumbnails": this.sheet(entry, "thumbnails", lambda: metadata.thumbnail_sheet(value.images, store)),
        }
        this.show(entry, facts, checks.check_features(value, config.max_rejected_share))
    yield from this.results()


def _every_file_was_read(value: Features) -> bool:
    """Return False if a file could not be read: it may be readable now."""
    return not (value.images.rejected["stage"] == "read").any()
