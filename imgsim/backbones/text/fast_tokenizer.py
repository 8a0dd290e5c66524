"""Tokenizers of the library ``transformers`` as JSON of the library ``tokenizers``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imgsim.backbones.text.tokenizer import set_length
from imgsim.errors import BackboneError

if TYPE_CHECKING:
    from tokenizers import normalizers


def padded(tokenizer: Any, context: int, before: normalizers.Sequence | None = None) -> str:
    """Return the JSON of a fast tokenizer that pads and cuts each text to ``context`` tokens.

    Parameters
    ----------
    tokenizer : transformers.PreTrainedTokenizerBase
    context : int
    before : tokenizers.normalizers.Sequence, optional
        Cleaning of the text before the tokenizer's own.

    Raises
    ------
    BackboneError
        It is not one of the fast kind.
    """
    from tokenizers import Tokenizer, normalizers

    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        raise BackboneError(
            f"{type(tokenizer).__name__} is no fast tokenizer; a network with a tokenizer.json can be asked in words."
        )
    copy: Any = Tokenizer.from_str(backend.to_str())
    if before is not None:
        own = [] if copy.normalizer is None else [copy.normalizer]
        copy.normalizer = normalizers.Sequence([before, *own])
    set_length(copy, context, int(tokenizer.pad_token_id or 0), str(tokenizer.pad_token or "[PAD]"))
    return str(copy.to_str())
