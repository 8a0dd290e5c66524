"""Asset ``features``: raw features of each image."""

import dagster as dg

from imgsim.backbones.get import get_backbone
from imgsim.backbones.identity import backbone_identity
from imgsim.backbones.spec import FP32
from imgsim.decoding.version import decoding_version
from imgsim.features.distribute import extract_by
from imgsim.features.extract import Features
from imgsim.images.table import ImageTable
from orchestration import checks, metadata
from orchestration.assets.images import decided
from orchestration.config import FeaturesConfig, check_one_network
from orchestration.stage import Results, stage, stage_asset

AS_CONFIGURED = "as configured"


@stage_asset(group_name="vectors", kinds={"python", "onnx", "parquet"}, uses={"workers"}, check_specs=checks.FEATURES)
def features(context: dg.AssetExecutionContext, config: FeaturesConfig, images: ImageTable) -> Results[Features]:
    """Extract one raw feature vector per image; content that the store knows is not computed again."""
    with stage(context) as this:
        check_one_network(context.run.run_config)
        store = this.storage.store()

        def compute() -> Features:
            backbone = get_backbone(config.backbone, config.weights or None, **config.options())
            options = config.batch_size, config.device, this.progress
            return extract_by(this.workers, images, backbone, store, *options, precision=config.precision)

        rejected = images.rejected.to_dict("list")  # they are passed on
        found = [images.digest, images.root, rejected, *decided(images)]
        network = backbone_identity(config.backbone, config.weights, **config.options())
        precision = [] if config.precision == FP32 else [config.precision]
        entry = this.entry(Features, *found, network, decoding_version(), *precision)
        value = entry.get(compute, _is_complete)
        computed = 0.0 if entry.reused else value.stats["computed"]
        spec = value.backbone
        this.log.params(backbone=spec.name, fingerprint=spec.fingerprint, precision=spec.precision)
        this.log.metrics({"features.computed": computed, "features.dim": spec.dim})
        this.log.metrics({"images": len(value.images), "rejected": len(value.images.rejected)})  # by both stages
        facts = {
            "dagster/row_count": len(value.images),
            "features": len(value.images),
            "dimensions": spec.dim,
            "backbone": spec.name,
            "fingerprint": spec.fingerprint,
            "precision": spec.precision,
            "precision_reason": value.precision_reason or AS_CONFIGURED,
            "licence": spec.licence,
            "computed": int(computed),
            "ms_per_image": 1000 * value.stats["seconds"] / computed if computed else 0.0,
            "undecodable": len(value.images.rejected) - len(images.rejected),
            "rejected_files": metadata.table(value.images.rejected),
            "thumbnails": this.sheet(entry, "thumbnails", lambda: metadata.thumbnail_sheet(value.images, store)),
        }
        this.show(entry, facts, checks.check_features(value, config.max_rejected_share))
    yield from this.results()


def _is_complete(value: Features) -> bool:
    """Return False if a file could not be read, for it may be readable now, or if the store lacks a feature."""
    return not (value.images.rejected["stage"] == "read").any() and not value.vectors.missing()
