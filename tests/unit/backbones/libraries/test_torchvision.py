"""torchvision's networks give the features of torchvision's own transforms."""

import pytest
import torch
from torchvision import models

from imgsim.backbones.get import get_backbone
from tests.unit.backbones.libraries.same_features import assert_same, picture


@pytest.mark.parametrize("name", ["mobilenet_v3_small", "squeezenet1_1"])
def test_the_presets_transform_gives_the_same_features(name, tmp_path):
    torch.manual_seed(0)
    torch.save(models.get_model(name, weights=None).state_dict(), tmp_path / "w.pth")
    backbone = get_backbone(name, tmp_path / "w.pth", resize="model")
    x = models.get_model_weights(name).DEFAULT.transforms()(picture())[None]
    with torch.inference_mode():
        expected = backbone.build()(x)
    assert_same(backbone, expected.mean((2, 3)) if expected.ndim == 4 else expected, tmp_path / "x", picture())
