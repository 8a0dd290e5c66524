"""Networks with a text tower, and those of transformers: their half for pictures becomes a Core ML package."""

from pathlib import Path

import pytest

import imgsim

pytest.importorskip("coremltools", reason="the extra coreml is not installed")
pytest.importorskip("open_clip")
pytest.importorskip("transformers")

from tests.text_networks import pictures, random_open_clip, random_transformers


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["open_clip", "dinov2"])
def test_a_saved_model_is_exported_with_its_network(kind: str, tmp_path: Path) -> None:
    make = random_open_clip if kind == "open_clip" else random_transformers
    network = make(tmp_path / "n", "clip" if kind == "open_clip" else kind)
    images = imgsim.load_images(pictures(tmp_path / "pictures"))
    imgsim.create(images, backbone=f"local-dir:{network}", k=3, progress=False).save(tmp_path / "m.imgsim")
    model = imgsim.load_model(tmp_path / "m.imgsim")
    assert (model.references.text is not None) == (kind == "open_clip")
    made = model.export_coreml(tmp_path / "M.mlpackage", verify=4)
    assert made.verification.passed
