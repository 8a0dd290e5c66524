"""Networks of torchvision, whole: exported with their projection and distances, run, compared with torch."""

import pytest

from imgsim.coreml.package import read_package
from imgsim.coreml.program import read_program

pytest.importorskip("coremltools", reason="the extra coreml is not installed")

SIZES = {
    "mobilenet_v2": 96,
    "mobilenet_v3_large": 96,
    "resnet50": 64,
    "squeezenet1_1": 96,
    "efficientnet_b0": 64,
    "convnext_tiny": 64,
    "vit_b_16": 224,
}


@pytest.mark.slow
@pytest.mark.parametrize("name", SIZES)
def test_networks_are_exported_and_agree(name, lively, model_of, tmp_path):
    size = SIZES[name]
    network = lively(name, size)
    if name == "vit_b_16":
        network.encoder.layers = network.encoder.layers[:3]
    model = model_of(network, size, n=12)
    exact = model.export_coreml(tmp_path / "Exact.mlpackage", precision="float32", verify=2)
    assert exact.verification.metrics["relative_error_max"] < 1e-3
    operations = [o.kind for o in read_program(read_package(exact.path)).operations]
    first = operations[: operations.index("conv")]
    assert (first.count("mul"), first.count("add")) == (1, 1), "the standard deviation is in the first convolution"
