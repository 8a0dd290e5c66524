import numpy as np
import pytest

import imgsim
from imgsim.backbones.runtime import OnnxRuntime, resolve_device


def test_devices():
    assert resolve_device("cpu") == "cpu"
    assert resolve_device("auto") in ("cpu", "cuda", "mps")
    with pytest.raises(imgsim.ArgumentError, match="device must be"):
        resolve_device("tpu")


def test_a_device_that_is_not_there_is_refused():
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    with pytest.raises(imgsim.ArgumentError, match="not available"):
        resolve_device("cuda")


def test_a_damaged_network_is_named(tmp_path):
    (tmp_path / "x.onnx").write_bytes(b"junk")
    with pytest.raises(imgsim.ModelFormatError, match=r"x\.onnx"):
        OnnxRuntime(tmp_path / "x.onnx")


def test_results_do_not_depend_on_the_batch(tiny_model, rng):
    pixels = rng.integers(0, 255, (5, 96, 96, 3), np.uint8)
    runtime = tiny_model.references.runtime()
    assert np.array_equal(runtime(pixels)[3], runtime(pixels[3:4])[0])
