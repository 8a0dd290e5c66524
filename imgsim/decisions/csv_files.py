"""CSV files of decisions: export of what is decided, import of labels that live elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from imgsim import arguments
from imgsim.decisions import arguments as checked
from imgsim.decisions.copies import file_key
from imgsim.decisions.events import Event
from imgsim.decisions.kinds import (
    ALIKE,
    IMPORT,
    KEEP,
    NOT_ALIKE,
    NOT_DUPLICATES,
    PAIR_VALUES,
    REVIEWED,
    SPARE,
    TAGGED,
    Kind,
)
from imgsim.errors import ArgumentError, SourceError
from imgsim.io.atomic import atomic_path
from imgsim.io.csv import write_csv
from imgsim.io.error_text import explain
from imgsim.io.paths import absolute

if TYPE_CHECKING:
    import pandas as pd

    from imgsim.decisions.store import Decisions
    from imgsim.images.table import ImageTable

PICTURE_COLUMNS = ("label", "tags", "copy", "group", "reviewed", "file")
PAIR_COLUMNS = ("left", "right", "decision")
_YES, _NO = ("true", "yes", "1", "reviewed"), ("", "false", "no", "0")


@dataclass(frozen=True)
class Imported:
    """Result of an import.

    ``action`` is the number of the action, None if nothing was new. ``new`` decisions were stored; ``known`` ones were
    in force already. ``unknown`` lists the paths that are not among the images, and ``empty`` counts the rows that
    decide nothing.
    """

    action: int | None
    new: int
    known: int
    unknown: tuple[str, ...]
    empty: int


def export_csv(decisions: Decisions, path: str | Path, images: ImageTable | None = None) -> int:
    """Write what is decided about pictures, and about single files with the same bytes as others.

    The columns are sha256, label, tags (separated by ``;``), copy, group, reviewed and file. A row with a ``file``,
    which is the sha256 of its path, is about that file alone.

    Parameters
    ----------
    decisions : Decisions
    path : str or Path
        File to write, atomically.
    images : ImageTable, optional
        Adds a column ``path`` for the pictures and files it holds.

    Returns
    -------
    int
        Number of rows.
    """
    import pandas as pd

    table = decisions.pictures()
    table["tags"] = [checked.SEPARATOR.join(tags) for tags in table["tags"]]
    files = [
        {"sha256": one.sha256, "copy": one.value, "group": one.grouping, "file": one.key}
        for one in decisions.current(Kind.FILE)
    ]
    table = pd.DataFrame([*table.to_dict("records"), *files], columns=["sha256", *PICTURE_COLUMNS], dtype=object)
    table = table.fillna({"file": ""}).sort_values(["sha256", "file"], ignore_index=True)
    if images is not None:
        paths = dict(zip(reversed(images.sha256), reversed(images.paths), strict=True))
        by_key = {file_key(one): one for one in images.paths} if files else {}
        names = [by_key.get(file) if file else paths.get(key) for key, file in table[["sha256", "file"]].to_numpy()]
        table.insert(1, "path", names)
    return _write(table, path)


def export_pairs_csv(decisions: Decisions, path: str | Path) -> int:
    """Write what is decided about pairs: left, right (sha256) and decision (alike, not_alike, not_duplicates).

    Returns
    -------
    int
        Number of rows.
    """
    import pandas as pd

    alike = decisions.pairs()
    rows = [(one, other, ALIKE if yes else NOT_ALIKE) for one, other, yes in alike.itertuples(index=False)]
    rows += [(*pair, NOT_DUPLICATES) for pair in sorted(decisions.not_duplicates())]
    return _write(pd.DataFrame(rows, columns=list(PAIR_COLUMNS)), path)


def import_csv(
    decisions: Decisions,
    path: str | Path,
    images: ImageTable | None = None,
    *,
    by: str | None = None,
    version: str | None = None,
) -> Imported:
    """Store the decisions of a CSV file, as one action; those that hold already are not stored again.

    Parameters
    ----------
    decisions : Decisions
    path : str or Path
        A file with a column ``sha256`` or ``path`` and at least one of ``label``, ``tags`` (separated by ``;``),
        ``copy`` (keep, spare; with ``file`` of that file alone), ``reviewed`` (true); or with the columns ``left``,
        ``right`` and ``decision``. An empty cell decides nothing, and other columns are not read. It may have been
        written by `export_csv` or `export_pairs_csv`.
    images : ImageTable, optional
        Needed for the column ``path``: as in its ``paths``, or complete.
    by, version
        As `Decisions.set_label`.

    Returns
    -------
    Imported
        Paths that ``images`` does not hold are listed.

    Raises
    ------
    SourceError
        The file cannot be read, has other columns, or decides a thing in two ways.
    ArgumentError
        A value that cannot be.
    """
    file = absolute(path)
    table = _read(file)
    unknown: tuple[str, ...] = ()
    if set(PAIR_COLUMNS) <= set(table.columns):
        found, empty = list(_pairs_in(table, file)), 0
    else:
        keys = _keys(table, file, images)
        unknown = tuple(dict.fromkeys(name for name, key in keys if key is None))
        rows = list(_pictures_in(table, [key for _, key in keys], file))
        found = [event for events in rows for event in events]
        empty = sum(not events for events, (_, key) in zip(rows, keys, strict=True) if key is not None)
    wanted = _each_once(found, file)
    held = {event for kind in {event.kind for event in wanted} for event in decisions.current(kind)}
    new = [event for event in wanted if event not in held]
    action = decisions.record(IMPORT, new, by=by, version=version) if new else None
    return Imported(action, len(new), len(wanted) - len(new), unknown, empty)


def _write(table: pd.DataFrame, path: str | Path) -> int:
    with atomic_path(absolute(path)) as temporary:
        write_csv(table, temporary)
    return len(table)


def _read(file: Path) -> pd.DataFrame:
    import pandas as pd

    try:
        table = pd.read_csv(file, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except (OSError, ValueError) as error:  # ValueError: no UTF-8, no table
        raise SourceError(f"{file} cannot be read as a CSV file: {explain(error)}.") from error
    columns = set(table.columns)
    named, decides = columns & {"sha256", "path"}, columns & {"label", "tags", "copy", "reviewed"}
    if not (named and decides) and not set(PAIR_COLUMNS) <= columns:
        raise SourceError(
            f"{file} has the columns {', '.join(map(str, table.columns))}: needed are sha256 or path, and label, tags, "
            f"copy or reviewed; or {', '.join(PAIR_COLUMNS)}."
        )
    return table


def _keys(table: pd.DataFrame, file: Path, images: ImageTable | None) -> list[tuple[str, str | None]]:
    """Return of each row what it calls its picture, and the sha256 of that; None for an unknown path."""
    sha256s = table["sha256"] if "sha256" in table.columns else [""] * len(table)
    paths = table["path"] if "path" in table.columns else [""] * len(table)
    if images is None and any(path and not key for path, key in zip(paths, sha256s, strict=True)):
        raise SourceError(f"{file} names pictures by path: say which images they are (images=, or --in).")
    by_path: Mapping[str, str] = {}
    if images is not None:
        by_path = dict(zip(images.paths, images.sha256, strict=True))
        by_path |= dict(zip(images.locations, images.sha256, strict=True))
    return [(key or path, key or by_path.get(path)) for path, key in zip(paths, sha256s, strict=True)]


def _pictures_in(table: pd.DataFrame, keys: Iterable[str | None], file: Path) -> Iterator[list[Event]]:
    """Yield the decisions of each row; none for a picture that is not known."""
    used = table[[name for name in PICTURE_COLUMNS if name in table.columns]]
    for line, (key, cells) in enumerate(zip(keys, used.to_dict("records"), strict=True), 2):
        with _located(file, line):
            yield [] if key is None else _decisions_of(key, {str(name): str(cell) for name, cell in cells.items()})


def _decisions_of(sha256: str, cells: Mapping[str, str]) -> list[Event]:
    (key,) = checked.pictures(sha256)
    found = []
    if label := cells.get("label", ""):
        found.append(Event(Kind.LABEL, key, checked.text(label, "label")))
    for tag in filter(str.strip, cells.get("tags", "").split(checked.SEPARATOR)):
        found.append(Event(Kind.TAG, key, TAGGED, key=checked.tag(tag)))
    if copy := cells.get("copy", ""):
        value = arguments.one_of(copy, (KEEP, SPARE), "copy")
        file = checked.pictures(cells["file"], "file")[0] if cells.get("file") else ""
        group = cells.get("group") or None
        found.append(Event(Kind.FILE if file else Kind.COPY, key, value, key=file, grouping=group))
    if (answer := cells.get("reviewed", "").lower()) not in _NO:
        arguments.one_of(answer, _YES, "reviewed")
        found.append(Event(Kind.REVIEWED, key, REVIEWED))
    return found


def _pairs_in(table: pd.DataFrame, file: Path) -> Iterator[Event]:
    rows = zip(*(table[name] for name in PAIR_COLUMNS), strict=True)
    for line, (left, right, decision) in enumerate(rows, 2):
        with _located(file, line):
            kind = PAIR_VALUES[arguments.one_of(decision, PAIR_VALUES, "decision")]
            ((one, other),) = checked.pairs(left, right)
            yield Event(kind, one, decision, other)


@contextmanager
def _located(file: Path, line: int) -> Iterator[None]:
    """Say in which line of the file an error is; lines are counted as if no text held a line break."""
    try:
        yield
    except ArgumentError as error:
        raise SourceError(f"{file}, line {line}: {error}") from error


def _each_once(found: Iterable[Event], file: Path) -> list[Event]:
    """Return each decision once; one thing that is decided in two ways is refused."""
    wanted: dict[tuple[str, ...], Event] = {}
    for event in found:
        first = wanted.setdefault(_thing(event), event)
        if first.value != event.value:
            raise SourceError(
                f"{file} decides {event.kind.value} of {event.sha256[:12]}... in two ways, {first.value!r} and "
                f"{event.value!r}: leave one."
            )
    return list(wanted.values())


def _thing(event: Event) -> tuple[str, ...]:
    return event.kind.value, event.sha256, event.other, event.key
