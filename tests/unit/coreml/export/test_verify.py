"""An export that is wrong in one place must fail: each of these was once a real bug of somebody's exporter."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

import imgsim
from imgsim import coreml
from imgsim.coreml.export import build, convert, network
from imgsim.deployment.verification import FAILED, NOT_VERIFIED, VerificationReport
from imgsim.errors import ArgumentError, ArgumentTypeError, CoreMLError, ImageError

pytest.importorskip("coremltools", reason="the extra coreml is not installed")

Breakage = Callable[[pytest.MonkeyPatch], None]


def swapped_channels(patch: pytest.MonkeyPatch) -> None:
    made = convert.image_input

    def swapped(shape: tuple[int, int], bias: list[float]) -> object:
        given = made(shape, bias)
        given.color_layout = convert.import_coremltools().colorlayout.BGR
        return given

    patch.setattr(build, "image_input", swapped)


def wrong_scale(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(convert, "SCALE", 1 / 127.5)


def missing_bias(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(build, "image_bias", lambda spec: [0.0, 0.0, 0.0])


def permuted_row(patch: pytest.MonkeyPatch) -> None:
    made = build.similarity_head

    def permuted(projection: object, rows: np.ndarray, *rest: object) -> torch.nn.Module:
        order = np.arange(len(rows))
        order[[17, 28]] = 28, 17
        return made(projection, rows[order], *rest)

    patch.setattr(build, "similarity_head", permuted)


def zeroed_weight(patch: pytest.MonkeyPatch) -> None:
    made = build.image_network

    def zeroed(*arguments: object) -> torch.nn.Module:
        module = made(*arguments)
        with torch.no_grad():
            module.backbone.convolutions[4].weight[5] = 0
        return module

    patch.setattr(build, "image_network", zeroed)


def unscaled_deviation(patch: pytest.MonkeyPatch) -> None:
    """The standard deviation forgotten: neither folded into the first convolution nor in the graph."""
    patch.setattr(network, "_gain", lambda spec: torch.ones(1, 3, 1, 1))


def no_square_root(patch: pytest.MonkeyPatch) -> None:
    made = build.similarity_head

    def plain(projection: object, *rest: object) -> torch.nn.Module:
        head = made(projection, *rest)
        head[0].forward = lambda x: network._unit(
            torch.nn.functional.linear(network._unit(x, 1e-12) - head[0].mean, head[0].components), 1e-12
        )
        return head

    patch.setattr(build, "similarity_head", plain)


BREAKAGES = [
    swapped_channels,
    wrong_scale,
    missing_bias,
    permuted_row,
    zeroed_weight,
    unscaled_deviation,
    no_square_root,
]


@pytest.mark.parametrize(
    ("breakage", "outputs"),
    [*((breakage, "distance") for breakage in BREAKAGES), (permuted_row, "topk"), (swapped_channels, "features")],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_what_is_wrong_is_never_published(breakage, outputs, tiny_model, tmp_path, monkeypatch):
    breakage(monkeypatch)
    with pytest.raises(CoreMLError, match=r"disagrees with Python: .* \(limit"):
        tiny_model.export_coreml(tmp_path / "Bad.mlpackage", outputs=outputs, k=3)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def package(tiny_model, tmp_path_factory) -> Path:
    """A good package, in float32."""
    path = tmp_path_factory.mktemp("app") / "Good.mlpackage"
    return tiny_model.export_coreml(path, precision="float32", verify=1).path


def test_pictures_of_your_own_are_compared_too(package, tiny_model, tiny_images, rng):
    picture = sorted(tiny_images.rglob("*.*"))[3]
    noise = rng.integers(0, 256, (50, 70, 3), np.uint8)
    report = coreml.verify(package, tiny_model.references, [picture, str(picture), picture.read_bytes(), noise])
    assert report.passed
    assert (report.images, report.k, report.sources) == (4, 10, {"given": 4})
    assert report.metrics["relative_error_max"] < 1e-4
    assert report.metrics["self_distance"] < 0.01
    assert report.metrics["top1"] == report.metrics["topk"] == 1
    assert VerificationReport.from_dict(json.loads(json.dumps(report.to_dict()))) == report
    with pytest.raises(ArgumentError, match="no images to verify with"):
        coreml.verify(package, tiny_model.references, [])
    with pytest.raises(ArgumentError, match="images must be at least 1"):
        coreml.verify(package, tiny_model.references, 0)
    with pytest.raises(ArgumentTypeError, match="must be paths, bytes or uint8 arrays"):
        coreml.verify(package, tiny_model.references, [noise.astype(float)])
    with pytest.raises(ImageError, match=r"missing\.png"):
        coreml.verify(package, tiny_model.references, ["missing.png"])


def test_the_worst_a_device_may_round_is_an_option(tiny_model, tmp_path):
    path = tiny_model.export_coreml(tmp_path / "x.mlpackage", verify=0).path
    usual, worst = (coreml.verify(path, tiny_model.references, 1, accumulate=kind) for kind in ("float32", "float16"))
    assert usual.passed
    assert worst.metrics["relative_error_max"] > 2 * usual.metrics["relative_error_max"]
    assert worst.metrics["relative_error_max"] < 0.1


def test_another_model_of_the_same_size_is_not_the_same(package, tiny_model):
    other = imgsim.load_images([tiny_model.images.locations[i] for i in reversed(range(40))])
    mirrored = imgsim.create(other, backbone="mini", progress=False)
    assert coreml.verify(package, mirrored.references).status == FAILED


def test_an_unknown_operation_is_not_verified_and_not_published(tiny_model, tmp_path, monkeypatch):
    from imgsim.coreml.runtime.operations import registry

    monkeypatch.delitem(registry._FUNCTIONS, "relu")
    with pytest.raises(CoreMLError, match=r"cannot be verified here: imgsim cannot run it \(relu\).* verify=0"):
        tiny_model.export_coreml(tmp_path / "x.mlpackage")
    path = tiny_model.export_coreml(tmp_path / "x.mlpackage", verify=0).path
    report = coreml.verify(path, tiny_model.references)
    assert report.status == NOT_VERIFIED
    assert not report.passed


def test_a_foreign_package_is_named(convert, tiny_model, picture):
    path = convert(torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.Flatten()), 96)
    with pytest.raises(CoreMLError, match="is no export of imgsim"):
        coreml.verify(path, tiny_model.references)
