"""Queries in words: texts, and texts mixed with pictures, as vectors of the space that both share."""

from __future__ import annotations

import numbers
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from imgsim.backbones.text.tokenizer import MOST_CHARACTERS
from imgsim.errors import ArgumentError, ArgumentTypeError, BackboneError, QueryError
from imgsim.references.query import resolve
from imgsim.references.text_space import unit_rows

if TYPE_CHECKING:
    from imgsim.neighbors.search import Searcher
    from imgsim.references.references import References
    from imgsim.references.text_space import TextSpace

Matrix = NDArray[np.float32]
Weighted = dict[str, float]
MOST_WEIGHT = 1_000_000
_ZERO = 1e-6
"""Length, as a share of the weights, below which a sum of unit vectors is nothing but rounding."""


def text_space(references: References) -> TextSpace:
    """Return the space that pictures and texts share.

    Raises
    ------
    BackboneError
        The model has no text tower.
    """
    if references.text is not None:
        return references.text
    name = references.backbone.name
    if references.backbone.has_text:
        raise BackboneError(
            f"this model holds no text tower, though its network {name} has one: it could not be exported when the "
            "model was created. Create the model again, and see the warning."
        )
    raise BackboneError(
        f"this model's network ({name}) has no text tower, so it cannot be asked in words. Create the model with one "
        "of images and texts, such as backbone='open_clip:ViT-B-32/laion2b_s34b_b79k' or "
        "'transformers:google/siglip-base-patch16-224'."
    )


def resolve_mixed(references: References, x: Any, text: Any) -> tuple[Matrix, Searcher]:
    """Return the vectors of queries, (m, d) float32, and the search over the space that they lie in.

    Raises
    ------
    ArgumentTypeError
        There is neither a picture nor a text.
    """
    if x is None and text is None:
        raise ArgumentTypeError("cannot search for nothing: give x= (pictures, ids or vectors), text=, or both.")
    if text is None:
        return resolve(references, x), references.search
    pictures = None if x is None else lambda: picture_vectors(references, x)
    return text_vectors(references, text, pictures), text_space(references).search


def picture_vectors(references: References, x: Any) -> Matrix:
    """Return the vectors of pictures in the space of texts, (m, d) float32 of length 1; errors as `resolve`."""
    return unit_rows(resolve(cast("References", _Unprojected(references, text_space(references))), x))


class _Unprojected:
    """Stand-in for references in `resolve`, with their vectors in the space of texts: the features themselves."""

    projection, plain = None, None

    def __init__(self, references: References, space: TextSpace) -> None:
        self.embeddings, self.ids, self.backbone = space.rows, references.ids, references.backbone
        self.runtime, self.has_id = references.runtime, references.has_id
        self.rows_of_ids, self.row_of_content = references.rows_of_ids, references.row_of_content


def text_vectors(references: References, text: Any, pictures: Callable[[], Matrix] | None = None) -> Matrix:
    """Return the vectors of queries with texts, (m, d) float32 of length 1.

    Parameters
    ----------
    references : References
    text : str, mapping of str to float, or a list of those
        Of a list each is a query.
    pictures : callable, optional
        Returns the vectors (m, d) of pictures, of length 1. To each the text is added, or its own one of a list.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        An empty or overlong text, a weight that is no number, or a list of another length than the pictures.
    BackboneError
        The model has no text tower.
    QueryError
        A query adds up to nothing.
    """
    queries = [_weighted(item) for item in (text if isinstance(text, (list, tuple)) else [text])]
    if not queries:
        raise QueryError("the list of texts is empty: nothing to look for.")
    space = text_space(references)
    distinct = list(dict.fromkeys(word for query in queries for word in query))
    vectors = dict(zip(distinct, space.texts(distinct).astype(np.float64), strict=True))
    sums = np.stack([sum(weight * vectors[word] for word, weight in query.items()) for query in queries])
    reach = np.array([sum(map(abs, query.values())) for query in queries])
    if pictures is not None:
        found = pictures()
        if len(sums) not in (1, len(found)):
            raise ArgumentError(f"{len(sums)} texts for {len(found)} pictures; give one for all, or one for each.")
        sums, reach = sums + found, np.broadcast_to(reach + 1, len(found))
    scaled: Any = sums / np.where(reach > 0, reach, 1)[:, None]  # no weight is too small or too large
    if (nothing := np.linalg.norm(scaled, axis=1) <= _ZERO).any():
        raise QueryError(f"query {int(nothing.argmax())} adds up to nothing: its texts and pictures cancel out.")
    return unit_rows(scaled)


def names_of(text: Any) -> list[str]:
    """Return what each query of a text is called: the text, or its parts with their weights."""
    items = text if isinstance(text, (list, tuple)) else [text]
    return [item if isinstance(item, str) else _name(item) for item in items]


def _name(item: Mapping[str, float]) -> str:
    parts = [f"{'-' if weight < 0 else '+'} {_factor(abs(weight))}{word}" for word, weight in item.items()]
    return " ".join(parts).removeprefix("+ ")


def _factor(weight: float) -> str:
    return "" if weight == 1 else f"{weight:.4g} * "


def _weighted(item: Any) -> Weighted:
    """Return one query as texts with weights."""
    if not isinstance(item, (str, Mapping)):
        raise ArgumentTypeError(
            f"text must be a text, a mapping of texts to weights, or a list of those, not {type(item).__name__}."
        )
    weights = {item: 1.0} if isinstance(item, str) else dict(item)
    if not weights:
        raise QueryError("the mapping of texts is empty: nothing to look for.")
    return {check_text(word, "text"): _weight(word, weight) for word, weight in weights.items()}


def check_text(text: Any, name: str) -> str:
    """Return a text that can be asked.

    Raises
    ------
    ArgumentTypeError, ArgumentError
        No text, an empty one, or one of more than 10,000 characters.
    """
    if not isinstance(text, str):
        raise ArgumentTypeError(f"{name} must be a text, not {type(text).__name__}.")
    if not text.strip():
        raise ArgumentError(f"{name} is empty: write what to look for.")
    if len(text) > MOST_CHARACTERS:
        raise ArgumentError(f"{name} has {len(text):,} characters; at most {MOST_CHARACTERS:,} are read.")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ArgumentError(f"{name} holds half a character (a lone surrogate): {text!r:.80}.") from None
    return text


def _weight(word: str, weight: Any) -> float:
    if isinstance(weight, bool) or not isinstance(weight, numbers.Real):
        raise ArgumentTypeError(f"the weight of {word!r:.60} must be a number, not {weight!r:.40}.")
    number: Any = weight  # a whole number may be too large for a float
    if not -MOST_WEIGHT <= number <= MOST_WEIGHT:
        raise ArgumentError(
            f"the weight of {word!r:.60} must be a number from -{MOST_WEIGHT:,} to {MOST_WEIGHT:,}, not {weight!s:.40}."
        )
    return float(weight)
