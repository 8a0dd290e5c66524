"""A tokenizer as JSON of the library ``tokenizers``: its check, and texts to tokens."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from imgsim.errors import ModelFormatError

if TYPE_CHECKING:
    from tokenizers import Tokenizer

PROBES = (
    "a photo of a cat",
    "Two DOGS, on the beach -- at 5:30 p.m.!",
    "It's the photographer's; we'll see, they've said (3 km/h) & more #1",
    "Ein Mädchen mit rotem Schirm, 東京の夜景, красный автомобиль",
    "  spaces\tand\nlines ",
    "naïve café, cafe\u0301, \u201cquoted\u201d \u2018words\u2019 \u2026 \ufb01ne \uff21\uff22\uff23 1\u00bd",
    "emoji \U0001f408 \u2764\ufe0f, a_b {c} <d> [e] ~ ^ \\ |",
    "long " * 120 + "end",
)
"""Texts for which an exported tokenizer must give the tokens of the network's own library."""
MOST_CHARACTERS = 10_000
MOST_TOKENS = 4096
_COMPONENTS = frozenset(
    """
    BPE WordPiece WordLevel Unigram
    Sequence NFC NFD NFKC NFKD Lowercase Strip StripAccents Replace Prepend Nmt Precompiled BertNormalizer ByteLevel
    BertPreTokenizer Whitespace WhitespaceSplit Punctuation Digits Metaspace Split UnicodeScripts CharDelimiterSplit
    TemplateProcessing RobertaProcessing BertProcessing
    ByteFallback Fuse WordPieceDecoder BPEDecoder CTC
    """.split()  # noqa: SIM905
)
_PARTS = ("model", "normalizer", "pre_tokenizer", "post_processor", "decoder")


def set_length(tokenizer: Tokenizer, context: int, pad_id: int, pad_token: str) -> None:
    """Make a tokenizer pad and cut each text to ``context`` tokens, at its end."""
    tokenizer.enable_truncation(context)
    tokenizer.enable_padding(length=context, pad_id=pad_id, pad_token=pad_token)


def open_tokenizer(text: str, context: int) -> Tokenizer:
    """Read a tokenizer that may come from a stranger.

    Raises
    ------
    ModelFormatError
        It is no tokenizer, has a part of an unknown kind, or gives another number of tokens than ``context``.
    """
    from tokenizers import Tokenizer

    try:
        values = json.loads(text)
        unknown = sorted({str(kind) for kind in _kinds(values)} - _COMPONENTS)
        cut, filled = values["truncation"]["max_length"], values["padding"]["strategy"]["Fixed"]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ModelFormatError(f"it is no tokenizer that pads and cuts texts ({error!r:.80})") from None
    if unknown:
        raise ModelFormatError(f"the tokenizer has parts of unknown kinds: {', '.join(unknown)[:200]}")
    if not cut == filled == context:
        raise ModelFormatError(f"the tokenizer gives {cut} to {filled} tokens, the text tower takes {context}")
    try:
        with _no_panic():
            return Tokenizer.from_str(text)
    except Exception as error:  # the library has no class of its own for it
        raise ModelFormatError(f"it is no tokenizer: {error!s:.200}") from error


def tokens(tokenizer: Tokenizer, texts: Sequence[str]) -> NDArray[np.int64]:
    """Return the tokens of texts, (n, context) int64."""
    with _no_panic():
        return np.array([tokenizer.encode(text).ids for text in texts], np.int64)  # a batch would start threads


@contextmanager
def _no_panic() -> Iterator[None]:
    """Raise what Rust calls a panic, which is no `Exception` in Python, as a ModelFormatError."""
    try:
        yield
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        raise ModelFormatError(f"the tokenizer fails: {error!s:.200}") from None


def _kinds(values: Any) -> Iterator[Any]:
    """Yield the kind of each part of a tokenizer, parts of parts too."""
    waiting = [values[name] for name in _PARTS if values.get(name) is not None]
    while waiting:
        part = waiting.pop()
        if not isinstance(part, Mapping):
            raise TypeError(part)
        yield part["type"]
        for name in ("normalizers", "pretokenizers", "processors", "decoders"):
            waiting += part.get(name, [])
