"""Listing of a source of images (folder, file, pattern, list, table or URL) as paths below one root."""

import glob
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd

from imgsim.errors import ArgumentError, ArgumentTypeError, ImageError, SourceError
from imgsim.images.file_names import has_image_extension, is_utf8, printable
from imgsim.images.list_folder import Walk
from imgsim.images.read_files import LocalFiles
from imgsim.images.read_tables import is_table, path_column, read_frame
from imgsim.io.error_text import explain
from imgsim.io.urls import is_url, join, open_url

FOLDER = "folder"  # the value of ``labels`` that takes the parent folder's name
SPLIT = "split"  # the column of a table that says train, val or test


@dataclass(frozen=True)
class Entry:
    """One file to read: its path below the root, label, split, and modification time if the listing gave it."""

    path: str
    label: str | None
    mtime: float | None = None
    split: str | None = None


@dataclass
class Listing:
    """Listed source: files in order, (path, reason) of those that cannot be listed, number of skipped others.

    ``known`` are the rejected rows (path, stage, reason) that a saved table of images brought along.
    """

    root: str
    entries: list[Entry] = field(default_factory=list)
    rejected: list[tuple[str, str]] = field(default_factory=list)
    skipped: int = 0
    known: list[dict[str, str]] = field(default_factory=list)


def list_source(
    source: Any, recursive: bool = True, labels: str | None = FOLDER, options: Mapping[str, Any] | None = None
) -> Listing:
    """List the images of a source.

    Parameters
    ----------
    source : str, Path, list of those, or pandas.DataFrame
        A folder, a file, a pattern such as ``photos/*.jpg``, a CSV, TSV or Parquet file with a column of
        paths, an fsspec URL of any of these, a list of files or file URLs, or a table in memory.
    recursive : bool
        List folders below a folder too.
    labels : str or None
        ``"folder"``: the parent folder's name; None: no labels; else the name of a table's column.
    options : mapping, optional
        fsspec storage options for URLs.

    Returns
    -------
    Listing
        Folders sorted by path; lists and tables in the order given.

    Raises
    ------
    SourceError
        The source does not exist or cannot be listed.
    ArgumentError
        ``labels`` names a column that the source does not have.
    ArgumentTypeError
        ``source`` is none of the above.
    """
    if labels is not None and not isinstance(labels, str):
        raise ArgumentTypeError(f'labels must be "folder", None or the name of a column, not {labels!r}.')
    if isinstance(source, pd.DataFrame):
        return _list_table(source, str(Path.cwd()), labels)
    if not isinstance(source, (str, os.PathLike)):
        return _list_paths(_as_strings(source), _refuse_column_name(labels, "a list of files"))
    name = os.fspath(source)
    if not isinstance(name, str) or not name:
        raise ArgumentTypeError(f"a source must be text or a path, not {source!r}.")
    if not is_utf8(name):
        raise SourceError(f"{printable(name)}: the name is not valid UTF-8. Rename it, or list a folder above it.")
    if name.startswith(("file://", "local://")):
        name = open_url(name)[1] or "/"
    if is_url(name):
        return _list_url(name, recursive, labels, options)
    return _list_local(_absolute(name), recursive, labels)


def parent_label(path: str) -> str | None:
    """Return the name of the folder a path lies in; None for a path without folder."""
    return path.split("/")[-2] or None if "/" in path else None


def _absolute(path: str) -> str:
    """Return an absolute path without ``..``; links are kept (pathlib has no such operation)."""
    return os.path.abspath(Path(path).expanduser())  # noqa: PTH100


def _refuse_column_name(labels: str | None, kind: str) -> str | None:
    """Return ``labels`` unless it names a column, which a source of this kind does not have."""
    if labels not in (FOLDER, None):
        raise ArgumentError(f'labels={labels!r} names a column, but the source is {kind}: use "folder" or None.')
    return labels


def _list_local(path: str, recursive: bool, labels: str | None) -> Listing:
    if Path(path).is_dir():
        return _list_folder(path, recursive, _refuse_column_name(labels, "a folder"))
    if os.path.lexists(path):
        if is_table(path):
            return _list_table(read_frame(_read_local(path), path), str(Path(path).parent), labels)
        return _list_paths([path], _refuse_column_name(labels, "an image file"))
    matches = sorted(glob.glob(path, recursive=recursive)) if glob.has_magic(path) else []  # noqa: PTH207
    if not matches:
        raise SourceError(f"{path}: there is no such file or folder. Check the spelling and that its disk is there.")
    files = [match for match in matches if has_image_extension(match)]
    return _list_paths(files, _refuse_column_name(labels, "a pattern"))


def _read_local(path: str) -> bytes:
    try:
        return LocalFiles("").read(path)[0]
    except ImageError as error:
        raise SourceError(f"{path} cannot be read: {error.reason}.") from None


def _list_folder(path: str, recursive: bool, labels: str | None) -> Listing:
    try:
        walk = Walk(path, recursive).run()
    except OSError as error:
        raise SourceError(f"{path}: the folder cannot be listed: {explain(error)}. Check its permissions.") from error
    entries = [Entry(name, parent_label(name) if labels else None) for name in walk.paths]
    return Listing(path, entries, walk.rejected, walk.skipped)


def _list_url(url: str, recursive: bool, labels: str | None, options: Mapping[str, Any] | None) -> Listing:
    filesystem, base = open_url(url, options)
    try:
        filesystem.invalidate_cache()
        if glob.has_magic(url) and not filesystem.exists(base):
            names = sorted(str(name) for name in filesystem.glob(base))
            files = [str(filesystem.unstrip_protocol(name)) for name in names if has_image_extension(name)]
            if not names:
                raise FileNotFoundError(url)
            return _list_paths(files, _refuse_column_name(labels, "a pattern"))
        if filesystem.info(base)["type"] == "file":
            if not is_table(base):
                return _list_paths([url], _refuse_column_name(labels, "an image file"))
            table = read_frame(filesystem.cat_file(base), url)
            return _list_table(table, url.rsplit("/", 1)[0], labels)
        found = filesystem.find(base, detail=True) if recursive else _top_level(filesystem, base)
    except (ArgumentError, SourceError):
        raise
    except FileNotFoundError as error:
        raise SourceError(f"{url}: there is no such file or folder. Check the URL and storage_options.") from error
    except Exception as error:  # every service has errors of its own
        raise SourceError(f"{url} cannot be listed: {explain(error)}. Check the URL and storage_options.") from error
    return _sort_remote(url, base, found, _refuse_column_name(labels, "a folder"))


def _top_level(filesystem: Any, base: str) -> dict[str, Any]:
    return {info["name"]: info for info in filesystem.ls(base, detail=True) if info["type"] == "file"}


def _sort_remote(url: str, base: str, found: Mapping[str, Any], labels: str | None) -> Listing:
    root = url if url.endswith("://") else url.rstrip("/")
    listing = Listing(root)
    for name in sorted(found):
        path = name.removeprefix(base).lstrip("/")
        hidden = any(part.startswith(".") for part in path.split("/"))
        if hidden or not has_image_extension(path):
            listing.skipped += 1
        else:
            label = parent_label(path) if labels else None
            listing.entries.append(Entry(path, label, _modified(found[name])))
    return listing


def _modified(info: Mapping[str, Any]) -> float | None:
    """Return the modification time in a listing (seconds since 1970); services name it differently."""
    for key in ("LastModified", "last_modified", "mtime", "updated", "created"):
        value = info.get(key)
        if isinstance(value, datetime):
            return value.timestamp()
        if isinstance(value, (int, float)):
            return float(value)
    return None


def _as_strings(source: Any) -> list[str]:
    if isinstance(source, (bytes, Mapping)) or not isinstance(source, Iterable):
        raise ArgumentTypeError(
            f"a source must be a folder, a file, a URL, a table or a list of files, not {type(source).__name__}."
        )
    paths = []
    for item in source:
        if not isinstance(item, (str, Path)) or not str(item):
            raise ArgumentTypeError(f"a list of images must hold paths, but one item is {item!r}.")
        paths.append(str(item))
    return paths


def _list_table(table: pd.DataFrame, folder: str, labels: str | None) -> Listing:
    """List the files in a table's column of paths; relative paths start at ``folder`` or the table's own root.

    Labels come from the column ``labels``, splits from the column ``split``. A saved table of images keeps its own
    labels and its rejected files.
    """
    if labels not in (FOLDER, None) and labels not in table.columns:
        columns = ", ".join(map(str, table.columns))
        raise ArgumentError(f"there is no column {labels!r} to take labels from; the columns are: {columns}.")
    column = path_column(table)
    saved = str(table.attrs.get("root") or "")
    folder = saved or folder
    if saved and labels == FOLDER and "label" in table.columns:
        labels = "label"
    paths, values, splits, missing = [], [], [], []
    wanted = list(table[labels]) if labels not in (FOLDER, None) else [None] * len(table)
    parts = list(table[SPLIT]) if SPLIT in table.columns else [None] * len(table)
    for row, (path, value, part) in enumerate(zip(table[column], wanted, parts, strict=True)):
        if not isinstance(path, (str, Path)) or not str(path):
            missing.append((f"row {row}", f"the column {column!r} holds no path here"))
            continue
        paths.append(str(path) if is_url(str(path)) or Path(path).is_absolute() else join(folder, str(path)))
        values.append(_text(value))
        splits.append(_text(part))
    listing = _list_paths(paths, FOLDER if labels == FOLDER else None, values, splits, saved)
    listing.rejected.extend(missing)
    for row in table.attrs.get("rejected", []):
        path = row["path"] if listing.root == saved else join(saved, row["path"])
        listing.known.append({**row, "path": path})
    return listing


def _text(value: Any) -> str | None:
    """Return the value of a table's field as text; None if it is empty."""
    return None if pd.isna(value) or value == "" else str(value)


def _list_paths(
    paths: list[str],
    labels: str | None,
    values: list[str | None] | None = None,
    splits: list[str | None] | None = None,
    saved: str = "",
) -> Listing:
    """List given files in order, below the ``saved`` root if it holds them all, else below their common folder."""
    full = [path.rstrip("/") if is_url(path) else _absolute(path) for path in paths]
    root = saved if saved and all(path.startswith(join(saved, "")) for path in full) else _common_root(full)
    if not is_utf8(root):
        raise SourceError(f"{printable(root)}: the name is not valid UTF-8. Rename this folder.")
    listing = Listing(root)
    for i, path in enumerate(full):
        relative = path.removeprefix(root).lstrip("/")
        if not is_utf8(relative):
            listing.rejected.append((printable(relative), "the name is not valid UTF-8: rename it"))
            continue
        label = parent_label(path) if labels == FOLDER else values[i] if values else None
        listing.entries.append(Entry(relative, label, split=splits[i] if splits else None))
    return listing


def _common_root(paths: list[str]) -> str:
    """Return the deepest folder that holds all paths, of one service or this machine.

    Raises
    ------
    SourceError
        Paths of different services (or a mixture of URLs and paths).
    """
    schemes = {path.split("://")[0] if is_url(path) else "" for path in paths}
    if len(schemes) > 1:
        raise SourceError("a list of images must lie in one place, but these need several: load each alone.")
    if not paths:
        return ""
    scheme = schemes.pop()
    parents = [path.partition("://")[2].rpartition("/")[0] if scheme else str(Path(path).parent) for path in paths]
    if not scheme:
        return os.path.commonpath(parents)
    parts = [parent.split("/") for parent in parents]
    common = os.path.commonprefix(parts)  # noqa: RUF071 - compares whole parts here
    return f"{scheme}://{'/'.join(common)}"
