"""Terms of a query, and their text in the URL.

Terms are separated by spaces, ``[-][weight*]key[@left.top.right.bottom]``: the key of an image, or of a picture that is
only in this session (an upload); after ``@`` the part of it that counts, in percent.
"""

from __future__ import annotations

import re
from collections.abc import Container, Sequence
from dataclasses import dataclass, replace

from dashboards.services.models.loaded_model import Loaded

Crop = tuple[int, int, int, int]

MOST_TERMS = 16
MOST_WEIGHT = 5.0
MORE, LESS = 1.0, -0.5
WHOLE: Crop = (0, 0, 100, 100)
PICTURE = -1
"""The row of a term that is a picture of this session, not an image of the model."""

_TERM = re.compile(
    r"(?P<minus>-)?(?:(?P<weight>\d{1,4}(?:\.\d{1,4})?)\*)?(?P<key>.+?)"
    r"(?:@(?P<crop>\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}))?"
)
_PICTURE_KEY = re.compile(r"u[0-9a-f]{12}")


@dataclass(frozen=True)
class Term:
    """A part of a query: an image by row, or a picture of this session by key; minus steers away from it.

    Parameters
    ----------
    row : int
        Of the model, or `PICTURE`.
    weight : float
    crop : (int, int, int, int), optional
        Left, top, right and bottom edge of the part that counts, in percent.
    picture : str
        Key of a picture of this session.
    """

    row: int
    weight: float
    crop: Crop | None = None
    picture: str = ""


def parse_terms(loaded: Loaded, text: str, pictures: Container[str] = ()) -> tuple[list[Term], list[str]]:
    """Read terms from ``text``; return them, and the keys that are unknown here.

    Parameters
    ----------
    loaded : Loaded
    text : str
        As in the URL.
    pictures : container of str
        Keys of pictures of this session.
    """
    terms: list[Term] = []
    missing: list[str] = []
    for word in text.split()[:MOST_TERMS]:
        match = _TERM.fullmatch(word)
        if match is None:
            missing.append(word)
            continue
        key = match["key"]
        row = PICTURE if key in pictures else loaded.row(key)
        weight = min(float(match["weight"] or 1), MOST_WEIGHT) * (-1 if match["minus"] else 1)
        if row is None:
            missing.append(key)
        elif weight:
            crop = sound_crop(*map(int, match["crop"].split("."))) if match["crop"] else None
            terms.append(Term(row, weight, crop, key if row == PICTURE else ""))
    return terms, missing


def is_picture_key(key: str) -> bool:
    """Tell whether a key looks like that of a picture of some session."""
    return _PICTURE_KEY.fullmatch(key) is not None


def format_terms(loaded: Loaded, terms: Sequence[Term]) -> str:
    """Write terms as text that `parse_terms` reads."""
    return " ".join(_format(loaded, term) for term in terms)


def _format(loaded: Loaded, term: Term) -> str:
    size = f"{abs(term.weight):.4g}"
    weight = "" if size == "1" else f"{size}*"
    crop = "@" + ".".join(map(str, term.crop)) if term.crop else ""
    return f"{'-' if term.weight < 0 else ''}{weight}{term.picture or loaded.key(term.row)}{crop}"


def sound_crop(left: int, top: int, right: int, bottom: int) -> Crop | None:
    """Fit a crop into the picture, at least one percent each way; None for all of it."""
    left, top = min(left, 99), min(top, 99)
    crop = (left, top, min(max(right, left + 1), 100), min(max(bottom, top + 1), 100))
    return None if crop == WHOLE else crop


def steered(terms: Sequence[Term], row: int, weight: float) -> list[Term]:
    """Add an image to terms: *more like* by `MORE`, *less like* by `LESS`; what is there already adds up."""
    out = list(terms)
    for position, term in enumerate(out):
        if term.row == row and term.crop is None:
            total = round(min(max(term.weight + weight, -MOST_WEIGHT), MOST_WEIGHT), 4)
            out[position : position + 1] = [replace(term, weight=total)] if total else []
            return out
    return [*out, Term(row, weight)][-MOST_TERMS:]
