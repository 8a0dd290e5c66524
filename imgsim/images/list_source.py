"""Listing of a source of images (folder, file, pattern, list, table or URL) as paths below one root."""

import os
from collections.abc import Iterable, Mapping, Sequence
from functools import reduce
from pathlib import Path
from typing import Any

from imgsim.errors import ArgumentError, ArgumentTypeError, ImageError, SourceError
from imgsim.images.exclude import Exclude
from imgsim.images.file_names import is_utf8, printable
from imgsim.images.list_folder import Walk
from imgsim.images.list_url import RemoteSource
from imgsim.images.listing import AUTO, COLUMN, FOLDER, NONE, TOP_FOLDER, Entry, Listing, parent_name
from imgsim.images.patterns import exclude_unnamed, has_magic, path_matcher, split_pattern
from imgsim.images.read_files import LocalFiles
from imgsim.images.source_table import SPLIT, SourceTable, from_memory, is_memory_table, is_table, read_table
from imgsim.io.archives import archive_url
from imgsim.io.error_text import explain
from imgsim.io.paths import absolute
from imgsim.io.urls import below, common_folder, file_path, full_url, is_url, join, split_url

_NULL = "\0"


def list_source(
    source: Any,
    recursive: bool = True,
    labels: str | None = AUTO,
    options: Mapping[str, Any] | None = None,
    exclude: str | Iterable[str] = (),
) -> Listing:
    """List the images of a source.

    Parameters
    ----------
    source : str, Path, list of those, pandas.DataFrame or pyarrow.Table
        A folder, a file, a pattern such as ``photos/*.jpg``, a ZIP or TAR archive, a CSV, TSV or Parquet file with a
        column of paths, an fsspec URL of any of these, a list of files or file URLs, or a table in memory.
    recursive : bool
        List folders below a folder too.
    labels : str or None
        ``"auto"``: a table's column ``label``, else the parent folders' names if there are several; ``"folder"``: the
        parent folder's name; ``"top-folder"``: the name of the first folder below the source, and of a list below the
        folder that its files share; ``"column"``: a table's column ``label``; ``"none"`` or None: no labels; else the
        name of a table's column.
    options : mapping, optional
        fsspec storage options for URLs.
    exclude : str or iterable of str
        Patterns of names to leave out, see `imgsim.images.exclude.Exclude`.

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
        raise ArgumentTypeError(
            f'labels must be "auto", "folder", "top-folder", "none" or the name of a column, not {labels!r}.'
        )
    labels, rules = labels or NONE, Exclude(exclude)
    if is_memory_table(source):
        return _list_table(from_memory(source), "", labels)
    if not isinstance(source, (str, os.PathLike)):
        return _list_files(_as_strings(source), _refuse_column_name(labels, "a list of files"))
    name = os.fspath(source)
    if not isinstance(name, str) or not name:
        raise ArgumentTypeError(f"a source must be text or a path, not {source!r}.")
    if not is_utf8(name):
        raise SourceError(f"{printable(name)}: the name is not valid UTF-8. Rename it, or list a folder above it.")
    name = file_path(name) or name
    if is_url(name):
        return _list_url(full_url(name), recursive, labels, options, rules)
    return _list_local(_normal(name), recursive, labels, rules)


def _normal(path: str) -> str:
    """Return an absolute path without ``..``; links are kept (pathlib has no such operation)."""
    return os.path.normpath(absolute(path))


def _refuse_column_name(labels: str, kind: str) -> str:
    """Return ``labels`` unless it names a column, which a source of this kind does not have."""
    if labels not in (AUTO, FOLDER, TOP_FOLDER, NONE):
        which = "means" if labels == COLUMN else "names"
        raise ArgumentError(
            f'labels={labels!r} {which} a column, but the source is {kind}: use "folder", "top-folder" or "none".'
        )
    return labels


def _list_local(path: str, recursive: bool, labels: str, rules: Exclude) -> Listing:
    if os.path.isdir(path):  # noqa: PTH112 - pathlib's raises where a name is too long or a folder forbidden
        return _list_folder(path, recursive, _refuse_column_name(labels, "a folder"), rules)
    if os.path.lexists(path):
        if is_table(path):
            return _list_table(read_table(_read_local(path), path, path), str(Path(path).parent), labels)
        if (archive := archive_url(path)) is not None:
            return _list_url(archive, recursive, labels, None, rules)
        return _list_files([path], _refuse_column_name(labels, "an image file"))
    if has_magic(path):
        return _list_pattern(path, recursive, _refuse_column_name(labels, "a pattern"), rules)
    raise _missing(path)


def _missing(path: str) -> SourceError:
    try:
        os.lstat(path)
        reason = "it appeared only now"
    except (FileNotFoundError, NotADirectoryError):
        reason = "there is no such file or folder"
    except (OSError, ValueError) as error:
        reason = explain(error)
    return SourceError(f"{path}: {reason}. Check the spelling and that its disk is there.")


def _read_local(path: str) -> bytes:
    try:
        return LocalFiles("").read(path)[0]
    except ImageError as error:
        raise SourceError(f"{path} cannot be read: {error.reason}.") from None


def _walk(path: str, recursive: bool, rules: Exclude) -> Walk:
    try:
        return Walk(path, recursive, rules).run()
    except OSError as error:
        raise SourceError(f"{path}: the folder cannot be listed: {explain(error)}. Check its permissions.") from error


def _list_folder(path: str, recursive: bool, labels: str, rules: Exclude) -> Listing:
    walk = _walk(path, recursive, rules)
    listing = Listing(path, [Entry(name) for name in walk.paths], walk.rejected, walk.skipped)
    listing.label_by(map(parent_name, walk.paths), labels)
    return listing


def _list_pattern(path: str, recursive: bool, labels: str, rules: Exclude) -> Listing:
    """List the files below the folder where a pattern starts, each once, that match it."""
    start, pattern = split_pattern(path, os.path.lexists)
    root, matches = start or "/", path_matcher(pattern, recursive)
    if not os.path.isdir(root):  # noqa: PTH112
        raise _missing(root)
    walk = _walk(root, "/" in pattern or pattern == "**", exclude_unnamed(rules, pattern))
    found = [join(root, name) for name in walk.paths if matches(name)]
    rejected, skipped = ([row for row in rows if matches(row[0])] for rows in (walk.rejected, walk.skipped))
    if not (found or rejected or skipped):
        raise SourceError(f"{path}: there is no such file: nothing in {root} matches the pattern.")
    listing = _list_files(found, labels)
    listing.root = place = listing.root or root
    listing.rejected += [(os.path.relpath(join(root, name), place), reason) for name, reason in rejected]
    listing.skipped += [(os.path.relpath(join(root, name), place), reason) for name, reason in skipped]
    return listing


def _list_url(url: str, recursive: bool, labels: str, options: Mapping[str, Any] | None, rules: Exclude) -> Listing:
    place = RemoteSource(url, options)
    if not place.is_file():
        listing = place.list(recursive, rules)
        listing.label_by(
            (parent_name(entry.path) for entry in listing.entries), _refuse_column_name(labels, "a folder")
        )
        return listing
    head, inside, links = split_url(url)
    if is_table(inside):
        return _list_table(read_table(place.read(), inside, url), f"{head}{inside.rpartition('/')[0]}{links}", labels)
    if (archive := archive_url(url)) is not None and not links:
        return _list_url(archive, recursive, labels, options, rules)
    return _list_files([url], _refuse_column_name(labels, "an image file"))


def _as_strings(source: Any) -> list[str]:
    if isinstance(source, (bytes, Mapping)) or not isinstance(source, Iterable) or getattr(source, "ndim", 1) != 1:
        raise ArgumentTypeError(
            f"a source must be a folder, a file, a URL, a table or a list of files, not {type(source).__name__}."
        )
    paths = []
    for item in source:
        path = os.fspath(item) if isinstance(item, (str, os.PathLike)) else None
        if not isinstance(path, str) or not path:
            raise ArgumentTypeError(f"a list of images must hold paths, but one item is {item!r}.")
        paths.append(path)
    return paths


def _list_table(table: SourceTable, folder: str, labels: str) -> Listing:
    """List the files in a table's column of paths; relative paths start at ``folder`` or the table's own root.

    Labels come from a column or from the folders, splits from the column ``split``. A saved table of images brings
    its rejected files along.
    """
    column = table.path_column()
    label_column = None if labels in (FOLDER, TOP_FOLDER, NONE) else table.label_column(labels)
    paths = table.texts(column)
    values: list[str | None] = [None] * len(paths)
    if label_column:
        values, labels = table.texts(label_column), NONE
    splits = table.texts(SPLIT) if table.has(SPLIT) else [None] * len(paths)
    start = table.root or folder
    rows = [
        (_resolve(path, start), value, split) for path, value, split in zip(paths, values, splits, strict=True) if path
    ]
    listing = _list_files([path for path, _, _ in rows], labels, table.root, [row[1:] for row in rows])
    if label_column and any(values):
        listing.labels_from = table.labels_from or f"column {label_column!r}"
    holds_none = f"the column {column!r} holds no path here"
    listing.rejected += [
        (f"row {row}", table.bad_rows.get(row, holds_none)) for row, path in enumerate(paths) if not path
    ]
    for known in table.rejected:
        path = known["path"] if listing.root == table.root else join(table.root, known["path"])
        listing.known.append({**known, "path": path})
    return listing


def _resolve(path: str, start: str) -> str:
    r"""Return a path of a table in full: relative to ``start``, to the home folder (``~``), or written with ``\``."""
    if is_url(path) or Path(path).is_absolute():
        return path
    full = join(start, path)
    if is_url(start) or os.path.lexists(full):
        return full
    slashed = join(start, path.replace("\\", "/"))
    return path if path.startswith("~") else slashed if os.path.lexists(slashed) else full


def _list_files(
    paths: Sequence[str], labels: str, saved: str = "", columns: Sequence[tuple[str | None, str | None]] = ()
) -> Listing:
    """List given files in order, below the ``saved`` root if it holds them all, else below their common folder.

    ``columns`` are the label and the split of each, where a table has them.
    """
    full = [_full(path) for path in paths]
    named = [path for path in full if _NULL not in path]
    root = saved
    if named and (not saved or any(below(saved, path) is None for path in named)):
        root = reduce(common_folder, dict.fromkeys(map(_parent, named)))
    if not is_utf8(root):
        raise SourceError(f"{printable(root)}: the name is not valid UTF-8. Rename this folder.")
    listing, folders = Listing(root), []
    for path, (label, split) in zip(full, columns or [(None, None)] * len(full), strict=True):
        inside = below(root, path) or path
        if _NULL in inside or not is_utf8(inside):
            reason = "no name holds a null character" if _NULL in inside else "the name is not valid UTF-8: rename it"
            listing.rejected.append((printable(inside), reason))
            continue
        listing.entries.append(Entry(inside, label, split=split))
        folders.append(_folder_name(path))
    listing.label_by(folders, labels)
    return listing


def _full(path: str) -> str:
    """Return an absolute path or a whole URL; a name that no file can have as it is."""
    path = file_path(path) or path
    if is_url(path):
        return full_url(path).rstrip("/")
    return path if _NULL in path else _normal(path)


def _folder_name(path: str) -> str | None:
    """Return the name of the folder a file lies in; a host or bucket is none."""
    if not is_url(path):
        return parent_name(path)
    _, inside, links = split_url(path)
    return parent_name(inside if links else inside.partition("/")[2])


def _parent(path: str) -> str:
    if not is_url(path):
        return str(Path(path).parent)
    head, inside, links = split_url(path)
    return f"{head}{inside.rpartition('/')[0]}{links}"
