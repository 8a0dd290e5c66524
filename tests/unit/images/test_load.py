"""load_images and the table it returns."""

import hashlib
import os
import threading
from contextlib import ExitStack
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path

import fsspec
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from imgsim import schema
from imgsim.errors import ArgumentError, ArgumentTypeError, ImageError, SourceError
from imgsim.images.load import load_images
from imgsim.images.scanning.scan import _microseconds
from imgsim.images.table import ImageTable


def picture(value: int, kind: str = "JPEG", size: tuple[int, int] = (20, 10)) -> bytes:
    buffer = BytesIO()
    Image.new("RGB", size, (value, 0, 0)).save(buffer, kind)
    return buffer.getvalue()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "photos"
    for i, name in enumerate(("cat/1.jpg", "cat/2.png", "dog/3.jpg", "dog/4.gif", "top.jpg")):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        kind = {"jpg": "JPEG", "png": "PNG", "gif": "GIF"}[name[-3:]]
        (root / name).write_bytes(picture(40 * i, kind))
    return root


def test_columns(folder: Path) -> None:
    images = load_images(folder)
    assert images.table.schema.equals(schema.IMAGES)
    assert images.ids.tolist() == [0, 1, 2, 3, 4]
    assert images.paths == ["cat/1.jpg", "cat/2.png", "dog/3.jpg", "dog/4.gif", "top.jpg"]
    assert images.labels == ["cat", "cat", "dog", "dog", None]
    assert images.column("format") == ["JPEG", "PNG", "JPEG", "GIF", "JPEG"]
    assert images.column("width").tolist() == [20] * 5
    assert images.column("height").tolist() == [10] * 5
    assert images.column("orientation").tolist() == [1] * 5
    data = (folder / "cat/1.jpg").read_bytes()
    assert images.sha256[0] == hashlib.sha256(data).hexdigest()
    assert images.column("bytes")[0] == len(data)
    assert images.read_bytes(0) == data
    assert images.locations[0] == str(folder / "cat/1.jpg")
    assert images.to_pandas()["mtime"].iloc[0].timestamp() == pytest.approx((folder / "cat/1.jpg").stat().st_mtime)
    assert images.rejected.empty
    assert list(images.rejected) == schema.REJECTED.names
    with pytest.raises(ArgumentError, match="sha256"):
        images.column("nope")


def test_broken_files_are_rejected_with_a_reason(folder: Path) -> None:
    (folder / "cat/empty.jpg").touch()
    (folder / "cat/text.png").write_text("not an image")
    (folder / "dog/gone.jpg").symlink_to("nowhere")
    os.mkfifo(folder / "dog/pipe.jpg")
    (folder / "cat/misnamed.jpg").write_bytes(picture(1, "PNG"))
    images = load_images(folder)
    assert len(images) == 6
    assert images.to_pandas().set_index("path").loc["cat/misnamed.jpg", "format"] == "PNG"
    found = {row["path"]: (row["stage"], row["reason"]) for row in images.rejected.to_dict("records")}
    assert {path: stage for path, (stage, _) in found.items()} == {
        "cat/empty.jpg": "header",
        "cat/text.png": "header",
        "dog/gone.jpg": "list",
        "dog/pipe.jpg": "list",
    }
    assert found["cat/empty.jpg"][1] == "the file is empty"
    assert "4 rejected" in repr(images)


def test_failures_can_be_raised_with_their_path(folder: Path) -> None:
    (folder / "cat/bad.jpg").write_text("not an image")
    with pytest.raises(ImageError, match=r"cat/bad\.jpg") as caught:
        load_images(folder, ignore_failure=False)
    assert caught.value.stage == "header"
    (folder / "dog/gone.jpg").symlink_to("nowhere")
    with pytest.raises(SourceError, match=r"dog/gone\.jpg"):
        load_images(folder, ignore_failure=False)


def test_folder_without_images_keeps_what_was_rejected(tmp_path: Path) -> None:
    assert len(load_images(tmp_path)) == 0
    (tmp_path / "bad.jpg").touch()
    images = load_images(tmp_path)
    assert len(images) == 0
    assert images.rejected["path"].tolist() == ["bad.jpg"]
    assert images.show().size[0] > 0
    assert images.digest
    images.save(tmp_path / "none.parquet")
    images.save(tmp_path / "none.csv")
    assert len(ImageTable.load(tmp_path / "none.parquet")) == len(ImageTable.load(tmp_path / "none.csv")) == 0


def test_missing_file_in_a_list(folder: Path) -> None:
    images = load_images([folder / "cat/1.jpg", folder / "cat/none.jpg", folder / "dog"])
    assert images.paths == ["cat/1.jpg"]
    assert images.rejected["stage"].tolist() == ["read", "read"]


def test_random_order_is_seeded_and_numbered_afterwards(folder: Path) -> None:
    plain = load_images(folder)
    orders = [load_images(folder, random_order=True, seed=seed) for seed in (1, 1, 2, 3)]
    assert orders[0].paths == orders[1].paths
    assert len({tuple(images.paths) for images in orders}) > 1
    for images in orders:
        assert sorted(images.paths) == plain.paths
        assert images.ids.tolist() == [0, 1, 2, 3, 4]


def test_rows_by_position_slice_and_mask(folder: Path) -> None:
    images = load_images(folder)
    assert images[1:3].ids.tolist() == [1, 2]
    assert images[::-1].ids.tolist() == [4, 3, 2, 1, 0]
    assert images[-1].paths == ["top.jpg"]
    assert images[np.int64(2)].ids.tolist() == [2]
    assert images[[3, 0, 0][:2]].ids.tolist() == [3, 0]
    assert images[np.array([True, False, True, False, False])].ids.tolist() == [0, 2]
    assert len(images[[]]) == 0
    assert [row.paths[0] for row in images] == images.paths
    assert images[3:].root == images.root
    assert images[3:].read_bytes(0) == images.read_bytes(3)
    with pytest.raises(IndexError):
        images[5]
    with pytest.raises(ArgumentError, match="mask"):
        images[[True]]
    with pytest.raises(ArgumentTypeError):
        images["cat"]
    with pytest.raises(ArgumentError, match="same id"):
        images[[1, 1]]


def test_filter_by(folder: Path) -> None:
    images = load_images(folder)
    assert images.filter_by([3, 1, 99]).ids.tolist() == [1, 3]
    assert images.filter_by(np.array([4])).ids.tolist() == [4]
    assert images.filter_by("cat", "label").ids.tolist() == [0, 1]
    assert images.filter_by({"dog"}, column="label").ids.tolist() == [2, 3]
    assert len(images.filter_by([])) == 0
    with pytest.raises(ArgumentTypeError, match="id"):
        images.filter_by(["x"])
    with pytest.raises(ArgumentError, match="nope"):
        images.filter_by([1], "nope")


@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_save_and_load(folder: Path, tmp_path: Path, suffix: str) -> None:
    (folder / 'cat/a, "b"\n.jpg').write_bytes(picture(7))
    (folder / "bad.jpg").touch()
    images = load_images(folder)[1:]
    target = tmp_path / "new" / f"table{suffix}"
    images.save(target)
    again = ImageTable.load(str(target))
    assert again.table.equals(images.table)
    assert again.root == images.root
    assert again.digest == images.digest
    assert again.read_bytes(2) == images.read_bytes(2)
    assert [path.name for path in target.parent.iterdir()] == [target.name]
    if suffix == ".parquet":
        assert pa.parquet.read_schema(target).metadata[b"imgsim.root"].decode() == images.root
        assert again.rejected.equals(images.rejected)
        assert load_images(target).rejected.equals(images.rejected)
    scanned = load_images(target)
    assert (scanned.root, scanned.paths, scanned.labels) == (images.root, images.paths, images.labels)
    assert None in scanned.labels


@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_splits_come_from_a_column_and_are_kept(folder: Path, tmp_path: Path, suffix: str) -> None:
    plain = load_images(folder)
    assert plain.splits == [None] * 5
    table = pd.DataFrame({"path": plain.locations[:3], "split": ["train", "test", None]})
    images = load_images(table)
    assert images.splits == ["train", "test", None]
    assert images[1].splits == ["test"]
    assert images.digest != load_images(table[["path"]]).digest
    images.save(tmp_path / f"table{suffix}")
    assert ImageTable.load(tmp_path / f"table{suffix}").splits == images.splits
    assert load_images(tmp_path / f"table{suffix}").splits == images.splits


def test_tables_from_before_there_was_a_split_are_read(folder: Path, tmp_path: Path) -> None:
    images = load_images(folder)
    pa.parquet.write_table(images.table.drop_columns("split"), tmp_path / "old.parquet")
    assert ImageTable.load(tmp_path / "old.parquet").table.equals(images.table)


def test_save_and_load_refuse(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="parquet"):
        load_images(folder).save(tmp_path / "x.json")
    with pytest.raises(SourceError, match="no such file"):
        ImageTable.load(tmp_path / "none.parquet")
    pd.DataFrame({"a": [1]}).to_parquet(tmp_path / "other.parquet")
    with pytest.raises(SourceError, match="lacks id"):
        ImageTable.load(tmp_path / "other.parquet")
    (tmp_path / "bad.parquet").write_bytes(b"nothing")
    with pytest.raises(SourceError, match=r"bad\.parquet"):
        ImageTable.load(tmp_path / "bad.parquet")
    with pytest.raises(ArgumentError, match="columns"):
        ImageTable(pa.table({"id": [1]}))


def test_save_rejected(folder: Path, tmp_path: Path) -> None:
    (folder / "bad.jpg").touch()
    load_images(folder).save_rejected(tmp_path / "rejected.parquet")
    rows = pa.parquet.read_table(tmp_path / "rejected.parquet")
    assert rows.schema.equals(schema.REJECTED)
    assert rows["path"].to_pylist() == ["bad.jpg"]


def test_digest_is_of_content(folder: Path, tmp_path: Path) -> None:
    images = load_images(folder)
    copy = folder.rename(tmp_path / "moved")
    os.utime(copy / "top.jpg", (1, 1))
    assert load_images(copy).digest == images.digest
    assert load_images(copy, labels=None).digest != images.digest
    (copy / "top.jpg").write_bytes(picture(99))
    assert load_images(copy).digest != images.digest


def test_with_rejected_leaves_the_original_alone(folder: Path) -> None:
    images = load_images(folder)
    more = images.with_rejected([{"path": "a", "stage": "decode", "reason": "b"}])
    frame = more.rejected
    frame.loc[0, "path"] = "changed"
    assert images.rejected.empty
    assert more.rejected["path"].tolist() == ["a"]
    assert more[:2].with_rejected([]).rejected["path"].tolist() == ["a"]
    with pytest.raises(ValueError, match="read-only"):
        images.ids[0] = 5


def test_read_bytes_of_a_file_that_is_gone(folder: Path) -> None:
    images = load_images(folder)
    (folder / "top.jpg").unlink()
    with pytest.raises(ImageError, match=r"top\.jpg: there is no such file") as caught:
        images.read_bytes(4)
    assert caught.value.stage == "read"
    with pytest.raises(ImageError, match="does not know its folder"):
        ImageTable(images.table).read_bytes(0)


def test_show(folder: Path) -> None:
    images = load_images(folder)
    (folder / "top.jpg").unlink()
    sheet = images.show(n=5, columns=2, size=50)
    assert sheet.size[0] == 8 + 2 * 58
    assert sheet.mode == "RGB"


def test_representations(folder: Path) -> None:
    (folder / "notes.txt").touch()
    (folder / "<b>.jpg").write_bytes(picture(3))
    images = load_images(folder)
    assert repr(images) == f"<ImageTable: 6 images, 2 labels, 1 skipped from {folder}>"
    assert "&lt;b&gt;.jpg" in images._repr_html_()
    assert "<b>" not in images._repr_html_()


def test_memory_url() -> None:
    filesystem = fsspec.filesystem("memory")
    filesystem.pipe_file("/pictures/red/1.jpg", picture(200))
    filesystem.pipe_file("/pictures/bad.jpg", b"")
    try:
        images = load_images("memory://pictures", labels="folder")
        assert images.paths == ["red/1.jpg"]
        assert images.labels == ["red"]
        assert images.locations == ["memory://pictures/red/1.jpg"]
        assert images.read_bytes(0) == picture(200)
        assert images.rejected["path"].tolist() == ["bad.jpg"]
        assert images.to_pandas()["mtime"].notna().all()
    finally:
        filesystem.rm("/pictures", recursive=True)


def test_many_files_keep_their_order(tmp_path: Path) -> None:
    data = picture(1)
    for i in range(700):
        (tmp_path / f"{i:04}.jpg").write_bytes(data if i % 50 else b"")
    images = load_images(tmp_path, progress=True)
    assert len(images) == 686
    assert images.paths == sorted(images.paths)
    assert images.rejected["path"].tolist() == [f"{i:04}.jpg" for i in range(0, 700, 50)]


@pytest.mark.skipif(os.name != "posix", reason="other systems refuse such times")
@pytest.mark.parametrize("seconds", [-2_000_000_000, -1, 0, 13_000_000_000, 2**33, 2**35])
def test_times_outside_the_calendar_break_nothing(folder: Path, tmp_path: Path, seconds: int) -> None:
    os.utime(folder / "top.jpg", (seconds, seconds))
    kept = (folder / "top.jpg").stat().st_mtime  # a file system may not hold such a time
    images = load_images(folder)
    time = images.table["mtime"].to_pylist()[-1]
    assert time is None or time.timestamp() == pytest.approx(kept)
    assert "top.jpg" in images._repr_html_()
    for name in ("t.parquet", "t.csv"):
        images.save(tmp_path / name)
        assert ImageTable.load(tmp_path / name).table.equals(images.table)


@given(st.one_of(st.none(), st.floats()))
def test_any_number_of_seconds_is_a_time_or_none(seconds: float | None) -> None:
    value = pa.scalar(_microseconds(seconds), pa.timestamp("us", tz="UTC")).as_py()
    assert value is None or 1 <= value.year <= 9999


def test_what_is_skipped_is_listed(folder: Path) -> None:
    for name in ("cat/notes.txt", "cat/scan.svg", ".DS_Store"):
        (folder / name).write_bytes(b"x")
    images = load_images(folder, exclude="dog")
    assert images.skipped == 4
    assert images.skipped_files.to_dict("records") == [
        {"path": ".DS_Store", "reason": "hidden"},
        {"path": "cat/notes.txt", "reason": ".txt"},
        {"path": "cat/scan.svg", "reason": ".svg"},
        {"path": "dog/", "reason": "excluded by 'dog'"},
    ]
    assert images[:1].skipped == 4
    assert images.labels == [None] * 3
    assert images.labels_from is None  # one folder that is left is no class


def test_addresses_on_two_hosts(folder: Path, tmp_path: Path) -> None:
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    with ExitStack() as running:
        hosts = []
        for name in ("cat", "dog"):
            server = running.enter_context(
                ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder / name)))
            )
            threading.Thread(target=server.serve_forever, daemon=True).start()
            running.callback(server.shutdown)
            hosts.append(f"http://127.0.0.1:{server.server_port}")
        files = [f"{hosts[0]}/1.jpg", f"{hosts[1]}/3.jpg", str(folder / "top.jpg"), f"{hosts[1]}/none.jpg"]
        (tmp_path / "feed.csv").write_text("path,label\n" + "".join(f"{path},x\n" for path in files))
        for source in (files, tmp_path / "feed.csv"):
            images = load_images(source)
            assert images.paths == images.locations == files[:3]
            assert images.read_bytes(1) == (folder / "dog/3.jpg").read_bytes()
            assert images.rejected["path"].tolist() == files[3:]
            assert set(images.labels) == {None if source is files else "x"}
        images.save(tmp_path / "t.parquet")
        assert load_images(tmp_path / "t.parquet").paths == files[:3]
