"""Comparison of imgsim's feature of a picture with that of another library's own code."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from imgsim.backbones.onnx_export import ONNX_FILE, export_onnx
from imgsim.backbones.preprocessing import input_pixels, pixel_module
from imgsim.backbones.runtime import OnnxRuntime
from imgsim.backbones.spec import Backbone

COSINE = 0.99999


def picture(width: int = 300, height: int = 220) -> Image.Image:
    """A colourful picture with structure at several scales, not square."""
    y, x = np.mgrid[0:height, 0:width]
    waves = [np.sin(x / 7) + np.cos(y / 11), np.sin((x + y) / 23), np.cos(x / 41) * np.sin(y / 5)]
    return Image.fromarray((127 + 60 * np.stack(waves, 2)).clip(0, 255).astype(np.uint8))


def cosine(one: Any, other: Any) -> float:
    one, other = np.ravel(np.asarray(one, np.float64)), np.ravel(np.asarray(other, np.float64))
    return float(one @ other / np.linalg.norm(one) / np.linalg.norm(other))


def feature(backbone: Backbone, image: Any) -> np.ndarray:
    pixels = input_pixels(image, backbone.spec)
    with torch.inference_mode():
        return pixel_module(backbone)(torch.from_numpy(pixels[None])).numpy()[0]


def features(backbone: Backbone, folder: Path, image: Image.Image) -> tuple[np.ndarray, np.ndarray]:
    """The features of a picture by torch and by the exported ONNX file."""
    pixels = input_pixels(image, backbone.spec)[None]
    export_onnx(backbone, folder)
    with torch.inference_mode():
        direct = pixel_module(backbone)(torch.from_numpy(pixels)).numpy()
    return direct, OnnxRuntime(folder / ONNX_FILE)(pixels)


def assert_same(backbone: Backbone, expected: torch.Tensor, folder: Path, image: Image.Image) -> None:
    for found in features(backbone, folder, image):
        assert found.shape == tuple(expected.shape)
        assert cosine(found, expected.numpy()) >= COSINE
        np.testing.assert_allclose(found, expected.numpy(), rtol=1e-2, atol=1e-3 * float(expected.abs().max()))
