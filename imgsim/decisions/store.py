"""`Decisions`: what people decide about pictures, by the content of their files."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from imgsim import arguments
from imgsim.decisions import arguments as checked
from imgsim.decisions.address import read_address
from imgsim.decisions.current import current, deciders, tagged
from imgsim.decisions.database import Database
from imgsim.decisions.events import Event, add_action, has_events, marked, remove_events
from imgsim.decisions.history import Undone, find_target, history, newest
from imgsim.decisions.kinds import ALIKE, FORGET, KEEP, MARKS, NOT_ALIKE, SPARE, TAGGED, Kind
from imgsim.errors import ArgumentError

if TYPE_CHECKING:
    import pandas as pd


class Decisions:
    """Store of what people decide about pictures: labels, tags, pairs, copies to keep, reviews.

    A picture is named by the sha256 of its file's bytes, so that decisions outlive versions, renames and moves. Each
    call that decides is one action with a number, a time, a person and the version that was looked at; nothing is
    overwritten, and the last decision about a thing counts. Several processes and machines may write at once. Every
    method may raise `DecisionsError`, if the database cannot be used.

    Parameters
    ----------
    url : str or Path, optional
        ``postgresql://USER:PASSWORD@HOST/DATABASE``, ``sqlite:///PATH``, or the path of a SQLite file. Default:
        ``$IMGSIM_DECISIONS``, else ``decisions.db`` in ``$IMGSIM_HOME``. It is made by the first decision.

    Raises
    ------
    ArgumentError
        An address of something else.
    MissingExtraError
        PostgreSQL's driver is not installed.
    """

    def __init__(self, url: str | Path | None = None) -> None:
        self._database = Database(read_address(url))
        self._person: str | None = None

    @property
    def url(self) -> str:
        """Address of the store, without user and password."""
        return self._database.address.shown

    def as_person(self, name: str | None) -> Decisions:
        """Return the same store with another default of ``by``: this person; None for the login name.

        Raises
        ------
        ArgumentError
            An empty name.
        """
        found = copy.copy(self)
        found._person = checked.optional_text(name, "name")
        return found

    def set_label(
        self, sha256s: str | Iterable[str], label: str | None, *, by: str | None = None, version: str | None = None
    ) -> int:
        """Label pictures; None takes the decided label back.

        Parameters
        ----------
        sha256s : str or iterable of str
            Pictures, by the sha256 of their files.
        label : str or None
        by : str, optional
            Who decides; default: the person of `as_person`, else the login name.
        version : str, optional
            What was looked at, such as ``"models:/imgsim-photos/3"``.

        Returns
        -------
        int
            Number of the action.

        Raises
        ------
        ArgumentError, ArgumentTypeError
            No sha256, or an empty label.
        """
        value = checked.optional_text(label, "label")
        found = checked.pictures(sha256s)
        kind = "unmark label" if label is None else "label"
        return self.record(kind, [Event(Kind.LABEL, one, value) for one in found], by=by, version=version)

    def add_tag(
        self, sha256s: str | Iterable[str], tag: str, *, by: str | None = None, version: str | None = None
    ) -> int:
        """Tag pictures; arguments, result and errors as `set_label`."""
        key, found = checked.tag(tag), checked.pictures(sha256s)
        rows = [Event(Kind.TAG, one, TAGGED, key=key) for one in found]
        return self.record("tag", rows, by=by, version=version)

    def remove_tag(
        self, sha256s: str | Iterable[str], tag: str, *, by: str | None = None, version: str | None = None
    ) -> int:
        """Remove a tag from pictures; arguments, result and errors as `set_label`."""
        key, found = checked.tag(tag), checked.pictures(sha256s)
        return self.record("untag", [Event(Kind.TAG, one, None, key=key) for one in found], by=by, version=version)

    def mark(
        self,
        sha256s: str | Iterable[str],
        mark: str,
        *,
        group: str | None = None,
        by: str | None = None,
        version: str | None = None,
    ) -> int:
        """Mark pictures.

        Parameters
        ----------
        sha256s : str or iterable of str
            Pictures, by the sha256 of their files.
        mark : str
            ``"keep"`` or ``"spare"`` (of several copies), ``"reviewed"``, or ``"not_duplicates"``: no two of these
            pictures are copies of each other.
        group : str, optional
            Name of the group of copies in which ``keep`` or ``spare`` was decided.
        by, version
            As `set_label`.

        Returns
        -------
        int
            Number of the action.

        Raises
        ------
        ArgumentError, ArgumentTypeError
            No sha256, another mark, or too many pictures that are not duplicates.
        """
        arguments.one_of(mark, MARKS, "mark")
        if group is not None and mark not in (KEEP, SPARE):
            raise ArgumentError(f"group= belongs to {KEEP} and {SPARE}, not to {mark}.")
        return self.record(mark, marked(sha256s, mark, mark, group), by=by, version=version)

    def unmark(
        self, sha256s: str | Iterable[str], mark: str, *, by: str | None = None, version: str | None = None
    ) -> int:
        """Take marks back; ``keep`` and ``spare`` both take back which of them it is. Otherwise as `mark`."""
        arguments.one_of(mark, MARKS, "mark")
        return self.record(f"unmark {mark}", marked(sha256s, mark, None), by=by, version=version)

    def mark_pairs(
        self,
        lefts: str | Iterable[str],
        rights: str | Iterable[str],
        alike: bool | None,
        *,
        by: str | None = None,
        version: str | None = None,
    ) -> int:
        """Mark pairs of pictures as alike (True) or not alike (False); None takes it back.

        Parameters
        ----------
        lefts, rights : str or iterable of str
            The pictures of each pair, by the sha256 of their files; which of them is left makes no difference.
        alike : bool or None
        by, version
            As `set_label`.

        Returns
        -------
        int
            Number of the action.

        Raises
        ------
        ArgumentError, ArgumentTypeError
            No sha256; different numbers of both; a picture with itself.
        """
        value = None if alike is None else ALIKE if arguments.boolean(alike, "alike") else NOT_ALIKE
        rows = [Event(Kind.PAIR, one, value, other) for one, other in checked.pairs(lefts, rights)]
        return self.record(value or "unmark pair", rows, by=by, version=version)

    def record(self, kind: str, rows: Sequence[Event], *, by: str | None = None, version: str | None = None) -> int:
        """Store one action with its decisions, which were checked before; all of them or none.

        Returns
        -------
        int
            Number of the action.
        """
        person, seen = checked.person(self._person if by is None else by), checked.optional_text(version, "version")
        with self._database.writing() as connection:
            return add_action(connection, kind, person, rows, version=seen)

    def undo(self, action: int | None = None, *, by: str | None = None) -> Undone:
        """Undo an action; its decisions no longer count, and what held before holds again.

        To undo an undo is to redo: the first action counts again. What others decided later about the same pictures
        stays. A removal by `forget` cannot be undone.

        Parameters
        ----------
        action : int, optional
            Number of an action, of anybody; default: this person's last one that counts.
        by : str, optional
            Who undoes; default as `set_label`.

        Returns
        -------
        Undone
            The action that was undone or redone, and the number of the new one.

        Raises
        ------
        ArgumentError
            There is no such action, it was undone before, or there is nothing to undo.
        """
        number = None if action is None else arguments.positive_int(action, "action")
        person = checked.person(self._person if by is None else by)
        with self._database.reading() as there:
            if there is None:
                raise ArgumentError(f"there is nothing to undo: nothing was decided in {self.url}.")
        with self._database.writing() as connection:
            found = find_target(connection, number, person)
            return replace(found, action=add_action(connection, found.done, person, target=found.target))

    def forget(self, sha256s: str | Iterable[str], *, by: str | None = None) -> int:
        """Remove all decisions about pictures for good, from the history too.

        Returns
        -------
        int
            How many rows were removed.
        """
        found = checked.pictures(sha256s)
        person = checked.person(self._person if by is None else by)
        with self._database.reading() as there:
            if there is None or not has_events(there, found):
                return 0
        with self._database.writing() as connection:
            removed = remove_events(connection, found)
            add_action(connection, FORGET, person)
        self._database.checkpoint()
        return removed

    def current(self, kind: Kind) -> list[Event]:
        """Return the decisions of a kind that hold now, in the order of pictures, other pictures and keys."""
        with self._database.reading() as connection:
            return current(connection, kind)

    def deciders(self, kind: Kind) -> dict[tuple[str, str, str], str]:
        """Return who took each decision of a kind that holds now, by picture, other picture and key."""
        with self._database.reading() as connection:
            return deciders(connection, kind)

    def labels(self) -> dict[str, str]:
        """Return the decided label of each picture that has one, by its sha256."""
        return {one.sha256: one.value for one in self.current(Kind.LABEL) if one.value is not None}

    def tags(self) -> dict[str, tuple[str, ...]]:
        """Return the tags of each picture that has any, sorted, by its sha256."""
        found: dict[str, tuple[str, ...]] = {}
        for one in self.current(Kind.TAG):
            found[one.sha256] = (*found.get(one.sha256, ()), one.key)
        return found

    def tagged(self) -> dict[str, list[str]]:
        """Return the sha256 of the pictures of each tag, in the order in which they got it."""
        with self._database.reading() as connection:
            return tagged(connection)

    def kept(self) -> set[str]:
        """Return the sha256 of the pictures to keep."""
        return {one.sha256 for one in self.current(Kind.COPY) if one.value == KEEP}

    def spared(self) -> set[str]:
        """Return the sha256 of the pictures that can be spared."""
        return {one.sha256 for one in self.current(Kind.COPY) if one.value == SPARE}

    def reviewed(self) -> set[str]:
        """Return the sha256 of the pictures that were reviewed."""
        return {one.sha256 for one in self.current(Kind.REVIEWED)}

    def pairs(self) -> pd.DataFrame:
        """Return the pairs that are alike or not: columns left, right (sha256, in order) and alike (bool)."""
        import pandas as pd

        rows = [(one.sha256, one.other, one.value == ALIKE) for one in self.current(Kind.PAIR)]
        return pd.DataFrame(rows, columns=["left", "right", "alike"]).astype({"alike": bool})

    def not_duplicates(self) -> set[tuple[str, str]]:
        """Return the pairs of pictures that are no copies of each other: sha256 in order."""
        return {(one.sha256, one.other) for one in self.current(Kind.DUPLICATES)}

    def pictures(self) -> pd.DataFrame:
        """Return all that is decided about single pictures.

        Returns
        -------
        pandas.DataFrame
            A row per picture: sha256, label, tags (tuple of str), copy (keep, spare), group, reviewed (bool). None
            where nothing is decided.
        """
        import pandas as pd

        labels, tags, reviewed = self.labels(), self.tags(), self.reviewed()
        copies = {one.sha256: one for one in self.current(Kind.COPY)}
        rows = [
            (key, labels.get(key), tags.get(key, ()), *_copy(copies.get(key)), key in reviewed)
            for key in sorted({*labels, *tags, *copies, *reviewed})
        ]
        return pd.DataFrame(rows, columns=["sha256", "label", "tags", "copy", "group", "reviewed"], dtype=object)

    def history(self, limit: int | None = 100) -> pd.DataFrame:
        """Return the last actions, the newest first; None: all.

        Returns
        -------
        pandas.DataFrame
            action (number), time (UTC), by, version, kind, value (None if there are several), pictures (number of
            pictures or pairs), undone (bool). The value of an undo or redo is the number of the action it is about.
        """
        with self._database.reading() as connection:
            return history(connection, None if limit is None else arguments.positive_int(limit, "limit"))

    @property
    def last_action(self) -> int:
        """Number of the newest action; 0 before the first. It changes with every change of the store."""
        with self._database.reading() as connection:
            return newest(connection)

    @property
    def digest(self) -> str:
        """Hexadecimal sha256 of the current labels, which is all that a model is made of."""
        return labels_digest(self.labels())

    def close(self) -> None:
        """Close the connections to a server; they are opened again when they are needed."""
        self._database.close()

    def __enter__(self) -> Decisions:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Decisions in {self.url}>"


def _copy(event: Event | None) -> tuple[str | None, str | None]:
    return (None, None) if event is None else (event.value, event.grouping)


def open_decisions(url: str | Path | None = None) -> Decisions:
    """Open the store of decisions; see `Decisions` for the address. Nothing is made before the first decision."""
    return Decisions(url)


def labels_digest(labels: Mapping[str, str]) -> str:
    """Return the hexadecimal sha256 of labels by picture, in whatever order."""
    return hashlib.sha256(json.dumps(sorted(labels.items())).encode()).hexdigest()
