import hashlib
import sys

import numpy as np
import pytest
import torch
from torch import nn

import imgsim
from imgsim.backbones.get import get_backbone
from imgsim.backbones.own_module import from_module
from imgsim.backbones.spec import Backbone


class Means(nn.Module):
    """Mean colour: a backbone small enough to check by hand."""

    input_size = 8
    mean = (0.0, 0.0, 0.0)
    std = (1.0, 1.0, 1.0)

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.mean((2, 3)) * self.scale


def make_means() -> nn.Module:
    return Means()


def test_mini_is_packaged_small_and_licensed():
    backbone = get_backbone("mini")
    assert (backbone.spec.name, backbone.spec.height, backbone.spec.licence) == ("mini", 96, "Apache-2.0")
    with torch.inference_mode():
        assert backbone.build()(torch.zeros(2, 3, 96, 96)).shape == (2, 2304)


def test_fingerprint_names_weights_and_preprocessing():
    assert get_backbone("mini").spec.fingerprint == get_backbone("mini").spec.fingerprint
    one, other = Means(), Means()
    other.scale.data += 1
    prints = {from_module(m).spec.fingerprint for m in (one, other)} | {
        from_module(one, input_size=16).spec.fingerprint
    }
    assert len(prints) == 3


def test_own_modules_and_factories():
    assert get_backbone(Means()).spec.height == 8
    sys.modules["factory_for_test"] = sys.modules[__name__]
    assert isinstance(get_backbone("factory_for_test:make_means"), Backbone)
    with pytest.raises(imgsim.BackboneError, match=r"package\.module:factory"):
        get_backbone("no_such_module:make")
    with pytest.raises(TypeError, match="backbone must be"):
        get_backbone(3)


def test_unknown_names_suggest_near_ones():
    with pytest.raises(imgsim.BackboneError, match="resnet50"):
        get_backbone("resnet-51")
    with pytest.raises(imgsim.BackboneError, match=r"called 'nosuch'\. All: imgsim\.list_backbones\(\)"):
        get_backbone("nosuch")
    with pytest.raises(imgsim.BackboneError, match="Apple"):
        get_backbone("VisionFeaturePrint_Scene")


def test_turi_names_are_aliases():
    assert get_backbone("squeezenet_v1.1", "random").spec.name == "squeezenet1_1"
    assert get_backbone("resnet-50", "random").spec.name == "resnet50"


def test_registry_lists_packaged_networks_and_torchvision():
    names = imgsim.list_backbones()
    assert names[:3] == ["mini", "efficientnet_lite0", "efficientnet_lite2"]
    assert {"resnet50", "vit_b_16", "convnext_tiny", "inception_v3"} <= set(names)


@pytest.mark.parametrize(
    ("name", "dim"),
    [("squeezenet1_1", 512), ("mobilenet_v3_small", 1024), ("shufflenet_v2_x0_5", 1024), ("resnet18", 512)],
)
def test_heads_are_removed(name, dim):
    backbone = get_backbone(name, "random")
    with torch.inference_mode():
        assert backbone.build()(torch.zeros(1, 3, backbone.spec.height, backbone.spec.width)).shape == (1, dim)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "dim"),
    [("googlenet", 1024), ("inception_v3", 2048), ("vit_b_32", 768), ("swin_t", 768), ("convnext_tiny", 768),
     ("efficientnet_b0", 1280), ("densenet121", 1024), ("mnasnet0_5", 1280), ("regnet_y_400mf", 440),
     ("alexnet", 4096), ("maxvit_t", 512)],
)  # fmt: skip
def test_one_of_every_family_loses_its_head(name, dim):
    backbone = get_backbone(name, "random")
    with torch.inference_mode():
        assert backbone.build()(torch.zeros(1, 3, backbone.spec.height, backbone.spec.width)).shape == (1, dim)


def test_weights_by_path(tmp_path):
    from safetensors.torch import save_file
    from torchvision import models

    torch.manual_seed(1)
    network = models.squeezenet1_1(weights=None)
    torch.save(network.state_dict(), tmp_path / "w.pth")
    save_file(network.state_dict(), tmp_path / "w.safetensors")
    x = torch.rand(1, 3, 224, 224)
    outputs = []
    for file in ("w.pth", "w.safetensors"):
        backbone = get_backbone("squeezenet1_1", tmp_path / file)
        assert backbone.spec.weights == f"file {file}"
        with torch.inference_mode():
            outputs.append(backbone.build()(x))
    assert torch.equal(*outputs)
    with torch.inference_mode():
        assert torch.equal(outputs[0], network.eval().features(x).mean((2, 3)))


def test_unfit_weights_say_which_file(tmp_path):
    with pytest.raises(imgsim.BackboneError, match=r"none\.pth"):
        get_backbone("resnet18", tmp_path / "none.pth")
    (tmp_path / "bad.pth").write_bytes(b"junk")
    with pytest.raises(imgsim.BackboneError, match=r"bad\.pth is not a state dict"):
        get_backbone("resnet18", tmp_path / "bad.pth").build()
    torch.save(tmp_path, tmp_path / "path.pth")
    with pytest.raises(imgsim.BackboneError, match=r"path\.pth is not a state dict .* else than tensors\. Save one"):
        get_backbone("resnet18", tmp_path / "path.pth").build()
    with pytest.raises(imgsim.BackboneError, match=r"bad\.pth does not hold weights of mini"):
        get_backbone("mini", tmp_path / "bad.pth").build()


def test_a_failed_download_names_the_way_out(monkeypatch, tmp_path):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")  # the discard port: refused at once
    with pytest.raises(imgsim.BackboneError, match=r"backbone='mini'.*weights="):
        get_backbone("squeezenet1_1").build()


def test_a_cached_download_is_used_without_network(monkeypatch, tmp_path):
    from torchvision import models

    name = models.SqueezeNet1_1_Weights.DEFAULT.url.rsplit("/", 1)[1]
    (tmp_path / "hub" / "checkpoints").mkdir(parents=True)
    torch.save(models.squeezenet1_1(weights=None).state_dict(), tmp_path / "hub" / "checkpoints" / name)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    assert get_backbone("squeezenet1_1").build() is not None


def test_a_download_is_told_on_stderr(monkeypatch, tmp_path, capsys):
    from torchvision import models

    torch.save(models.squeezenet1_1(weights=None).state_dict(), tmp_path / "w.pth")
    digest = hashlib.sha256((tmp_path / "w.pth").read_bytes()).hexdigest()
    there = (tmp_path / "w.pth").rename(tmp_path / f"squeezenet-{digest[:8]}.pth")
    monkeypatch.setattr(models.SqueezeNet1_1_Weights.DEFAULT.value, "url", there.as_uri())
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "hub"))
    assert get_backbone("squeezenet1_1").build() is not None
    told = capsys.readouterr()
    assert told.out == ""
    assert f'Downloading: "{there.as_uri()}"' in told.err


def test_mean_colour_backbone_end_to_end(tmp_path):
    from PIL import Image

    for name, colour in {"red": (255, 0, 0), "rose": (250, 10, 10), "blue": (0, 0, 255)}.items():
        Image.fromarray(np.full((20, 30, 3), colour, np.uint8)).save(tmp_path / f"{name}.png")
    model = imgsim.create(tmp_path, ids="path", backbone=Means(), projection=None, progress=False)
    answer = model.query("red.png", k=3)
    assert answer["reference_label"].tolist() == ["red.png", "rose.png", "blue.png"]
    np.testing.assert_allclose(answer["distance"], [0, np.sqrt(25 + 200) / 255, np.sqrt(2)], rtol=1e-4)


def broken_factory() -> nn.Module:
    raise OSError("no file of mine")


@pytest.mark.parametrize(
    ("name", "options", "told"),
    [
        ("timm:", {}, r"'timm:' names no network"),
        ("mini", {"weights": "random"}, r"mini has its own weights"),
        (
            "broken_for_test:broken_factory",
            {},
            r"without arguments, or fails: OSError: no file of mine",
        ),
        ("os.path:join", {}, r"cannot be called without arguments, or fails: TypeError"),
        ("hf-hub:a/b@v1", {"revision": "v2"}, r"names a revision, and revision='v2' too"),
        ("efficientnet_lite0", {"image_size": 10**6}, r"image_size must be at most 4096 pixels"),
    ],
)
def test_names_and_options_that_cannot_be(monkeypatch, name, options, told):
    monkeypatch.setitem(sys.modules, "broken_for_test", sys.modules[__name__])
    with pytest.raises((imgsim.BackboneError, imgsim.ArgumentError), match=told):
        get_backbone(name, **options)
