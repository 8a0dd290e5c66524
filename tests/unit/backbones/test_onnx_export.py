import numpy as np
import onnx
import pytest
import torch
from torch import nn

import imgsim
from imgsim.backbones.get import get_backbone
from imgsim.backbones.onnx_export import ONNX_FILE, export_onnx
from imgsim.backbones.runtime import OnnxRuntime, TorchRuntime
from imgsim.backbones.spec import from_module
from imgsim.features.extract import image_pixels


@pytest.mark.parametrize("name", ["mini", pytest.param("mobilenet_v3_small", marks=pytest.mark.slow)])
def test_onnx_and_torch_agree_on_pictures(name, tmp_path, tiny_images):
    backbone = get_backbone(name, None if name == "mini" else "random")
    spec = export_onnx(backbone, tmp_path / "b")
    pixels = np.stack([image_pixels(path.read_bytes(), spec)[1] for path in sorted(tiny_images.rglob("*.jpg"))[:6]])
    by_onnx, by_torch = OnnxRuntime(tmp_path / "b" / ONNX_FILE)(pixels), TorchRuntime(backbone, "cpu")(pixels)
    assert by_onnx.shape == (6, spec.dim)
    cosine = (by_onnx * by_torch).sum(1) / np.linalg.norm(by_onnx, axis=1) / np.linalg.norm(by_torch, axis=1)
    assert cosine.min() >= 0.99999


def test_export_is_reused_and_names_no_path(tmp_path):
    backbone = get_backbone("mini")
    export_onnx(backbone, tmp_path / "b")
    before = (tmp_path / "b" / ONNX_FILE).stat().st_mtime_ns
    assert export_onnx(backbone, tmp_path / "b").dim == 2304
    assert (tmp_path / "b" / ONNX_FILE).stat().st_mtime_ns == before
    data = (tmp_path / "b" / ONNX_FILE).read_bytes()
    assert b".py" not in data
    assert str(tmp_path).encode() not in data
    onnx.checker.check_model(str(tmp_path / "b" / ONNX_FILE))


class DataDependent(nn.Module):
    """A network no exporter can trace."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        rows = [row.mean((1, 2)) for row in x if row.sum().item() > -1e9]
        return torch.stack(rows)


def test_what_cannot_be_exported_runs_in_torch(tiny_images, tmp_path):
    backbone = from_module(DataDependent(), input_size=16)
    with pytest.warns(UserWarning, match="runs in torch instead"):
        features = imgsim.extract_features(imgsim.load_images(tiny_images)[:4], backbone, imgsim.FeatureStore(tmp_path))
    assert features.matrix.shape == (4, 3)


class Dead(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.mean((2, 3)) * float("nan")


def test_a_network_of_nan_is_refused(tmp_path):
    with pytest.raises(imgsim.BackboneError, match="not finite"):
        export_onnx(from_module(Dead(), input_size=16), tmp_path / "b")
