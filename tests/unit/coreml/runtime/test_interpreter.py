import dataclasses

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from imgsim.backbones.get import get_backbone
from imgsim.backbones.mini.network import DIM
from imgsim.coreml import Interpreter
from imgsim.coreml.runtime import interpreter as module_under_test
from imgsim.errors import ArgumentError, CoreMLError, UnsupportedOperationError

NETWORKS = (
    "mini",
    "mobilenet_v2",
    "mobilenet_v3_large",
    "resnet50",
    "squeezenet1_1",
    "efficientnet_b0",
    "convnext_tiny",
    "vit_b_16",
)
WHOLE = "mobilenet_v2"
SCALE, BIAS = 1 / 127.5, (-1.1, -0.9, -1.0)


def tensor_of(pixels, scale=SCALE, bias=BIAS):
    """What the network of `convert` is given."""
    return torch.from_numpy(pixels.transpose(2, 0, 1)[None].copy()).float() * scale + torch.tensor(bias)[:, None, None]


@pytest.fixture
def convertible(monkeypatch, coremltools):
    """coremltools 9 cannot trace a vision transformer with torch's fused attention, nor with NumPy 2.4."""
    from coremltools.converters.mil.frontend.torch import ops

    original = ops._cast

    def cast(context, node, dtype, name):
        class Scalar(dtype):
            def __new__(cls, value):
                return dtype(np.asarray(value).item())

        return original(context, node, Scalar, name)

    monkeypatch.setattr(ops, "_cast", cast)
    enabled = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    yield
    torch.backends.mha.set_fastpath_enabled(enabled)


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
def test_networks_answer_as_in_torch(name, lively, convert, convertible, picture):
    size = {"mini": 96, "vit_b_16": 224}.get(name, 64)
    network = lively(name, size, whole=name == WHOLE)
    pictures = [picture(size) for _ in range(2)]
    with torch.inference_mode():
        expected = np.concatenate([network(tensor_of(pixels)).numpy() for pixels in pictures])
    spread = np.linalg.norm(expected[0] - expected[1])
    assert spread > 0.02 * np.linalg.norm(expected[0])
    for precision, target, least, most in (("FLOAT32", "iOS15", 0, 1e-4), ("FLOAT16", "iOS18", 1e-5, 0.03)):
        model = Interpreter(convert(network, size, precision=precision, target=target))
        actual = np.concatenate([model.run(pixels)["feature"] for pixels in pictures])
        error = np.linalg.norm(actual - expected) / np.linalg.norm(expected)
        assert least <= error <= most


class Head(nn.Module):
    """Square root, norm, projection, norm, distances: the shape of imgsim's own head."""

    def __init__(self, dim=DIM, dims=8, rows=30, kind="topk"):
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.kind = kind
        self.register_buffer("mean", torch.randn(dim, generator=generator) / dim)
        self.register_buffer("components", torch.randn(dims, dim, generator=generator))
        self.register_buffer("rows", functional.normalize(torch.randn(rows, dims, generator=generator)))
        self.network = get_backbone("mini").build().eval()

    def forward(self, x):
        x = self.network(x)
        x = torch.sign(x) * torch.sqrt(torch.abs(x))
        x = x / torch.linalg.norm(x, dim=1, keepdim=True).clamp(min=1e-12)
        x = functional.normalize(functional.linear(x - self.mean, self.components))
        squared = (x * x).sum(1, keepdim=True) + (self.rows * self.rows).sum(1) - 2 * functional.linear(x, self.rows)
        distance = torch.sqrt(torch.relu(squared)).reshape(-1)
        if self.kind == "topk":
            values, indices = torch.topk(distance, 5, largest=False)
            return distance, values, indices.int()
        return 1 / (1 + distance) if self.kind == "classifier" else distance


@pytest.mark.parametrize(("precision", "target"), [("FLOAT32", "iOS16"), ("FLOAT16", "iOS17")])
def test_distances_and_top_k(precision, target, convert, picture):
    head, pixels = Head(), picture(96)
    path = convert(head, 96, ("distance", "distances", "indices"), precision, target)
    outputs = Interpreter(path).run(pixels)
    with torch.inference_mode():
        distance, values, indices = (tensor.numpy() for tensor in head(tensor_of(pixels)))
    tolerance = 1e-5 if precision == "FLOAT32" else 5e-3
    np.testing.assert_allclose(outputs["distance"], distance, atol=tolerance)
    np.testing.assert_allclose(outputs["distances"], values, atol=tolerance)
    assert outputs["indices"].dtype == np.int32
    assert outputs["indices"][0] == indices[0]
    assert len(set(outputs["indices"]) & set(indices)) >= 4
    narrow = Interpreter(path, accumulate="float16").run(pixels)["distance"]
    assert np.array_equal(narrow, outputs["distance"]) == (precision == "FLOAT32")
    np.testing.assert_allclose(narrow, distance, atol=0.1)


@pytest.mark.parametrize("labels", [[f"picture {i}" for i in range(30)], list(range(100, 130))])
def test_classifiers_give_the_class_and_a_dictionary(labels, convert, picture):
    head, pixels = Head(kind="classifier"), picture(96)
    model = Interpreter(convert(head, 96, labels=labels))
    outputs = model.run(pixels)
    with torch.inference_mode():
        scores = head(tensor_of(pixels)).numpy()
    assert outputs["nearest"] == labels[int(scores.argmax())]
    assert [model.outputs[name].kind for name in outputs] == ["string" if labels[0] != 100 else "int64", "dictionary"]
    (probabilities,) = (value for value in outputs.values() if isinstance(value, dict))
    assert list(probabilities) == labels
    # coremltools writes 1 / x as 1 / (x + 1e-4), and so it is computed
    np.testing.assert_allclose(list(probabilities.values()), 1 / (1 / scores + 1e-4), rtol=2e-6)


class Channels(nn.Module):
    def forward(self, x):
        return x.mean((2, 3))


def test_channels_come_in_the_order_the_model_asks_for(convert):
    pixels = np.zeros((8, 8, 3), np.uint8)
    pixels[:] = 10, 20, 30
    plain = {"scale": 1.0, "bias": (0.0, 0.0, 0.0)}
    assert Interpreter(convert(Channels(), 8, **plain)).run(pixels)["feature"].tolist() == [[10, 20, 30]]
    reverse = Interpreter(convert(Channels(), 8, color="BGR", **plain))
    assert reverse.inputs["image"].color == "BGR"
    assert reverse.run(pixels)["feature"].tolist() == [[30, 20, 10]]
    scaled = Interpreter(convert(Channels(), 8, scale=0.5, bias=(1.0, 2.0, 3.0)))
    assert scaled.run(pixels)["feature"].tolist() == [[6, 12, 18]]


def test_inputs_are_checked(convert, build):
    model = Interpreter(convert(Channels(), 8))
    good = np.zeros((8, 8, 3), np.uint8)
    assert np.array_equal(model.run({"image": good})["feature"], model.run(good)["feature"])
    for bad in (good[:7], good.astype("f"), good[None], good[:, :, 0]):
        with pytest.raises(ArgumentError, match=r"'image' takes uint8 \(8, 8, 3\)"):
            model.run(bad)
    with pytest.raises(ArgumentError, match="takes the inputs"):
        model.run({"picture": good})
    two = Interpreter(build({"out": lambda m, x, y: m.add(x=x, y=y)}, {"x": (2,), "y": (2,)}))
    with pytest.raises(ArgumentError, match="takes the inputs"):
        two.run(np.zeros(2, "f"))
    with pytest.raises(ArgumentError, match="accumulate must be"):
        Interpreter(model.path, accumulate="float64")


def test_grey_pictures_are_refused(convert):
    class Grey(nn.Module):
        def forward(self, x):
            return x.mean((2, 3))

    def change(model):
        model.get_spec().description.input[0].type.imageType.colorSpace = 10
        model._spec.description.input[0].type.imageType.colorSpace = 10
        return model

    with pytest.raises(UnsupportedOperationError, match="'image' has the unknown colour space 10"):
        Interpreter(convert(Grey(), 8, change=change))


@pytest.fixture
def edited(build, monkeypatch):
    """``edited(change)``: a small package whose operations are changed as they are read."""

    def make(edited_kind, **changes):
        path = build({"out": lambda m, x: m.clip(x=x, alpha=0.0, beta=1.0)}, {"x": (2, 3)})
        program = module_under_test.read_program(module_under_test.read_package(path))
        operations = tuple(
            dataclasses.replace(o, **changes) if o.kind == edited_kind else o for o in program.operations
        )
        changed = dataclasses.replace(program, operations=operations)
        monkeypatch.setattr(module_under_test, "read_program", lambda package: changed)
        return path

    return make


def test_an_unknown_operation_is_named(edited):
    with pytest.raises(UnsupportedOperationError, match="the operation wobble is not implemented") as caught:
        Interpreter(edited("clip", kind="wobble"))
    assert caught.value.operation == "wobble"


def test_an_unknown_parameter_is_named(edited, build):
    path = build({"out": lambda m, x: m.clip(x=x, alpha=0.0, beta=1.0)}, {"x": (2, 3)})
    (clip,) = (o for o in Interpreter(path)._steps if o.operation.kind == "clip")
    strange = {**clip.operation.inputs, "gamma": clip.operation.inputs["alpha"]}
    with pytest.raises(UnsupportedOperationError, match=r"clip .* the parameter gamma is not implemented"):
        Interpreter(edited("clip", inputs=strange)).run({"x": np.zeros((2, 3), "f")})
    short = {key: value for key, value in clip.operation.inputs.items() if key != "beta"}
    with pytest.raises(CoreMLError, match="parameter 'beta' is missing"):
        Interpreter(edited("clip", inputs=short)).run({"x": np.zeros((2, 3), "f")})


def test_declared_shapes_and_types_are_checked(edited):
    from imgsim.coreml.runtime.program import ValueType

    with pytest.raises(CoreMLError, match=r"clip .* the shape \(2, 3\), declared is \(3, 2\)"):
        Interpreter(edited("clip", outputs={"out_1": ValueType("fp32", (3, 2))})).run({"x": np.zeros((2, 3), "f")})
    with pytest.raises(CoreMLError, match=r"clip .* declared is int32"):
        Interpreter(edited("clip", outputs={"out_1": ValueType("int32", (2, 3))})).run({"x": np.zeros((2, 3), "f")})


def test_an_unknown_type_is_named(build):
    path = build({"out": lambda m, x: m.relu(x=x)}, {"x": (2, 3)})
    spec = path / "Data/com.apple.CoreML/model.mlmodel"
    content = spec.read_bytes()
    tensor_type = bytes([0x08, 11, 0x10, 2])  # dataType FLOAT32, rank 2
    assert tensor_type in content
    spec.write_bytes(content.replace(tensor_type, bytes([0x08, 13, 0x10, 2])))
    with pytest.raises(UnsupportedOperationError, match="declares the type bf16"):
        Interpreter(path)


def test_a_neural_network_is_not_guessed(coremltools, tmp_path):
    from coremltools.models import MLModel, datatypes
    from coremltools.models.neural_network import NeuralNetworkBuilder

    builder = NeuralNetworkBuilder([("x", datatypes.Array(3))], [("y", datatypes.Array(3))])
    builder.add_activation("relu", "RELU", "x", "y")
    path = tmp_path / "Old.mlmodel"
    MLModel(builder.spec).save(str(path))
    with pytest.raises(
        UnsupportedOperationError, match=r"holds a NeuralNetwork \(\.mlmodel\), which imgsim does not read"
    ):
        Interpreter(path)
