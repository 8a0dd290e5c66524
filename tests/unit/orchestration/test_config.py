"""Configuration of a run that would contradict itself is refused."""

import pytest

from imgsim.errors import ArgumentError
from imgsim.features.choose_precision import CHOICES
from orchestration.config import EmbeddingsConfig, FeaturesConfig, check_one_network


@pytest.mark.parametrize(
    ("features", "coreml"),
    [
        ({}, {}),
        ({}, {"backbone": "", "weights": ""}),
        ({}, {"backbone": "efficientnet_lite0"}),
        ({"backbone": "resnet18", "weights": "w.pth"}, {"backbone": "resnet18", "weights": "w.pth"}),
        ({"backbone": {"env": "BACKBONE"}}, {"backbone": {"env": "BACKBONE"}}),
    ],
)
def test_one_network_is_accepted(features, coreml):
    check_one_network({})
    check_one_network({"ops": {"features": {"config": features}, "coreml_package": {"config": coreml}}})


@pytest.mark.parametrize(
    ("name", "features", "used"),
    [("backbone", {}, "'efficientnet_lite0'"), ("weights", {"backbone": "resnet18"}, "'none'")],
)
def test_two_networks_are_refused(name, features, used):
    ops = {"features": {"config": features}, "coreml_package": {"config": {name: "mobilenet_v2"}}}
    with pytest.raises(ArgumentError, match=rf"with {used}: give ops\.features\.config\.{name}"):
        check_one_network({"ops": ops})


def test_vectors_depend_on_how_they_are_refined_only_if_they_are():
    plain, refined = EmbeddingsConfig(), EmbeddingsConfig(refine=True)
    assert plain.key() == EmbeddingsConfig(refine_method="exact").key() == [plain.projection]
    assert len({str(config.key()) for config in (plain, refined, EmbeddingsConfig(refine=True, projection=64))}) == 3
    assert refined.key() != EmbeddingsConfig(refine=True, refine_method="exact").key()
    with pytest.raises(ValueError, match="pattern"):
        EmbeddingsConfig(refine_method="magic")


def test_only_known_precisions():
    assert FeaturesConfig().precision == "fp32"
    assert [FeaturesConfig(precision=name).precision for name in CHOICES] == list(CHOICES)
    with pytest.raises(ValueError, match="precision"):
        FeaturesConfig(precision="int8")
