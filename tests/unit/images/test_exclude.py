"""Names that folders are read without, what is said of them, and how they are taken all the same."""

from pathlib import Path

import fsspec
import pytest

from imgsim.errors import ArgumentTypeError
from imgsim.images.exclude import EXCLUDED, Exclude
from imgsim.images.list_source import list_source
from imgsim.images.listing import Listing


def paths(listing: Listing) -> list[str]:
    return [entry.path for entry in listing.entries]


@pytest.fixture
def drive(tmp_path: Path) -> Path:
    """A folder of a network drive, with what its makers add."""
    names = [
        *(f"trip/{i}.jpg" for i in range(3)),
        "trip/@eaDir/0.jpg/SYNOFILE_THUMB_M.jpg",
        "#recycle/old.jpg",
        "$Recycle.Bin/S-1/$R1.jpg",
        ".Trash-1000/files/a.jpg",
        "trip/._0.jpg",
        ".NET/0.jpg",
        ".NET/deep/1.jpg",
        ".NET/notes.txt",
        "raw/2019/0.jpg",
        "raw/2020/0_thumb.jpg",
    ]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    return tmp_path


def test_what_a_drive_adds_is_left_out_and_named(drive: Path) -> None:
    listing = list_source(drive)
    assert paths(listing) == ["raw/2019/0.jpg", "raw/2020/0_thumb.jpg", "trip/0.jpg", "trip/1.jpg", "trip/2.jpg"]
    assert dict(listing.skipped) == {
        "#recycle/": "excluded by '#recycle'",
        "$Recycle.Bin/": "excluded by '$Recycle.Bin'",
        ".Trash-1000/": "excluded by '.Trash-*'",
        "trip/@eaDir/": "excluded by '@eaDir'",
        "trip/._0.jpg": "hidden",
        ".NET/": "hidden",
        ".NET/0.jpg": "hidden",
        ".NET/deep/1.jpg": "hidden",
    }


def test_a_bucket_is_read_without_them_too(drive: Path) -> None:
    memory = fsspec.filesystem("memory")
    for path in filter(Path.is_file, drive.rglob("*")):
        memory.pipe_file(f"/drive/{path.relative_to(drive)}", b"x")
    try:
        assert paths(list_source("memory://drive")) == paths(list_source(drive))
        assert "drive" not in str(list_source("memory://drive").skipped)
        taken = list_source("memory://drive", exclude=["!.NET", "raw"])
        assert paths(taken)[:2] == [".NET/0.jpg", ".NET/deep/1.jpg"]
        assert ("raw/2019/0.jpg", "excluded by 'raw'") in taken.skipped
    finally:
        memory.rm("/drive", recursive=True)


@pytest.mark.parametrize(
    ("exclude", "left_out"),
    [
        ("raw", ["raw/2019/0.jpg", "raw/2020/0_thumb.jpg"]),
        ("*_thumb.jpg", ["raw/2020/0_thumb.jpg"]),
        (["raw/2019"], ["raw/2019/0.jpg"]),
        (["*/2019/"], ["raw/2019/0.jpg"]),
        (["raw", "!raw"], []),
        ([], []),
    ],
)
def test_patterns_leave_out_more(drive: Path, exclude: str | list[str], left_out: list[str]) -> None:
    everything = paths(list_source(drive))
    assert sorted(set(everything) - set(paths(list_source(drive, exclude=exclude)))) == left_out


def test_an_exclamation_mark_takes_what_is_left_out(drive: Path) -> None:
    listing = list_source(drive, exclude="!.NET")
    assert paths(listing)[:2] == [".NET/0.jpg", ".NET/deep/1.jpg"]
    assert "trip/@eaDir/0.jpg/SYNOFILE_THUMB_M.jpg" in paths(list_source(drive, exclude=["!@eaDir"]))


def test_a_name_that_is_spelt_out_is_taken(drive: Path) -> None:
    assert paths(list_source(drive / ".NET")) == ["0.jpg", "deep/1.jpg"]
    assert paths(list_source(drive / "#recycle")) == ["old.jpg"]
    assert paths(list_source(f"{drive}/.NET/*.jpg")) == ["0.jpg"]
    assert paths(list_source(f"{drive}/.N*/*.jpg")) == ["0.jpg"]
    assert paths(list_source(f"{drive}/**/@eaDir/**/*.jpg")) == ["SYNOFILE_THUMB_M.jpg"]
    assert "@eaDir" not in str(paths(list_source(f"{drive}/**/*.jpg")))


def test_hidden_folders_are_counted_without_following_links(drive: Path) -> None:
    (drive / ".NET" / "up").symlink_to(drive)
    (drive / ".linked").symlink_to(drive / "trip")
    skipped = list_source(drive).skipped
    assert len([path for path, _ in skipped if path.startswith(".NET")]) == 3
    assert (".linked", "hidden") in skipped


@pytest.mark.parametrize("pattern", ["", "!", "/", 3, None])
def test_a_pattern_is_text(pattern: object) -> None:
    with pytest.raises(ArgumentTypeError, match="exclude="):
        Exclude([pattern])  # type: ignore[list-item]


def test_every_default_name_is_left_out_in_any_case() -> None:
    rules = Exclude()
    assert all(rules.reason(name.swapcase()) for name in EXCLUDED)
    assert rules.reason("photo.jpg") is None
    assert rules.reason_of_any("a/@eaDir/b.jpg") == "excluded by '@eaDir'"
    assert rules.reason(".NET") == "hidden"
