"""Query to rank by: the vector of its terms, their label, and the rows among them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from dashboards.services import search, uploads
from dashboards.services.models.loaded_model import Loaded
from dashboards.services.query_text import PICTURE, Term
from dashboards.services.search import Vector
from dashboards.services.uploads import Picture, Refused

VectorOf = Callable[[Term], "Vector | Refused"]

STEPS = 12
"""Past queries that the URL remembers."""
_BETWEEN = "|"


@dataclass(frozen=True)
class Query:
    """A query that can be ranked.

    Parameters
    ----------
    vector : (d,) float32, or None
        None when the terms cancel each other out.
    label : str or None
        The one label of all that is asked for; None when there is none.
    exclude : tuple of int
        Rows that are the query itself, so not its answer.
    own : tuple of int
        Those, and rows with the bytes of pictures that are asked with.
    in_words : bool
        Whether the vector lies in the space of texts.
    stored : int or None
        Row of the one whole stored picture that is asked with; None for several, a part, and words.
    """

    vector: Vector | None
    label: str | None
    exclude: tuple[int, ...]
    own: tuple[int, ...]
    in_words: bool = False
    stored: int | None = None


def build_query(
    loaded: Loaded,
    terms: Sequence[Term],
    pictures: Mapping[str, Picture],
    vector_of: VectorOf,
    words: Vector | None = None,
) -> tuple[Query | None, list[tuple[Term, Refused]]]:
    """Build the query of terms; terms without a vector are left out and returned with the reason.

    Parameters
    ----------
    loaded : Loaded
    terms : sequence of Term
    pictures : mapping of str to Picture
        Of this session, by key.
    vector_of : callable
        The vector of a term.
    words : (d,) float32, optional
        Vector of a text that is added with weight 1. ``vector_of`` then returns vectors of the same space.
    """
    found = [(term, vector_of(term)) for term in terms]
    refused = [(term, vector) for term, vector in found if isinstance(vector, Refused)]
    good = [(term, vector) for term, vector in found if not isinstance(vector, Refused)]
    said = [] if words is None else [words]
    if not good and not said:
        return None, refused
    weights = [*(term.weight for term, _ in good), *(1.0 for _ in said)]
    vector = search.blend([*(vector for _, vector in good), *said], weights, loaded.unit_length or bool(said))
    rows = [(term, _row(loaded, term, pictures)) for term, _ in good]
    wanted = [row for term, row in rows if term.weight > 0]
    named = not said and None not in wanted
    label = search.common_label(loaded, [row for row in wanted if row is not None]) if named else None
    exclude = tuple(term.row for term, _ in rows if term.row != PICTURE)
    own = tuple(row for _, row in rows if row is not None)
    return Query(vector, label, exclude, own, bool(said), _stored(rows) if named else None), refused


def _stored(rows: Sequence[tuple[Term, int | None]]) -> int | None:
    """Return the row of a query that is one whole stored picture."""
    if len(rows) != 1 or rows[0][0].crop or rows[0][0].weight < 0:
        return None
    return rows[0][1]


def _row(loaded: Loaded, term: Term, pictures: Mapping[str, Picture]) -> int | None:
    """Return the stored image that a term is."""
    if term.row != PICTURE:
        return term.row
    return None if term.crop else uploads.stored_row(loaded, pictures[term.picture])


def past(trail: str) -> list[str]:
    """Split past queries as the URL writes them, the oldest first."""
    return [text for text in trail.split(_BETWEEN) if text.strip()][-STEPS:]


def trail_after(trail: str, before: str, now: str) -> str:
    """Write the trail after a step from ``before`` to ``now``; going to a past query cuts the trail there."""
    steps = past(trail)
    if now in steps:
        steps = steps[: steps.index(now)]
    elif before and before != now:
        steps = [*steps, before]
    return _BETWEEN.join(steps[-STEPS:])
