"""What several benchmarks need, made once per run: features, the exported network, a saved model, new pictures."""

from __future__ import annotations

from pathlib import Path

from PIL import Image, ImageOps

import imgsim
from imgsim.backbones.onnx_export import ONNX_FILE, export_onnx
from imgsim.backbones.spec import Backbone
from imgsim.decoding.decode import decode
from imgsim.features.extract import Features, extract_features
from tests.benchmarks.settings import Settings


def network(settings: Settings) -> Backbone:
    """The network to measure."""
    return imgsim.get_backbone(settings.backbone, settings.weights)


def onnx_file(backbone: Backbone) -> Path:
    """Its exported form."""
    folder = imgsim.FeatureStore().backbone_folder(backbone.spec.fingerprint)
    export_onnx(backbone, folder)
    return folder / ONNX_FILE


def features(settings: Settings, backbone: Backbone) -> Features:
    """Features of the whole collection, from the run's store where they are there already."""
    return extract_features(imgsim.load_images(settings.images), backbone, device="cpu")


def model_folder(settings: Settings) -> Path:
    """A saved model of the whole collection."""
    folder = settings.work / "model"
    if not folder.exists():
        found = features(settings, network(settings))
        model = imgsim.create(found.images, backbone=network(settings), device="cpu", progress=False)
        model.save(folder)
    return folder


def new_pictures(settings: Settings, count: int) -> list[Path]:
    """Files the model has not seen: pictures of the collection, mirrored, as JPEG of the same size."""
    folder = settings.work / "new"
    folder.mkdir(exist_ok=True)
    images = imgsim.load_model(model_folder(settings)).images
    source = imgsim.load_images(settings.images)
    paths = []
    step = max(1, len(images) // count)
    located = dict(zip(source.paths, source.locations, strict=True))
    for i, path in enumerate(images.paths[::step][:count]):
        target = folder / f"{i:04d}.jpg"
        if not target.exists():
            picture = Image.fromarray(decode(Path(located[path]).read_bytes()))
            ImageOps.mirror(picture).save(target, quality=90)
        paths.append(target)
    return paths
