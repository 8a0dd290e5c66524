"""`NetworkOptions`: the arguments that say how a named network is loaded."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from imgsim import arguments
from imgsim.backbones.spec import MAX_INPUT
from imgsim.errors import ArgumentError, ArgumentTypeError
from imgsim.io.paths import expand

RANDOM = "random"
POOLINGS = ("model", "cls", "mean", "gem")
RESIZES = ("stretch", "model")


@dataclass(frozen=True)
class NetworkOptions:
    """Options for loading a named network.

    Parameters
    ----------
    weights : path, optional
        A state dict (.pth or .safetensors). By default the network's own weights are downloaded once and cached by its
        library. ``"random"`` gives seeded, untrained weights: for tests and timings only.
    image_size : int, optional
        Side of the input in pixels; by default the network's own.
    pooling : str
        From the last feature map or tokens to one vector: ``"model"`` (as its library does), ``"cls"`` (the class
        token), ``"mean"``, or ``"gem"`` (generalised mean with power 3; Radenovic et al. 2018).
    resize : str
        ``"stretch"`` to the input's size, or ``"model"``: as its library does, most often the centre is cut out.
    revision : str, optional
        Branch, tag or commit of a hub's repository.
    cache_dir : path, optional
        Folder for downloaded weights; by default the library's own.
    """

    weights: str | Path | None = None
    image_size: int | None = None
    pooling: str = "model"
    resize: str = "stretch"
    revision: str | None = None
    cache_dir: str | Path | None = None

    @property
    def random(self) -> bool:
        """True if the weights are seeded random numbers."""
        return self.weights is not None and str(self.weights) == RANDOM

    @property
    def features(self) -> dict[str, Any]:
        """The options that decide the features, besides the weights, where they differ from their defaults."""
        default = NetworkOptions()
        names = ("image_size", "pooling", "resize", "revision")
        return {name: getattr(self, name) for name in names if getattr(self, name) != getattr(default, name)}

    def checked(self) -> NetworkOptions:
        """Return the options with expanded paths.

        Raises
        ------
        ArgumentError, ArgumentTypeError
            A value outside its domain.
        """
        if self.image_size is not None:
            arguments.positive_int(self.image_size, "image_size")
            if self.image_size > MAX_INPUT:
                raise ArgumentError(f"image_size must be at most {MAX_INPUT} pixels, not {self.image_size}.")
        arguments.one_of(self.pooling, POOLINGS, "pooling")
        arguments.one_of(self.resize, RESIZES, "resize")
        if not isinstance(self.revision, (str, type(None))):
            raise ArgumentTypeError(f"revision must be text, not {type(self.revision).__name__}.")
        weights, cache_dir = _given(self.weights), _given(self.cache_dir)
        return replace(
            self,
            weights=weights if weights is None or self.random else expand(weights, "weights"),
            cache_dir=None if cache_dir is None else expand(cache_dir, "cache_dir"),
            revision=_given(self.revision),
        )

    def refuse_others(self, name: str, *allowed: str) -> None:
        """Refuse options that a network does not have.

        Raises
        ------
        ArgumentError
            One that is not in ``allowed`` differs from its default.
        """
        default = NetworkOptions()
        for option in ("weights", "image_size", "pooling", "resize", "revision", "cache_dir"):
            if option not in allowed and getattr(self, option) != getattr(default, option):
                raise ArgumentError(f"{name} has no option {option}=; leave it out.")


def _given(value: Any) -> Any:
    """Return None for empty text."""
    return None if isinstance(value, str) and not value else value
