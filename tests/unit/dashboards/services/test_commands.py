from datetime import UTC, datetime

import pytest

from dashboards.services import commands
from dashboards.services.models.registry import Version


def version(name: str, backbone: str | None) -> Version:
    tags = {} if backbone is None else {"imgsim.backbone": backbone}
    return Version(name, "1", (), datetime(2026, 1, 1, tzinfo=UTC), {}, tags, None, None)


@pytest.mark.parametrize(
    ("name", "backbone", "same", "other"),
    [
        ("imgsim-sample", "mini", "make demo", "make demo BACKBONE=mobilenet_v2"),
        ("imgsim-sample", None, "make demo", "make demo BACKBONE=mobilenet_v2"),
        ("imgsim-sample", "mobilenet_v2", "make demo BACKBONE=mobilenet_v2", "make demo"),
        (
            "imgsim-birds",
            "mini",
            "make demo COLLECTION=birds IMAGES=path/to/pictures",
            "make demo COLLECTION=birds IMAGES=path/to/pictures BACKBONE=mobilenet_v2",
        ),
        (
            "imgsim-birds",
            "resnet50",
            "make demo COLLECTION=birds IMAGES=path/to/pictures BACKBONE=resnet50",
            "make demo COLLECTION=birds IMAGES=path/to/pictures",
        ),
    ],
)
def test_the_next_version_of_the_same_model(name: str, backbone: str | None, same: str, other: str):
    assert commands.again(version(name, backbone)) == same
    assert commands.with_another_network(version(name, backbone)) == other


def test_a_strange_tag_is_one_word():
    assert commands.again(version("imgsim-sample", "x; rm -rf ~")) == "make demo BACKBONE='x; rm -rf ~'"
