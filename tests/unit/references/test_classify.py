"""Zero-shot labels: a softmax with the network's scale, or a sigmoid each; and what is refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import imgsim
from tests.text_models import SCALE, colour_backbone, colour_images, colour_model

LABELS = ["red", "green", "blue", "grey"]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, imgsim.SimilarityModel]:
    base = tmp_path_factory.mktemp("classify")
    folder, store = colour_images(base / "images"), imgsim.FeatureStore(base / "store")
    kinds = {"softmax": None, "sigmoid": -12.0}
    return {name: colour_model(folder, store, backbone=colour_backbone(bias)) for name, bias in kinds.items()}


def logits(model: imgsim.SimilarityModel, template: str) -> np.ndarray:
    texts = model.references.text.texts([template.format(label) for label in LABELS]).astype(np.float64)
    return SCALE * model.references.text.rows.astype(np.float64) @ texts.T


def test_scores_are_a_softmax_with_the_networks_scale(models: dict[str, imgsim.SimilarityModel]) -> None:
    model = models["softmax"]
    raised = np.exp(logits(model, "a photo of a {}."))
    expected = raised / raised.sum(1, keepdims=True)
    everything = model.classify(LABELS, output="all")
    assert list(everything.columns) == ["id", "label", "score"]
    np.testing.assert_allclose(everything["score"].to_numpy().reshape(-1, 4), expected, atol=1e-5)
    assert everything["label"].tolist() == LABELS * len(model)
    assert everything["id"].tolist() == np.repeat(model.ids, 4).tolist()
    best = model.classify(LABELS)
    assert best["label"].tolist() == model.images.labels
    np.testing.assert_allclose(best["score"], expected.max(1), atol=1e-5)
    assert best["id"].tolist() == model.ids.tolist()


def test_with_a_bias_each_score_stands_alone(models: dict[str, imgsim.SimilarityModel]) -> None:
    model = models["sigmoid"]
    expected = 1 / (1 + np.exp(-(logits(model, "{}") - 12)))
    found = model.classify(LABELS, "{}", output="all")["score"].to_numpy().reshape(-1, 4)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    alone = model.classify(["red"], "{}")
    np.testing.assert_allclose(alone["score"], expected[:, 0], atol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "error", "reason"),
    [
        ({"labels": []}, imgsim.ArgumentError, "empty"),
        ({"labels": "red"}, imgsim.ArgumentTypeError, "list of texts, not str"),
        ({"labels": ["red"]}, imgsim.ArgumentError, "at least two"),
        ({"labels": ["red", "red"]}, imgsim.ArgumentError, "'red' more than once"),
        ({"labels": ["red", 5]}, imgsim.ArgumentTypeError, "not int"),
        ({"labels": ["red", ""]}, imgsim.ArgumentError, "a label is empty"),
        ({"labels": LABELS, "template": "a photo"}, imgsim.ArgumentError, "where the label stands"),
        ({"labels": LABELS, "template": 5}, imgsim.ArgumentTypeError, "template must be a text"),
        ({"labels": LABELS, "output": "top"}, imgsim.ArgumentError, "best, all"),
    ],
)
def test_what_is_refused(models: Any, arguments: dict[str, Any], error: type, reason: str, tmp_path: Path) -> None:
    with pytest.raises(error, match=reason):
        models["softmax"].classify(**arguments)
