import errno

import numpy as np
import onnx
import pytest
import torch
from torch import nn

import imgsim
from imgsim.backbones.get import get_backbone
from imgsim.backbones.onnx_export import ONNX_FILE, export_onnx
from imgsim.backbones.own_module import from_module
from imgsim.backbones.runtime import OnnxRuntime, TorchRuntime
from imgsim.features.compute import image_pixels
from imgsim.features.extract import export_once


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


def test_a_damaged_export_is_kept_under_another_name_and_made_anew(tmp_path):
    backbone = from_module(Dense(), input_size=16)
    export_onnx(backbone, tmp_path / "b")
    data = bytearray((tmp_path / "b" / ONNX_FILE).read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / "b" / ONNX_FILE).write_bytes(data)
    with pytest.warns(UserWarning, match=r"b is damaged\. It is kept as .*b\.damaged and made anew"):
        assert export_onnx(backbone, tmp_path / "b").dim == 4
    assert (tmp_path / "b.damaged" / ONNX_FILE).read_bytes() == bytes(data)
    OnnxRuntime(tmp_path / "b" / ONNX_FILE)


class Dense(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(3, 4, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer(x).mean((2, 3))


def test_a_full_disk_is_told_as_such_and_is_no_fault_of_the_network(tmp_path, monkeypatch):
    def full(*_, **__):
        try:
            raise OSError(errno.ENOSPC, "No space left on device", "somewhere")
        except OSError as error:
            raise RuntimeError("the exporter failed") from error

    monkeypatch.setattr(torch.onnx, "export", full)
    backbone, store = from_module(Dense(), input_size=16), imgsim.FeatureStore(tmp_path)
    with pytest.raises(
        imgsim.StoreError, match=r"cannot write the exported network to .*: no space left on device\. F"
    ):
        export_once(backbone, store)


def test_why_a_network_cannot_be_exported_is_one_sentence(tmp_path):
    backbone = from_module(DataDependent(), input_size=16)
    with pytest.warns(
        UserWarning, match=r"^DataDependent cannot be exported to ONNX: .*[^.]\. It runs in torch"
    ) as told:
        assert export_once(backbone, imgsim.FeatureStore(tmp_path)) is None
    assert "\n" not in str(told[0].message)
