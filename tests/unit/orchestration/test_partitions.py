"""Names of collections."""

import pytest

from imgsim.errors import ArgumentError
from orchestration.partitions import check_collection_name, is_collection_name, slug


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("/data/101_ObjectCategories", "101_objectcategories"),
        ("../shared/data/caltech101/", "caltech101"),
        ("s3://bucket/My Photos (2024)", "my-photos-2024"),
        ("holiday.parquet", "holiday-parquet"),
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


def test_nothing_left_of_a_name():
    with pytest.raises(ArgumentError, match=r"'/data/写真' cannot name a collection.*--collection name"):
        slug("/data/写真")
