import subprocess
import sys

import pytest

import imgsim
from imgsim.backbones.get import get_backbone
from imgsim.backbones.identity import backbone_identity


def test_identity_follows_what_decides_the_features(tmp_path):
    first, copy, other = (tmp_path / name for name in ("first.pth", "copy.pth", "other.pth"))
    first.write_bytes(b"weights")
    copy.write_bytes(b"weights")
    other.write_bytes(b"other weights")
    assert backbone_identity("resnet18", str(first)) == backbone_identity("resnet18", str(copy))
    different = [("resnet18", str(other)), ("resnet18", ""), ("resnet18", "random"), ("resnet34", str(first))]
    assert len({tuple(backbone_identity(*given)) for given in [("resnet18", str(first)), *different]}) == 5
    assert backbone_identity("mini") == ["mini", get_backbone("mini").spec.fingerprint]
    with pytest.raises(imgsim.BackboneError, match=r"cannot read the weights file .*missing\.pth"):
        backbone_identity("resnet18", str(tmp_path / "missing.pth"))


def test_identity_of_a_named_network_needs_no_torch():
    code = "import sys; from imgsim.backbones.identity import backbone_identity as of; "
    code += "[of(name) for name in ('auto', 'mini', 'resnet18', 'timm:resnet18', 'timm:nosuch')]; "
    code += "sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_identity_follows_every_option(tmp_path):
    given = [{}, {"image_size": 96}, {"pooling": "gem"}, {"resize": "model"}, {"revision": "v2"}]
    assert len({tuple(backbone_identity("timm:resnet18", **options)) for options in given}) == len(given)
    assert backbone_identity("timm:resnet18", cache_dir=tmp_path) == backbone_identity("timm:resnet18")
    with pytest.raises(imgsim.ArgumentError, match="pooling must be one of"):
        backbone_identity("timm:resnet18", pooling="max")


def test_identity_of_the_default_is_that_of_its_network():
    assert backbone_identity("auto") == backbone_identity(get_backbone().spec.name)


def test_identity_of_a_folder_is_that_of_its_files(tmp_path):
    transformers = pytest.importorskip("transformers")
    config = transformers.ViTConfig(
        hidden_size=8, num_hidden_layers=1, num_attention_heads=1, intermediate_size=8, image_size=32, patch_size=16
    )
    found = set()
    for _ in range(2):
        transformers.ViTModel(config).save_pretrained(tmp_path)
        transformers.ViTImageProcessor(size={"height": 32, "width": 32}).save_pretrained(tmp_path)
        (tmp_path / "README.md").write_text("---\nlicense: mit\n---\n")
        found.add(tuple(backbone_identity(f"transformers:{tmp_path}")))
    assert len(found) == 2
