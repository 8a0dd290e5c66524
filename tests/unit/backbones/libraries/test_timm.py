"""timm's networks give the features that timm's own code gives for the same picture with its own transform."""

import json
import warnings
from pathlib import Path

import pytest
import timm
import torch
from timm.data import create_transform, resolve_model_data_config
from timm.layers.pool1d import global_pool_nlc

import imgsim
from imgsim.backbones.get import get_backbone
from tests.unit.backbones.libraries.same_features import assert_same, picture


def timms_own(name: str, **arguments) -> torch.nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return timm.create_model(name, num_classes=0, **arguments).eval()


def transformed(module: torch.nn.Module, size: int | None = None) -> torch.Tensor:
    args = {} if size is None else {"input_size": (3, size, size)}
    return create_transform(**resolve_model_data_config(module, args))(picture())[None]


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("resnet18", 96),
        ("test_efficientnet", None),
        ("vit_tiny_patch16_224", None),
        ("vit_small_patch14_dinov2.lvd142m", 224),
    ],
)
def test_features_are_those_of_timm(name, size, tmp_path):
    fixed = {"img_size": size} if size and "vit" in name else {}
    own = timms_own(name, **fixed)
    with torch.inference_mode():
        expected = own(transformed(own, size))
    backbone = get_backbone(f"timm:{name}", "random", image_size=size, resize="model")
    assert backbone.spec.interpolation in ("bicubic", "bilinear")
    assert_same(backbone, expected, tmp_path / "x", picture())


@pytest.mark.parametrize("pooling", ["cls", "mean", "gem"])
def test_tokens_are_pooled(pooling, tmp_path):
    own = timms_own("test_vit")
    with torch.inference_mode():
        tokens = own.forward_features(transformed(own))
        patches = tokens[:, own.num_prefix_tokens :]
        expected = {
            "cls": global_pool_nlc(tokens, "token"),
            "mean": global_pool_nlc(tokens, "avg", own.num_prefix_tokens),
            "gem": patches.clamp(min=1e-6).pow(3).mean(1).pow(1 / 3),
        }[pooling]
    backbone = get_backbone("timm:test_vit", "random", pooling=pooling, resize="model")
    if pooling == "gem":
        assert_same(backbone, expected, tmp_path / "x", picture())
    with torch.inference_mode():
        torch.testing.assert_close(backbone.build()(transformed(own)), expected)


@pytest.mark.parametrize(("name", "last"), [("test_efficientnet", False), ("swin_tiny_patch4_window7_224", True)])
def test_maps_are_pooled(name, last):
    own = timms_own(name)
    x = transformed(own)
    with torch.inference_mode():
        channels = own.forward_features(x).permute(0, 3, 1, 2) if last else own.forward_features(x)
        mean = get_backbone(f"timm:{name}", "random", pooling="mean").build()(x)
        gem = get_backbone(f"timm:{name}", "random", pooling="gem").build()(x)
    torch.testing.assert_close(mean, channels.mean((2, 3)))
    torch.testing.assert_close(gem, channels.clamp(min=1e-6).pow(3).mean((2, 3)).pow(1 / 3))
    with pytest.raises(imgsim.BackboneError, match="has no class token: use pooling='model'"):
        get_backbone(f"timm:{name}", "random", pooling="cls").build()


def test_fingerprints_follow_weights_and_every_option(tmp_path):
    torch.save(timm.create_model("test_resnet").state_dict(), tmp_path / "a.pth")
    torch.save(timm.create_model("test_resnet").state_dict(), tmp_path / "b.pth")
    options = [
        {"weights": "random"},
        {"weights": tmp_path / "a.pth"},
        {"weights": tmp_path / "b.pth"},
        {"weights": "random", "image_size": 96},
        {"weights": "random", "pooling": "gem"},
        {"weights": "random", "resize": "model"},
    ]
    prints = [get_backbone("timm:test_resnet", **given).spec.fingerprint for given in options]
    assert len(set(prints)) == len(prints)
    (tmp_path / "c.pth").write_bytes((tmp_path / "a.pth").read_bytes())
    assert get_backbone("timm:test_resnet", tmp_path / "c.pth").spec.fingerprint == prints[1]
    assert get_backbone("timm:test_resnet.r160_in1k", "random").spec.fingerprint == prints[0]


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_weights_by_path_with_or_without_a_classifier(suffix, tmp_path):
    from safetensors.torch import save_file

    save = save_file if suffix == ".safetensors" else torch.save
    torch.manual_seed(5)
    own = timm.create_model("test_vit").eval()
    path = tmp_path / f"w{suffix}"
    save(own.state_dict(), path)
    x = torch.rand(1, 3, 160, 160)
    with torch.inference_mode():
        found = get_backbone("timm:test_vit", path).build()(x)
        own.reset_classifier(0)
        torch.testing.assert_close(found, own(x))
        save(own.state_dict(), path)
        torch.testing.assert_close(get_backbone("timm:test_vit", path).build()(x), found)


def test_position_embeddings_are_interpolated_to_another_size(tmp_path):
    own = timm.create_model("test_vit", num_classes=0)
    torch.save(own.state_dict(), tmp_path / "w.pth")
    network = get_backbone("timm:test_vit", tmp_path / "w.pth", image_size=192).build()
    larger = timm.create_model("test_vit", num_classes=0, img_size=192).eval()
    larger.load_state_dict(timm.models.vision_transformer.checkpoint_filter_fn(own.state_dict(), larger))
    x = torch.rand(1, 3, 192, 192)
    with torch.inference_mode():
        torch.testing.assert_close(network(x), larger(x))


def test_weights_that_do_not_fit_are_refused(tmp_path):
    for name in ("resnet34", "test_vit"):
        torch.save(timm.create_model(name).state_dict(), tmp_path / f"{name}.pth")
    with pytest.raises(imgsim.BackboneError, match=r"resnet34\.pth is not a state dict of timm:resnet18: Unexpected"):
        get_backbone("timm:resnet18", tmp_path / "resnet34.pth").build()
    with pytest.raises(imgsim.BackboneError, match=r"test_vit\.pth is not a state dict of timm:resnet18: Missing keys"):
        get_backbone("timm:resnet18", tmp_path / "test_vit.pth").build()
    with pytest.raises(imgsim.BackboneError, match=r"none\.pth: No such file"):
        get_backbone("timm:resnet18", tmp_path / "none.pth")


def test_unknown_names_and_tags_suggest_near_ones():
    with pytest.raises(imgsim.BackboneError, match=r"timm has no network 'resnet8x'\. Near: resnet"):
        get_backbone("timm:resnet8x")
    with pytest.raises(imgsim.BackboneError, match=r"no network 'resnet18\.nosuch'"):
        get_backbone("timm:resnet18.nosuch")
    with pytest.raises(imgsim.BackboneError, match=r"timm has it: timm:vit_tiny_patch16_224\."):
        get_backbone("vit_tiny_patch16_224")


def test_sizes_and_crops_that_do_not_fit_are_refused():
    with pytest.raises(imgsim.BackboneError, match=r"cannot take pictures of 100 x 100 pixels: .* Another image_size"):
        get_backbone("timm:test_vit", "random", image_size=100).build()
    with pytest.raises(imgsim.ArgumentError, match=r"squash.*use resize='stretch'"):
        get_backbone("timm:vit_medium_patch16_gap_384.sw_in12k_ft_in1k", "random", resize="model")


@pytest.mark.parametrize(
    ("name", "licence"),
    [
        ("fastvit_mci0.apple_mclip", "apple-amlr"),
        ("vit_small_patch16_dinov3.lvd1689m", "dinov3-license"),
        ("convnextv2_atto.fcmae", "cc-by-nc-4.0"),
    ],
)
def test_a_licence_that_is_not_free_for_all_use_is_told_once(name, licence):
    with pytest.warns(UserWarning, match=f"timm:{name} have the licence '{licence}'.*commercial use") as told:
        spec = get_backbone(f"timm:{name}", "random").spec
    assert (len(told), spec.licence) == (1, licence)


def test_a_free_licence_is_not_told():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert get_backbone("timm:swin_tiny_patch4_window7_224", "random").spec.licence == "mit"


def test_weights_come_from_the_cache_without_a_network(tmp_path):
    """The folder is laid out as the hub's client lays it out."""
    import hashlib

    from safetensors.torch import save_file

    own = timm.create_model("test_resnet").eval()
    save_file(own.state_dict(), tmp_path / "w.safetensors")
    data = (tmp_path / "w.safetensors").read_bytes()
    repository, commit = tmp_path / "cache" / "models--timm--test_resnet.r160_in1k", "c" * 40
    blob = repository / "blobs" / hashlib.sha256(data).hexdigest()
    for folder in (blob.parent, repository / "refs", repository / "snapshots" / commit):
        folder.mkdir(parents=True)
    blob.write_bytes(data)
    (repository / "refs" / "main").write_text(commit)
    (repository / "snapshots" / commit / "model.safetensors").symlink_to(blob)
    backbone = get_backbone("timm:test_resnet", cache_dir=tmp_path / "cache")
    assert backbone.spec.weights == "timm/test_resnet.r160_in1k"
    assert backbone.spec.fingerprint == get_backbone("timm:test_resnet", tmp_path / "w.safetensors").spec.fingerprint
    x = torch.rand(1, 3, 160, 160)
    own.reset_classifier(0)
    with torch.inference_mode():
        torch.testing.assert_close(backbone.build()(x), own(x))
    pinned = get_backbone("timm:test_resnet", cache_dir=tmp_path / "cache", revision=commit)
    assert (pinned.spec.revision, pinned.spec.fingerprint) == (commit, backbone.spec.fingerprint)


def test_a_folder_that_timm_wrote(tmp_path):
    torch.manual_seed(3)
    own = timm.create_model("test_vit", num_classes=7, img_size=96, global_pool="avg").eval()
    timm.models.save_for_hf(own, tmp_path / "saved", model_config={"license": "mit"}, model_args={"img_size": 96})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        backbone = get_backbone(f"local-dir:{tmp_path / 'saved'}", image_size=96)
    assert backbone.spec.fingerprint == get_backbone(f"local-dir:{tmp_path / 'saved'}", image_size=96).spec.fingerprint
    x = torch.rand(1, 3, 96, 96)
    own.reset_classifier(0)
    with torch.inference_mode():
        torch.testing.assert_close(backbone.build()(x), own(x))
    moved = (tmp_path / "saved").rename(tmp_path / "moved")
    assert get_backbone(f"local-dir:{moved}", image_size=96).spec.fingerprint == backbone.spec.fingerprint


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ({"architecture": "os.system"}, "names the architecture 'os.system', which timm .* lacks"),
        ({"architecture": "test_vit", "model_args": 3}, "does not describe a network of timm"),
        ({"architecture": "test_vit", "pretrained_cfg": {"mean": "grey"}}, "does not describe a network of timm"),
        ({}, "neither timm's 'architecture' nor"),
        ([1], "no JSON object"),
    ],
)
def test_folders_of_other_kinds_are_refused(config, told, tmp_path: Path):
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(imgsim.BackboneError, match=told):
        get_backbone(f"local-dir:{tmp_path}", "random")


def test_the_architecture_of_a_folder_is_in_the_fingerprint(tmp_path: Path):
    prints = set()
    for number, changed in enumerate([{}, {"global_pool": "avg"}, {"model_args": {"depth": 2}}]):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "config.json").write_text(json.dumps({"architecture": "test_vit", "global_pool": "token"} | changed))
        prints.add(get_backbone(f"local-dir:{folder}", "random").spec.fingerprint)
    assert len(prints) == 3
    with pytest.raises(imgsim.ArgumentError, match=r"has no option revision="):
        get_backbone(f"local-dir:{tmp_path / '0'}", "random", revision="v9")
