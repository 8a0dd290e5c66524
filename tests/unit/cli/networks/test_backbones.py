"""The list of networks, their measurement, and the hint at a better one."""

import json
from typing import Any

import pytest
from typer.testing import CliRunner

import imgsim
from imgsim.backbones.catalogue import better_than, packaged
from imgsim.backbones.get import get_backbone
from imgsim.cli import app
from imgsim.cli.networks.backbones import better_network


def run(*arguments: str) -> Any:
    found = CliRunner().invoke(app, ["backbones", *arguments])
    assert found.exit_code == 0, found.output
    return found


def test_networks_and_libraries_are_listed():
    found = json.loads(run("--json").stdout)
    assert found["backbones"] == imgsim.list_backbones()
    assert [network["name"] for network in found["packaged"]] == imgsim.list_backbones()[:3]
    libraries = {library["distribution"]: library for library in found["libraries"]}
    assert libraries["timm"]["version"]
    assert "[transformers]" in libraries["transformers"]["install"]
    text = run().stdout
    assert all(part in text for part in ("efficientnet_lite0", "Apache-2.0", "timm:NAME[.TAG]", "resnet50", "0.891"))


def test_networks_are_measured_here():
    found = json.loads(run("--measure", "mini", "--json").stdout)
    (mini,) = found["measured"]
    assert (mini["backbone"], mini["input"], mini["dimensions"]) == ("mini", 96, 2304)
    assert mini["images_per_second"] > 1
    assert "images per CPU-s" in run("--measure", "mini").stdout


@pytest.mark.parametrize("network", packaged(), ids=lambda network: network.name)
def test_the_catalogue_agrees_with_the_networks(network):
    if network.install:
        pytest.skip("its wheel is not installed")
    spec = get_backbone(network.name).spec
    assert (network.side, network.licence) == (spec.height, spec.licence)


def test_a_better_network_is_hinted_at():
    assert "--backbone efficientnet_lite0 finds better neighbours" in better_network("mini")
    assert "--backbone efficientnet_lite2 finds better neighbours" in better_network("efficientnet_lite0")
    assert better_network("efficientnet_lite2") == better_network("resnet50") == ""
    assert better_than("resnet50") is None
