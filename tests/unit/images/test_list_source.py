"""Every kind of source becomes the same list; no entry of a folder can hang or break the listing."""

import errno
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path, PurePosixPath
from threading import Thread

import fsspec
import pandas as pd
import pytest

from imgsim.errors import ArgumentError, ArgumentTypeError, ImageError, MissingExtraError, SourceError
from imgsim.images.list_folder import Walk
from imgsim.images.list_source import list_source
from imgsim.images.listing import Listing
from imgsim.images.read_files import LocalFiles, RemoteFiles, open_files
from imgsim.io.urls import ANYWHERE


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "photos"
    for name in ("b/2.jpg", "b/1.PNG", "a/x/3.webp", "top.jpeg", "a.jpg", "a/notes.txt", ".DS_Store", ".git/4.jpg"):
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"x")
    return root


def paths(listing: Listing) -> list[str]:
    return [entry.path for entry in listing.entries]


def labels(listing: Listing) -> list[str | None]:
    return [entry.label for entry in listing.entries]


def test_folder_is_sorted_and_labelled(folder: Path) -> None:
    listing = list_source(folder)
    assert paths(listing) == ["a.jpg", "a/x/3.webp", "b/1.PNG", "b/2.jpg", "top.jpeg"]
    assert labels(listing) == [None, "x", "b", "b", None]
    assert listing.root == str(folder)
    assert listing.skipped == [(".DS_Store", "hidden"), (".git/", "excluded by '.git'"), ("a/notes.txt", ".txt")]
    assert listing.labels_from == "names of folders"
    assert listing.rejected == []


def test_not_recursive(folder: Path) -> None:
    assert paths(list_source(str(folder), recursive=False)) == ["a.jpg", "top.jpeg"]


def test_labels_of_the_top_folder(folder: Path) -> None:
    listing = list_source(folder, labels="top-folder")
    assert labels(listing) == [None, "a", "b", "b", None]
    assert listing.labels_from == "names of top folders"
    files = [folder / "a" / "x" / "3.webp", folder / "b" / "2.jpg"]
    assert labels(list_source(files, labels="top-folder")) == ["a", "b"]
    assert labels(list_source(files[1:], labels="top-folder")) == [None], "it lies directly in the folder"


def test_no_labels(folder: Path) -> None:
    for none in (None, "none"):
        listing = list_source(folder, labels=none)
        assert set(labels(listing)) == {None}
        assert listing.labels_from is None


def test_empty_folder(tmp_path: Path) -> None:
    assert paths(list_source(tmp_path)) == []


def test_home_and_relative_paths(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder.parent)
    monkeypatch.setenv("HOME", str(folder.parent))
    assert list_source("photos").root == list_source("~/photos").root == str(folder)
    assert list_source("./photos/../photos").root == str(folder)
    assert list_source(f"file://{folder}").root == str(folder)


def test_missing_source_names_the_path(tmp_path: Path) -> None:
    for source in (tmp_path / "nowhere", str(tmp_path / "no*.jpg"), "memory://nowhere/at/all"):
        with pytest.raises(SourceError, match="no such file") as caught:
            list_source(source)
        assert str(source) in str(caught.value)


@pytest.mark.parametrize("source", [None, 3, b"photos", "", {"a": 1}, [1], [""]])
def test_wrong_types(source: object) -> None:
    with pytest.raises(ArgumentTypeError):
        list_source(source)


def test_links_are_followed_once(folder: Path, tmp_path: Path) -> None:
    (folder / "b" / "up").symlink_to(folder)  # a loop
    (folder / "b" / "self").symlink_to("self")
    (folder / "twice").symlink_to(folder / "b")
    (folder / "gone.jpg").symlink_to(tmp_path / "gone")
    (folder / "gone").symlink_to(tmp_path / "gone")
    (folder / "linked.jpg").symlink_to(folder / "top.jpeg")
    other = tmp_path / "other"
    other.mkdir()
    (other / "5.gif").write_bytes(b"x")
    (other / "parent").symlink_to(tmp_path)
    (folder / "other").symlink_to(other)
    listing = list_source(folder)
    assert [path for path in paths(listing) if path not in paths(list_source(folder, recursive=False))] == [
        "a/x/3.webp",
        "b/1.PNG",
        "b/2.jpg",
        "other/5.gif",
    ]
    assert "linked.jpg" in paths(listing)
    reasons = dict(listing.rejected)
    assert set(reasons) == {"b/self", "b/up", "gone", "gone.jpg", "other/parent", "twice"}
    assert "dangling" in reasons["gone.jpg"]
    assert "back to itself" in reasons["b/self"]
    assert "listed already" in reasons["b/up"]


def test_pipes_and_sockets_do_not_block(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(folder / "pipe.jpg")
    os.mkfifo(folder / "pipe")
    os.mkfifo(folder / "pipe.txt")
    monkeypatch.chdir(folder)  # the path of a socket must be short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket.png")
        listing = list_source(folder)
    reasons = dict(listing.rejected)
    assert set(reasons) == {"pipe", "pipe.jpg", "socket.png"}
    assert "pipe" in reasons["pipe.jpg"]
    assert "socket" in reasons["socket.png"]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
def test_names_that_are_not_utf8(folder: Path) -> None:
    raw = os.fsencode(folder)
    Path(os.fsdecode(raw + b"/caf\xe9.jpg")).write_bytes(b"x")
    Path(os.fsdecode(raw + b"/caf\xe9.txt")).write_bytes(b"x")
    Path(os.fsdecode(raw + b"/dir\xff")).mkdir()
    listing = list_source(folder)
    assert [path for path, _ in listing.rejected] == ["caf\\xe9.jpg", "dir\\xff"]
    assert len(listing.entries) == 5
    with pytest.raises(SourceError, match="UTF-8"):
        list_source(os.fsdecode(raw + b"/dir\xff"))
    assert list_source([os.fsdecode(raw + b"/caf\xe9.jpg"), str(folder / "a.jpg")]).rejected[0][0] == "caf\\xe9.jpg"


@pytest.mark.skipif(sys.platform != "linux", reason="drops privileges by Linux means")
def test_folder_without_permission(folder: Path) -> None:
    """Runs as another user where the tests run as root, whom no permission stops."""
    import imgsim

    locked = folder / "locked"
    locked.mkdir()
    (folder / "a.jpg").chmod(0)
    locked.chmod(0)
    code = (
        "from imgsim.images.list_source import list_source as f; from imgsim.images.read_files import LocalFiles as L\n"
    )
    code += f"r = dict(f({str(folder)!r}).rejected); print(r['locked'])\n"
    code += f"try: L({str(folder)!r}).read('a.jpg')\nexcept Exception as e: print(e)\n"
    if os.geteuid() == 0:
        for parent in (folder, *folder.parents[:-2]):
            parent.chmod(parent.stat().st_mode | 0o055)
        code = (
            "import sys, numpy, pandas, PIL, pyarrow.parquet, imgsim.images.list_source\nimport os; os.setuid(65534)\n"
            + code
        )
    package = str(Path(next(iter(imgsim.__path__))).parent)
    environment = os.environ | {"PYTHONPATH": package}
    try:
        done = subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
        )
    finally:
        locked.chmod(0o755)
    assert done.stdout.lower().count("permission denied") == 2, done.stderr


def test_single_file(folder: Path) -> None:
    listing = list_source(folder / "b" / "2.jpg")
    assert (listing.root, paths(listing), labels(listing)) == (str(folder / "b"), ["2.jpg"], [None])
    assert labels(list_source(folder / "b" / "2.jpg", labels="folder")) == ["b"]


def test_list_keeps_its_order_below_the_common_folder(folder: Path) -> None:
    given = [folder / "b" / "2.jpg", str(folder / "a" / "x" / "3.webp"), folder / "b" / "1.PNG", folder / "b" / "2.jpg"]
    listing = list_source(given)
    assert listing.root == str(folder)
    assert paths(listing) == ["b/2.jpg", "a/x/3.webp", "b/1.PNG", "b/2.jpg"]
    assert labels(listing) == ["b", "x", "b", "b"]
    assert labels(list_source(given[:1])) == [None]
    assert labels(list_source(given[:1], labels="folder")) == ["b"]
    assert list_source([]).entries == []


def test_pattern(folder: Path) -> None:
    assert paths(list_source(f"{folder}/b/*")) == ["1.PNG", "2.jpg"]
    assert len(list_source(f"{folder}/**/*.[jw]*").entries) == 4


def test_files_of_several_places(folder: Path, memory: str) -> None:
    given = [str(folder / "a.jpg"), f"{memory}/b/2.jpg", "memory://other/b.jpg"]
    listing = list_source(given)
    assert (listing.root, paths(listing)) == (ANYWHERE, given)
    files = open_files(listing.root)
    assert [files.read(path)[0] for path in given[:2]] == [b"x", b"x"]
    with pytest.raises(ImageError, match="no such file"):
        files.read(given[2])
    with pytest.raises(ImageError, match="nosuch"):
        files.read("nosuch://a/b.jpg")


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".parquet"])
def test_table(folder: Path, suffix: str) -> None:
    frame = pd.DataFrame(
        {
            "image": ["b/2.jpg", str(folder / "a.jpg"), None],
            "kind": ["NA", None, "x"],
            "number": [1, 2, 3],
            "split": ["train", None, "test"],
        }
    )
    table = folder / f"list{suffix}"
    if suffix == ".parquet":
        frame.to_parquet(table)
    else:
        frame.to_csv(table, index=False, sep="\t" if suffix == ".tsv" else ",", encoding="utf-8-sig")
    listing = list_source(table, labels="kind")
    assert listing.root == str(folder)
    assert paths(listing) == ["b/2.jpg", "a.jpg"]
    assert labels(listing) == ["NA", None]
    assert listing.rejected == [("row 2", "the column 'image' holds no path here")]
    assert labels(list_source(table)) == ["b", "photos"]
    assert [entry.split for entry in list_source(table).entries] == ["train", None]
    assert labels(list_source(table, labels="number")) == ["1", "2"]
    with pytest.raises(ArgumentError, match="image, kind, number, split"):
        list_source(table, labels="colour")


def test_table_in_memory(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    assert paths(list_source(pd.DataFrame({"path": ["a.jpg", "b/2.jpg"]}))) == ["a.jpg", "b/2.jpg"]


def test_bad_tables(folder: Path) -> None:
    (folder / "bad.csv").write_bytes(b"path\n\xff\xfe\n")
    (folder / "empty.csv").write_bytes(b"")
    (folder / "bad.parquet").write_bytes(b"PAR1 no")
    (folder / "pathless.csv").write_text("name,size\na,1\n")
    for name in ("bad.csv", "empty.csv", "bad.parquet"):
        with pytest.raises(SourceError, match=name):
            list_source(folder / name)
    with pytest.raises(SourceError, match="name, size"):
        list_source(folder / "pathless.csv")


def test_labels_must_fit_the_source(folder: Path) -> None:
    for source in (folder, folder / "a.jpg", [folder / "a.jpg"]):
        with pytest.raises(ArgumentError, match="kind"):
            list_source(source, labels="kind")
    with pytest.raises(ArgumentTypeError):
        list_source(folder, labels=3)


@pytest.fixture
def memory() -> Iterator[str]:
    filesystem = fsspec.filesystem("memory")
    for name in ("b/2.jpg", "b/1.png", "top.jpg", "notes.txt", ".hidden/x.jpg"):
        filesystem.pipe_file(f"/bucket/{name}", b"x")
    yield "memory://bucket"
    filesystem.rm("/bucket", recursive=True)


def test_url_folder(memory: str) -> None:
    for url in (memory, memory + "/"):
        listing = list_source(url)
        assert listing.root == "memory://bucket"
        assert paths(listing) == ["b/1.png", "b/2.jpg", "top.jpg"]
        assert labels(listing) == [None, None, None]  # one folder is no class
        assert labels(list_source(url, labels="folder")) == ["b", "b", None]
        assert labels(list_source(url, labels="top-folder")) == ["b", "b", None]
        assert listing.skipped == [(".hidden/x.jpg", "hidden"), ("notes.txt", ".txt")]
        assert all(entry.mtime for entry in listing.entries)
    assert paths(list_source(memory, recursive=False)) == ["top.jpg"]


def test_url_file_pattern_list_and_table(memory: str) -> None:
    assert paths(list_source(f"{memory}/b/2.jpg")) == ["2.jpg"]
    pattern = list_source(f"{memory}/b/*.*g")
    assert paths(pattern) == ["1.png", "2.jpg"]
    assert RemoteFiles(pattern.root).read("2.jpg")[0] == b"x"
    listing = list_source([f"{memory}/b/2.jpg", f"{memory}/top.jpg"])
    assert (listing.root, paths(listing)) == ("memory://bucket", ["b/2.jpg", "top.jpg"])
    fsspec.filesystem("memory").pipe_file("/bucket/list.csv", b"path,kind\nb/2.jpg,cat\n")
    listing = list_source(f"{memory}/list.csv", labels="kind")
    assert (listing.root, paths(listing), labels(listing)) == ("memory://bucket/b", ["2.jpg"], ["cat"])


def test_unknown_services(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SourceError, match="nosuch://x"):
        list_source("nosuch://x")
    monkeypatch.setitem(sys.modules, "s3fs", None)
    monkeypatch.delitem(sys.modules["fsspec.registry"]._registry, "s3", raising=False)
    with pytest.raises(MissingExtraError, match=r'pip install "imgsim-kit\[s3\]"'):
        list_source("s3://x")


def test_reading_never_blocks_and_says_why(folder: Path) -> None:
    os.mkfifo(folder / "pipe.jpg")
    for name, reason in (("pipe.jpg", "pipe"), ("b", "directory"), ("none.jpg", "no such file"), ("a\0b", "null")):
        with pytest.raises(Exception, match=reason) as caught:
            LocalFiles(str(folder)).read(name)
        assert caught.value.stage == "read"
    with pytest.raises(Exception, match="no such file"):
        RemoteFiles("memory://bucket").read("none.jpg")


def test_services_that_fail(monkeypatch: pytest.MonkeyPatch, memory: str) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise RuntimeError("the service is on strike")

    monkeypatch.setattr("fsspec.implementations.memory.MemoryFileSystem.find", refuse)
    with pytest.raises(SourceError, match="on strike"):
        list_source(memory)
    monkeypatch.setattr("fsspec.implementations.memory.MemoryFileSystem.cat_file", refuse)
    with pytest.raises(ImageError, match="on strike"):
        RemoteFiles(memory).read("top.jpg")
    monkeypatch.undo()


def test_an_image_without_an_extension_is_told_by_its_first_bytes(folder: Path) -> None:
    jpeg = b"\xff\xd8\xff\xe0 and so on"
    for name in ("b/scan", "b/Dr. No (1962)", "b/tmp", "b/photo.dat"):
        (folder / name).write_bytes(jpeg)
    (folder / "b" / "README").write_bytes(b"text")
    listing = list_source(folder / "b")
    assert paths(listing) == ["1.PNG", "2.jpg", "Dr. No (1962)", "scan"]
    assert dict(listing.skipped) == {"README": "no extension", "photo.dat": ".dat", "tmp": "temporary file"}
    memory = fsspec.filesystem("memory")
    memory.pipe_file("/nameless/scan", jpeg)
    memory.pipe_file("/nameless/README", b"text")
    try:
        listing = list_source("memory://nameless")
        assert (paths(listing), listing.skipped) == (["scan"], [("README", "no extension")])
    finally:
        memory.rm("/nameless", recursive=True)


def test_what_vanishes_while_it_is_listed_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that goes away between the listing of its parent and its own."""
    visit = Walk._visit

    def remove_first(self: Walk, prefix: str) -> None:
        if prefix == "a/":
            shutil.rmtree(folder / "a")
        visit(self, prefix)

    monkeypatch.setattr(Walk, "_visit", remove_first)
    listing = list_source(folder)
    assert paths(listing) == ["a.jpg", "b/1.PNG", "b/2.jpg", "top.jpeg"]
    assert listing.rejected == [("a", "the folder cannot be listed: there is no such file")]


def test_one_entry_that_fails_costs_the_others_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: Walk, path: str) -> bytes:
        raise OSError(errno.EIO, "Input/output error", path)

    (folder / "scan").write_bytes(b"x")
    monkeypatch.setattr(Walk, "_first_bytes", fail)
    listing = list_source(folder)
    assert len(paths(listing)) == 5
    assert listing.rejected == [("scan", "input/output error")]


def test_a_name_that_is_too_long_is_an_error_that_names_it(tmp_path: Path) -> None:
    for name in ("x" * 300, "x" * 5000):
        with pytest.raises(SourceError, match="name too long"):
            list_source(tmp_path / name)


def test_anything_that_is_a_path_can_be_listed(folder: Path) -> None:
    entries = [entry for entry in os.scandir(folder) if entry.is_file()]
    given = [*entries, PurePosixPath(folder / "b/2.jpg"), (folder / "a.jpg").as_uri()]
    listing = list_source(given)
    assert len(listing.entries) == len(given)
    assert listing.root == str(folder)


def test_a_table_in_memory_needs_no_current_folder(folder: Path, tmp_path: Path) -> None:
    code = "import os, sys, pandas, imgsim.images.list_source as l; os.chdir(sys.argv[1]); os.rmdir(sys.argv[1]);"
    code += "print(l.list_source(pandas.DataFrame({'path': [sys.argv[2]]})).entries[0].path)"
    (tmp_path / "gone").mkdir()
    line = [sys.executable, "-c", code, str(tmp_path / "gone"), str(folder / "a.jpg")]
    assert subprocess.run(line, capture_output=True, text=True, check=True).stdout == "a.jpg\n"


def test_excluded_names_must_be_text(folder: Path) -> None:
    with pytest.raises(ArgumentTypeError, match="exclude="):
        list_source(folder, exclude=3)  # type: ignore[arg-type]


def test_a_web_address_with_a_slash_is_a_folder(folder: Path) -> None:
    handler = partial(SimpleHTTPRequestHandler, directory=folder)
    handler.log_message = lambda *_: None  # type: ignore[attr-defined]
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    try:
        assert [entry.path for entry in list_source(f"{address}/b/").entries] == ["1.PNG", "2.jpg"]
        assert "b/2.jpg" in [entry.path for entry in list_source(address).entries]
    finally:
        server.shutdown()
        server.server_close()
    with pytest.raises(SourceError, match=r"a\.jpg cannot be listed: .*connect"):
        list_source(f"{address}/a.jpg")
