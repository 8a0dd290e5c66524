"""Computation of insights by name; measures that several insights need are computed once."""

from __future__ import annotations

import inspect
import math
import numbers
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from imgsim import arguments
from imgsim.errors import ArgumentError, ArgumentTypeError
from imgsim.insights.registry import INSIGHTS
from imgsim.references.references import References

if TYPE_CHECKING:
    from imgsim.features.store import FeatureStore
    from imgsim.insights.measures import Traits
    from imgsim.references.insight import Insight


class Computation:
    """Computes insights of one set of reference images and stores them there.

    Parameters
    ----------
    references : References
    store : FeatureStore, optional
        Keeps measures of pictures by content; without one they are computed again from the thumbnails.
    progress : bool
        Say on stderr what is being done when it takes long.
    """

    def __init__(self, references: References, store: FeatureStore | None = None, progress: bool = False) -> None:
        self._references, self._store, self._progress = references, store, progress

    @cached_property
    def traits(self) -> Traits:
        """Measures of every picture, computed once from its thumbnail."""
        from imgsim.insights.measures import measure_traits

        return measure_traits(self._references, self._store, self._progress)

    @cached_property
    def pictures(self) -> NDArray[np.int64]:
        """For each row the first row of the same picture, as evaluated, or found once."""
        from imgsim.insights.duplicates.pictures import find_pictures

        evaluation = self._references.evaluation
        known = None if evaluation is None else evaluation.pictures
        return find_pictures(self._references, self._store, self._progress) if known is None else known

    def find(self, name: str, **params: Any) -> Insight:
        """Compute one insight.

        Raises
        ------
        ArgumentError
            An unknown name or parameter.
        """
        if name not in INSIGHTS:
            raise ArgumentError(f"there is no insight {name!r}; there are {', '.join(INSIGHTS)}.")
        kind = INSIGHTS[name]
        if set(params) - set(kind.params):
            raise ArgumentError(
                f"{name} has no parameter {sorted(set(params) - set(kind.params))}; it has {kind.params}."
            )
        _check_params(kind.find, params)
        if "progress" in kind.params:
            params = {"progress": self._progress, **params}
        found = kind.find(self._references, *(self._needed(need) for need in kind.needs), **params)
        self._references.insights[name] = found
        return found

    def _needed(self, name: str) -> Any:
        """Return traits, pictures or another insight; an insight that is not stored is computed."""
        if name in ("traits", "pictures"):
            return getattr(self, name)
        return self._references.insights.get(name) or self.find(name)


def _check_params(find: Callable[..., Insight], params: Mapping[str, Any]) -> None:
    """Refuse a parameter of another kind than its default: numbers are finite numbers, texts are texts."""
    for name, given in params.items():
        default = inspect.signature(find).parameters[name].default
        if isinstance(default, bool):
            arguments.boolean(given, name)
        if isinstance(default, bool) or not isinstance(default, (int, float, str)):
            continue
        kind: type = str if isinstance(default, str) else numbers.Real
        if isinstance(given, bool) or not isinstance(given, kind):
            raise ArgumentTypeError(f"{name} must be like {default!r}, not {type(given).__name__}.")
        if isinstance(given, numbers.Real) and not math.isfinite(given):
            raise ArgumentError(f"{name} must be finite, not {given}.")


def compute(
    references: References,
    names: Iterable[str] | None = None,
    store: FeatureStore | None = None,
    params: Mapping[str, Any] | None = None,
    progress: bool = False,
) -> dict[str, Insight]:
    """Compute insights of reference images and store them there.

    Parameters
    ----------
    references : References
    names : iterable of str, optional
        Some of `imgsim.insights.registry.INSIGHTS`; default: all.
    store : FeatureStore, optional
        Keeps measures of pictures by content.
    params : mapping, optional
        Parameters of each insight that is named.
    progress : bool
        Say on stderr what is being done when it takes long.

    Raises
    ------
    ArgumentError
        An unknown name or parameter.
    """
    computation = Computation(references, store, progress)
    return {name: computation.find(name, **(params or {})) for name in (INSIGHTS if names is None else names)}
