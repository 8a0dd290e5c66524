"""`TextTower`: the half of an image-text network that reads words, and its tokenizer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn

LOGIT_SCALE = 100.0
"""The largest scale that CLIP was trained with (Radford et al. 2021), which nearly every CLIP has reached."""


@dataclass(frozen=True)
class TextTower:
    """A network from tokens to vectors of the image features' space, with its tokenizer.

    Parameters
    ----------
    module : torch.nn.Module
        Tokens (1, context) int64 to a vector (1, dim) float32, of any length.
    tokenizer : str
        JSON of the library ``tokenizers``, which pads and cuts each text to ``context`` tokens.
    context : int
        Tokens of a text.
    logit_scale : float
        Factor of the cosine of picture and text, before the softmax over several texts.
    logit_bias : float, optional
        Added to that product where the network was trained with a sigmoid for each pair (SigLIP; Zhai et al. 2023).
    ids_of : callable, optional
        A text to its tokens by the network's own library; the export compares ``tokenizer`` with it.
    """

    module: nn.Module
    tokenizer: str
    context: int
    logit_scale: float = LOGIT_SCALE
    logit_bias: float | None = None
    ids_of: Callable[[str], Sequence[int]] | None = None
