"""Zero-shot classification: the labels, written as sentences, that fit each reference image best."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from imgsim import arguments
from imgsim.errors import ArgumentError, ArgumentTypeError
from imgsim.references.text_query import check_text, text_space

if TYPE_CHECKING:
    from imgsim.references.references import References
    from imgsim.references.text_space import TextSpace

OUTPUTS = ("best", "all")
COLUMNS = ("id", "label", "score")
_BLOCK = 16_384


def classify(references: References, labels: Sequence[str], template: str, output: str) -> pd.DataFrame:
    """Score labels for the reference images; see `SimilarityModel.classify`."""
    arguments.one_of(output, OUTPUTS, "output")
    names = _names(labels)
    sentences = [check_text(template.replace("{}", name), "a label") for name in names] if _fits(template) else []
    space = text_space(references)
    if len(names) < 2 and space.settings.logit_bias is None:
        raise ArgumentError("give at least two labels: this network only says which of several fits best.")
    vectors, found = space.texts(sentences), np.array(names, object)
    if output == "best":
        best = [(scores.argmax(axis=1), scores.max(axis=1)) for scores in _scores(space, vectors)]
        columns = (references.ids, found[np.concatenate([i for i, _ in best])], np.concatenate([s for _, s in best]))
    else:
        scores = np.concatenate(list(_scores(space, vectors)))
        count = len(names)
        columns = np.repeat(references.ids, count), np.tile(found, len(references)), scores.reshape(-1)
    return pd.DataFrame(dict(zip(COLUMNS, columns, strict=True)))


def _fits(template: Any) -> bool:
    if not isinstance(template, str):
        raise ArgumentTypeError(f"template must be a text, not {type(template).__name__}.")
    if "{}" not in template:
        raise ArgumentError(f"template must hold {{}} where the label stands, not {template!r:.80}.")
    return True


def _names(labels: Any) -> list[str]:
    if isinstance(labels, str) or not isinstance(labels, Sequence):
        raise ArgumentTypeError(f"labels must be a list of texts, not {type(labels).__name__}.")
    names = [check_text(label, "a label") for label in labels]
    if not names:
        raise ArgumentError("labels is empty: give the labels to choose from.")
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ArgumentError(f"labels holds {twice!r:.80} more than once.")
    return names


def _scores(space: TextSpace, texts: NDArray[np.float32]) -> Iterator[NDArray[np.float64]]:
    """Yield the scores (rows, labels) of the images, block by block: softmax, or sigmoid where there is a bias."""
    settings = space.settings
    for start in range(0, len(space.rows), _BLOCK):
        logits = settings.logit_scale * (space.rows[start : start + _BLOCK] @ texts.T).astype(np.float64)
        if settings.logit_bias is not None:
            yield np.exp(-np.logaddexp(0, -(logits + settings.logit_bias)))
            continue
        raised = np.exp(logits - logits.max(axis=1, keepdims=True))
        yield raised / raised.sum(axis=1, keepdims=True)
