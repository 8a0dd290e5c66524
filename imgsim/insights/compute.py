"""Computation of insights by name; measures that several insights need are computed once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from imgsim.errors import ArgumentError
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
        if "progress" in kind.params:
            params = {"progress": self._progress, **params}
        found = kind.find(self._references, *(self._needed(need) for need in kind.needs), **params)
        self._references.insights[name] = found
        return found

    def _needed(self, name: str) -> Any:
        """Return the traits or another insight; an insight that is not stored is computed."""
        return self.traits if name == "traits" else self._references.insights.get(name) or self.find(name)


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
