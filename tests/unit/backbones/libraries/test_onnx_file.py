"""Networks of ONNX files: the features that ONNX Runtime gives for normalised pictures."""

import copy
import json

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto, helper
from torchvision.transforms import v2

import imgsim
from imgsim.backbones.get import get_backbone
from imgsim.backbones.identity import backbone_identity
from imgsim.backbones.onnx_export import ONNX_FILE, export_onnx
from imgsim.backbones.preprocessing import input_pixels
from imgsim.backbones.runtime import OnnxRuntime, make_runtime
from imgsim.coreml.export.source import source_network
from imgsim.errors import CoreMLError
from tests.unit.backbones.libraries.same_features import cosine, picture

SIDE = 32


@pytest.fixture
def file(tmp_path):
    """``file(rank, last, opset)``: a convolution, as a map, tokens or a pooled feature."""

    def make(rank=2, last=False, opset=17, size=SIDE, domain="", extra=()):
        weight = np.random.default_rng(0).standard_normal((8, 3, 4, 4)).astype(np.float32)
        shape = [1, size, size, 3] if last else [1, 3, size, size]
        nodes = [helper.make_node("Transpose", ["x"], ["nchw"], perm=[0, 3, 1, 2])] if last else []
        nodes.append(helper.make_node("Conv", ["nchw" if last else "x", "w"], ["map"], strides=[4, 4], domain=domain))
        if rank == 2:
            nodes += [helper.make_node("GlobalAveragePool", ["map"], ["p"]), helper.make_node("Flatten", ["p"], ["y"])]
        elif rank == 3:
            nodes += [
                helper.make_node("Reshape", ["map", "s"], ["t"]),
                helper.make_node("Transpose", ["t"], ["y"], perm=[0, 2, 1]),
            ]
        else:
            nodes.append(helper.make_node("Relu", ["map"], ["y"]))
        constants = [onnx.numpy_helper.from_array(weight, "w"), onnx.numpy_helper.from_array(np.array([1, 8, -1]), "s")]
        inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)]
        inputs += [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in extra]
        outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)]
        graph = helper.make_graph(nodes, "g", inputs, outputs, constants)
        opsets = [helper.make_opsetid("", opset), *([helper.make_opsetid(domain, 1)] if domain else [])]
        onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=10), tmp_path / "net.onnx")
        return tmp_path / "net.onnx"

    return make


def expected(path, pixels, mean, std, last):
    x = (pixels[None] / 255 - np.array(mean)) / np.array(std)
    x = x.astype(np.float32) if last else x.transpose(0, 3, 1, 2).astype(np.float32)
    (y,) = onnxruntime.InferenceSession(path).run(None, {"x": x})
    return y if y.ndim == 2 else y.mean(1) if y.ndim == 3 else y.mean((2, 3))


@pytest.mark.parametrize(("rank", "last", "opset"), [(2, False, 17), (2, True, 17), (3, False, 20), (4, False, 13)])
def test_features_are_those_of_the_file(rank, last, opset, file, tmp_path):
    path = file(rank, last, opset)
    backbone = get_backbone(f"onnx:{path}")
    spec = export_onnx(backbone, tmp_path / "x")
    pixels = input_pixels(picture(), backbone.spec)
    found = OnnxRuntime(tmp_path / "x" / ONNX_FILE)(pixels[None])
    assert (spec.dim, spec.height, found.shape) == (8, SIDE, (1, 8))
    assert cosine(found, expected(path, pixels, spec.mean, spec.std, last)) > 0.99999


def test_preprocessing_is_read_from_the_config_beside_it(file):
    path = file(size=0)
    with pytest.raises(imgsim.ArgumentError, match="does not state the size of its pictures: give image_size="):
        get_backbone(f"onnx:{path}")
    assert get_backbone(f"onnx:{path}", image_size=64).spec.height == 64
    config = {"image_mean": [0.5] * 3, "image_std": [0.25] * 3, "resample": 2, "size": {"shortest_edge": 40}}
    config |= {"do_center_crop": True, "crop_size": {"height": 32, "width": 32}}
    (path.parent / "preprocessor_config.json").write_text(json.dumps(config))
    spec = get_backbone(f"onnx:{path}", resize="model").spec
    assert (spec.height, spec.crop_from, spec.interpolation) == (32, 40, "bilinear")
    assert (spec.mean, spec.std) == ((0.5,) * 3, (0.25,) * 3)
    assert spec.crop_floor
    theirs = v2.Compose([v2.Resize(40, antialias=True), v2.CenterCrop(32)])(picture())
    assert np.array_equal(input_pixels(picture(), spec), np.asarray(theirs))
    assert get_backbone(f"onnx:{path}").spec.fingerprint != spec.fingerprint


def test_identity_follows_the_content(file):
    path = file(2)
    first = backbone_identity(f"onnx:{path}")
    assert first == backbone_identity(f"onnx:{file(2)}")
    assert first != backbone_identity(f"onnx:{file(4)}")


def test_a_model_of_an_onnx_file(file, tiny_images, tiny_model, tmp_path):
    name = f"onnx:{file(4)}"
    model = imgsim.create(tiny_images, backbone=name, projection=None, progress=False)
    assert model.backbone.name == name
    model.save(tmp_path / "m.imgsim")
    picture_file = sorted((tiny_images / "cube").glob("*.jpg"))[0]
    assert imgsim.load_model(tmp_path / "m.imgsim").query(picture_file, k=1)["distance"][0] == 0
    references = copy.copy(tiny_model.references)
    references.backbone, references.network = get_backbone(name).spec, None
    with pytest.raises(CoreMLError, match=r"Core ML needs a torch network, and onnx:.* is an ONNX file"):
        source_network(references, None, None)


def test_it_runs_on_the_cpu_whatever_the_device(file, tmp_path):
    backbone = get_backbone(f"onnx:{file(2)}")
    export_onnx(backbone, tmp_path / "x")
    assert isinstance(make_runtime(backbone, tmp_path / "x" / ONNX_FILE, "cuda"), OnnxRuntime)
    with pytest.raises(imgsim.BackboneError, match="is an ONNX file and no torch network"), torch.inference_mode():
        backbone.build()


def test_files_that_are_no_picture_networks_are_refused(file, tmp_path):
    with pytest.raises(imgsim.BackboneError, match="does not take one float32 picture"):
        get_backbone(f"onnx:{file(2, extra=['mask'])}")
    with pytest.raises(imgsim.ModelFormatError, match=r"operators that are not ONNX's own: my\.Conv"):
        get_backbone(f"onnx:{file(2, domain='my')}")
    with pytest.raises(imgsim.BackboneError, match=r"cannot read the network .*none\.onnx: there is no such file"):
        get_backbone(f"onnx:{tmp_path / 'none.onnx'}")
    with pytest.raises(imgsim.ArgumentError, match="has no option pooling="):
        get_backbone(f"onnx:{file(2)}", pooling="cls")
    (tmp_path / "preprocessor_config.json").write_text('{"image_mean": "grey"}')
    with pytest.raises(imgsim.BackboneError, match=r"preprocessor_config\.json does not describe the preprocessing"):
        get_backbone(f"onnx:{file(2)}")
    (tmp_path / "preprocessor_config.json").unlink()
    with pytest.raises(imgsim.ArgumentError, match="32 x 32 pixels only"):
        get_backbone(f"onnx:{file(2)}", image_size=64)


CROP = {"size": {"shortest_edge": 40}, "do_center_crop": True, "crop_size": {"height": 32, "width": 32}}


@pytest.fixture
def described(file):
    """``described(config, size, **options)``: the spec of a network of that size with the config beside it."""

    def make(config, size=0, **options):
        path = file(size=size)
        (path.parent / "preprocessor_config.json").write_text(json.dumps(config))
        return get_backbone(f"onnx:{path}", **options).spec

    return make


@pytest.mark.parametrize(
    ("config", "size", "crop_from"),
    [
        (CROP, (32, 32), 40),
        (CROP | {"size": {"height": 40, "width": 48}}, (32, 32), 40),
        (CROP | {"crop_size": {"height": 24, "width": 36}}, (24, 36), 40),
        ({"size": 40, "crop_size": 32}, (32, 32), 40),
        ({"size": 40}, (40, 40), 0),
        ({"size": {"height": 24, "width": 36}}, (24, 36), 0),
        ({"size": {"shortest_edge": 36}}, (36, 36), 36),
        ({"size": {"shortest_edge": 56}, "crop_pct": 0.875}, (56, 56), 64),
        ({"size": 384, "crop_pct": 0.875}, (384, 384), 0),
    ],
)
def test_size_and_crop_are_those_of_the_config(config, size, crop_from, described):
    spec = described(config, resize="model")
    assert ((spec.height, spec.width), spec.crop_from, spec.crop_floor) == (size, crop_from, bool(crop_from))
    stretched = described(config)
    assert ((stretched.height, stretched.width), stretched.crop_from, stretched.crop_floor) == (size, 0, False)


def test_the_share_that_is_cut_off_stays(described):
    assert described(CROP, resize="model", image_size=64).crop_from == 80
    spec = described(CROP, size=64, resize="model")
    assert (spec.height, spec.width, spec.crop_from) == (64, 64, 80)
    oblong = CROP | {"crop_size": {"height": 24, "width": 36}}
    with pytest.raises(
        imgsim.BackboneError, match=r"onnx:.*net\.onnx resizes the shorter side .* use resize='stretch'"
    ):
        described(oblong | {"size": {"shortest_edge": 30}}, resize="model")


@pytest.mark.parametrize(
    ("config", "mean", "std"),
    [
        ({"do_rescale": False, "image_mean": [127.5] * 3, "image_std": 51}, 0.5, 0.2),
        ({"rescale_factor": 1 / 127.5, "image_mean": [1, 1, 1], "image_std": [1, 1, 1]}, 0.5, 0.5),
        ({"do_rescale": False, "do_normalize": False}, 0, 1 / 255),
        ({"do_normalize": False}, 0, 1),
    ],
)
def test_normalisation_covers_the_scale_of_pixels(config, mean, std, described):
    spec = described(config, size=SIDE)
    np.testing.assert_allclose([spec.mean, spec.std], [[mean] * 3, [std] * 3])


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"size": {"height": "32", "width": 32}}, "height of size is '32'"),
        ({"size": {"height": 32.5, "width": 32}}, r"height of size is 32\.5"),
        ({"size": {"shortest_edge": -3}}, "shortest_edge of size is -3"),
        ({"size": -3}, "height of size is -3"),
        ({"size": {"shortest_edge": 10**400}}, "shortest_edge of size is 10"),
        ({"size": "32"}, "size is '32', and no object"),
        (CROP | {"crop_size": {"height": 32}}, "crop_size is .*, and not height and width"),
        (CROP | {"crop_size": {"height": 32, "width": True}}, "width of crop_size is True"),
        ({"size": 40, "crop_pct": "half"}, "crop_pct is 'half'"),
        ({"size": 40, "crop_pct": 0}, "crop_pct is 0"),
        ({"resample": 9}, r"resample is 9, and none of 0 \(nearest\), 1 \(lanczos\)"),
        ({"resample": "bicubic"}, "resample is 'bicubic'"),
        ({"rescale_factor": 0}, "rescale_factor is 0"),
        ({"image_std": [0.2, 0, 0.2]}, r"image_std is \[0\.2, 0, 0\.2\], and not above 0"),
        ({"image_std": [0.2, float("nan"), 0.2]}, "image_std is .*not three finite numbers"),
        ({"image_mean": float("inf")}, "image_mean is inf, and not three finite numbers"),
        ({"image_mean": [0.5, 0.5]}, "image_mean is .*not three finite numbers"),
    ],
)
def test_configs_that_describe_nothing_are_named(config, message, described):
    with pytest.raises(imgsim.BackboneError, match=rf"preprocessor_config\.json does not .* preprocessing: {message}"):
        described(config, size=SIDE)
