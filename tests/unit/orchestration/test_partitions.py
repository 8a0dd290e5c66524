"""Names of collections."""

import dagster as dg
import pytest

from imgsim.errors import ArgumentError
from orchestration.partitions import add_partition, check_collection_name, drop_if_new, is_collection_name, slug


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("/data/101_ObjectCategories", "101_objectcategories"),
        ("../shared/data/caltech101/", "caltech101"),
        ("s3://bucket/My Photos (2024)", "my-photos-2024"),
        ("holiday.parquet", "holiday-parquet"),
        ("/data/写真/", "images-9c3250ff"),
        ("/data/Caf\N{LATIN SMALL LETTER E WITH ACUTE}", "cafe"),
        ("/data/Cafe\N{COMBINING ACUTE ACCENT}", "cafe"),
        ("/data/" + "a" * 62 + " b", "a" * 62),
    ],
)
def test_slug(source, name):
    assert slug(source) == name
    assert is_collection_name(name)


@pytest.mark.parametrize("name", ["", "A", "a b", "../x", "-a", "a" * 64, "é"])
def test_unusable_names(name):
    assert not is_collection_name(name)
    with pytest.raises(ArgumentError, match="cannot name a collection"):
        check_collection_name(name)


def test_a_refused_name_gets_a_usable_one():
    with pytest.raises(ArgumentError, match="For example: holiday-2024"):
        check_collection_name("Holiday 2024")


def test_a_collection_without_features_leaves_no_partition():
    with dg.DagsterInstance.ephemeral() as instance:
        add_partition(instance, "pets")
        assert drop_if_new(instance, "pets")
        add_partition(instance, "pets")
        instance.report_runless_asset_event(dg.AssetMaterialization("features", partition="pets"))
        assert not drop_if_new(instance, "pets")
        assert instance.get_dynamic_partitions("collections") == ["pets"]
