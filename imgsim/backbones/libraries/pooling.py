"""Pooling of the last feature map, or of the tokens, of a network to one vector."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imgsim.errors import BackboneError

if TYPE_CHECKING:
    from torch import Tensor

GEM_POWER = 3
_LEAST = 1e-6


def pool_map(features: Tensor, pooling: str, name: str) -> Tensor:
    """Pool a feature map (n, dim, height, width) to (n, dim): ``"mean"`` or ``"gem"``.

    Raises
    ------
    BackboneError
        ``"cls"``: a map has no class token.
    """
    if pooling == "cls":
        raise no_class_token(name)
    return _pool(features.flatten(2), pooling)


def pool_tokens(tokens: Tensor, pooling: str, prefix: int) -> Tensor:
    """Pool tokens (n, tokens, dim) to (n, dim); the first ``prefix`` are of no patch, the first is the class token.

    ``"cls"`` takes the class token, ``"mean"`` and ``"gem"`` the patches alone. ``"gem"`` is the generalised mean with
    power 3 of what is positive (Radenovic et al. 2018, Fine-tuning CNN image retrieval with no human annotation).
    """
    return tokens[:, 0] if pooling == "cls" else _pool(tokens[:, prefix:].transpose(1, 2), pooling)


def no_class_token(name: str) -> BackboneError:
    """Return the error of a network that has no class token."""
    return BackboneError(f"{name} has no class token: use pooling='model', 'mean' or 'gem'.")


def _pool(values: Tensor, pooling: str) -> Tensor:
    """Pool (n, dim, places) over places."""
    if pooling == "mean":
        return values.mean(2)
    return values.clamp(min=_LEAST).pow(GEM_POWER).mean(2).pow(1 / GEM_POWER)
