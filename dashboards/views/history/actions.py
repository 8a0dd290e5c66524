"""Actions of the store of decisions in words, each with what undoes or redoes it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from dashboards.services.format import counted, visible
from imgsim.decisions.kinds import FORGET, IMPORT, REDO, UNDO

if TYPE_CHECKING:
    import pandas as pd

_WORDS = {
    "label": "labelled {pictures} {value}",
    "unmark label": "took the label of {pictures} back",
    "tag": "tagged {pictures} {value}",
    "untag": "took the tag {value} from {pictures}",
    "keep": "chose {pictures} to keep",
    "spare": "chose {pictures} to spare",
    "reviewed": "reviewed {pictures}",
    "not_duplicates": "marked {pairs} as no duplicates",
    "alike": "marked {pairs} as alike",
    "not_alike": "marked {pairs} as not alike",
    "unmark pair": "took the marks of {pairs} back",
    UNDO: "undid action {value}",
    REDO: "redid action {value}",
    FORGET: "removed pictures for good",
    IMPORT: "imported {decisions}",
}


@dataclass(frozen=True)
class Action:
    """An action of somebody.

    Parameters
    ----------
    number : int
    time : datetime
        UTC.
    by, words : str
        Who, and what.
    seen : str
        Version that was looked at; may be empty.
    undone : bool
    reverse : int or None
        Number of the action to undo in order to undo this one, or to redo it; None where that cannot be.
    """

    number: int
    time: datetime
    by: str
    words: str
    seen: str
    undone: bool
    reverse: int | None


def actions(history: pd.DataFrame) -> list[Action]:
    """Describe actions as `Decisions.history` lists them, the newest first."""
    undos: dict[int, int] = {}
    for item in history[history["kind"] == UNDO].itertuples():
        undos.setdefault(int(str(item.value)), int(str(item.action)))
    return [
        Action(
            int(item.action),
            item.time.to_pydatetime(),
            visible(item.by),
            _words(item.kind, item.value, int(item.pictures)),
            visible(item.version or ""),
            bool(item.undone),
            _reverse(int(item.action), item.kind, bool(item.undone), undos),
        )
        for item in history.itertuples()
    ]


def _words(kind: str, value: str | None, count: int) -> str:
    known = _WORDS.get(kind, f"{kind.removeprefix('unmark ')}: took {{pictures}} back")
    units = {unit: counted(count, unit[:-1]) for unit in ("pictures", "pairs", "decisions")}
    return known.format(value="with several" if value is None else visible(value), **units)


def _reverse(number: int, kind: str, undone: bool, undos: dict[int, int]) -> int | None:
    if kind in (UNDO, REDO, FORGET):
        return None
    return undos.get(number) if undone else number
