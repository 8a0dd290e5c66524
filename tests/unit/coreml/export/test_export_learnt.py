"""A model that was learnt from labels and pairs, as a Core ML package."""

import pytest

pytest.importorskip("coremltools", reason="the extra coreml is not installed")


def test_a_learnt_model_is_exported_and_verified(tiny_model, tiny_store, tmp_path):
    model = tiny_model.learn(pairs=[(0, 1, True), (10, 11, True), (0, 10, False)], store=tiny_store)
    assert model.references.learning.choice != "label-free"
    assert model.digest != tiny_model.digest
    report = model.export_coreml(tmp_path / "Learnt.mlpackage", ids="path")
    assert report.verification.status == "passed"
    assert report.dim == model.embeddings.shape[1]
