from datetime import UTC, datetime

import pytest

from dashboards.services import commands
from imgsim.mlflow.download import Version


def version(name: str, backbone: str | None) -> Version:
    tags = {} if backbone is None else {"imgsim.backbone": backbone}
    return Version(name, "1", (), datetime(2026, 1, 1, tzinfo=UTC), {}, tags, None, None)


@pytest.mark.parametrize(
    ("name", "backbone", "same", "other"),
    [
        ("imgsim-sample", "mini", "imgsim run", "imgsim run --backbone mobilenet_v2"),
        ("imgsim-sample", None, "imgsim run", "imgsim run --backbone mobilenet_v2"),
        ("imgsim-sample", "mobilenet_v2", "imgsim run --backbone mobilenet_v2", "imgsim run"),
        (
            "imgsim-birds",
            "mini",
            "imgsim run path/to/pictures --collection birds",
            "imgsim run path/to/pictures --collection birds --backbone mobilenet_v2",
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


def test_a_strange_tag_is_one_word():
    assert commands.pipeline_command(version("imgsim-sample", "x; rm -rf ~")) == "imgsim run --backbone 'x; rm -rf ~'"
