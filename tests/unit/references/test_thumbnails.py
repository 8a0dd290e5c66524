"""The file of thumbnails: row groups by the first bits of the sha256, so that one picture more changes one of them."""

import hashlib
import io
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from PIL import Image

from imgsim.io.held_file import HeldFile
from imgsim.references.thumbnails import GROUP_ROWS, SavedThumbnails, combined, group_ranges, write_thumbnails


def key(number: int) -> str:
    return hashlib.sha256(str(number).encode()).hexdigest()


def jpeg(name: str) -> bytes:
    data = io.BytesIO()
    Image.new("RGB", (8, 8), f"#{name[:6]}").save(data, "JPEG")
    return data.getvalue()


def source(keys):
    return [jpeg(name) for name in keys]


def written(path: Path, count: int) -> Path:
    write_thumbnails(source, [key(number) for number in range(count)], path)
    return path


def groups(path: Path) -> list[str]:
    data = path.read_bytes()
    return [hashlib.sha256(data[start : start + size]).hexdigest() for start, size in group_ranges(path)]


@pytest.mark.parametrize("count", [1, GROUP_ROWS, GROUP_ROWS + 1, 3000])
def test_every_thumbnail_is_found_and_groups_stay_small(tmp_path, count):
    path = written(tmp_path / "a.parquet", count)
    keys = [key(number) for number in range(count)]
    assert SavedThumbnails(HeldFile(path))([*keys, "absent"]) == [*source(keys), None]
    with pq.ParquetFile(path) as file:
        rows = [file.metadata.row_group(number).num_rows for number in range(file.metadata.num_row_groups)]
    assert sum(rows) == count
    assert max(rows) < 1.5 * GROUP_ROWS
    assert sum(rows) / len(rows) > GROUP_ROWS / 2 or count <= GROUP_ROWS


def test_the_ranges_are_all_bytes_between_mark_and_footer(tmp_path):
    path = written(tmp_path / "a.parquet", 1000)
    found = group_ranges(path)
    assert found[0][0] == len(b"PAR1")
    assert [start + size for start, size in found][:-1] == [start for start, _ in found][1:]
    footer = path.stat().st_size - sum(found[-1])
    assert footer < 300 * len(found) + 1000, "no statistics: they would repeat thumbnails"


def test_one_picture_more_changes_one_group_and_the_same_pictures_none(tmp_path):
    before, after = groups(written(tmp_path / "a.parquet", 3000)), groups(written(tmp_path / "b.parquet", 3001))
    assert len(before) == len(after) == 16
    assert len(set(after) - set(before)) == 1
    assert written(tmp_path / "c.parquet", 3000).read_bytes() == (tmp_path / "a.parquet").read_bytes()


def test_each_block_is_asked_for_once_in_the_order_in_which_the_source_holds_it(tmp_path, monkeypatch):
    """Memory does not grow with the collection, and no part of a store is read for several blocks."""
    monkeypatch.setattr("imgsim.references.thumbnails._BLOCK", 100)
    asked, names = [], [key(number) for number in range(250)]

    def watched(keys):
        asked.append(list(keys))
        return source(keys)

    write_thumbnails(watched, [*names, names[0]], tmp_path / "a")
    assert asked == [names[:100], names[100:200], [*names[200:], names[0]]]
    saved = SavedThumbnails(HeldFile(tmp_path / "a"))
    monkeypatch.setattr(SavedThumbnails, "__call__", lambda self, keys: watched(keys))
    write_thumbnails(saved, names, tmp_path / "b")
    assert asked[3:] == [sorted(names)[:100], sorted(names)[100:200], sorted(names)[200:]]
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_an_invalid_one_counts_as_missing_and_another_source_gives_it(tmp_path):
    write_thumbnails(lambda keys: [b"no JPEG", *map(jpeg, keys[1:])], [key(0), key(1)], tmp_path / "a")
    saved = SavedThumbnails(HeldFile(tmp_path / "a"))
    write_thumbnails(combined(saved, source), [key(0), key(1), key(2)], tmp_path / "b")
    copy = SavedThumbnails(HeldFile(tmp_path / "b"))
    assert [one is None for one in saved([key(0), key(1), key(2)])] == [True, False, True]
    assert [one is None for one in copy([key(0), key(1), key(2)])] == [False, False, False]


def test_keys_that_are_no_sha256_and_pictures_without_thumbnail(tmp_path):
    path = tmp_path / "a.parquet"
    write_thumbnails(lambda keys: [None] * len(keys), [key(0)], path)
    assert not path.exists()
    names = ["", "a", "Z", *(key(number) for number in range(600))]
    write_thumbnails(lambda keys: [None if name == key(7) else jpeg("abcdef") for name in keys], names, path)
    found = SavedThumbnails(HeldFile(path))(names)
    assert [name for name, data in zip(names, found, strict=True) if data is None] == [key(7)]
