"""Insights by name: which function finds which, and what several of them need is measured once."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Any

from imgsim.errors import ArgumentError

if TYPE_CHECKING:
    from imgsim.features.store import FeatureStore
    from imgsim.insights.measures import Traits
    from imgsim.model import SimilarityModel
    from imgsim.references.insight import Insight

_FOUND_BY = {
    "duplicates": ("duplicates.find", "find_duplicates", ("traits",)),
    "outliers": ("outliers", "find_outliers", ()),
    "hubness": ("hubness", "measure_hubness", ()),
    "label_errors": ("labels.errors", "find_label_errors", ()),
    "leaks": ("duplicates.leaks", "find_leaks", ("duplicates",)),
    "quality": ("quality", "image_quality", ("traits",)),
    "clusters": ("clusters", "find_clusters", ()),
    "map": ("map.layout", "make_map", ()),
}
NAMES = tuple(_FOUND_BY)
"""The insights there are; one that needs another comes after it."""


class Computation:
    """Computes insights of one model.

    Parameters
    ----------
    model : SimilarityModel
    store : FeatureStore, optional
        Where traits are kept by content; without one they are measured again from the thumbnails.
    progress : bool
        Say on stderr what is being done when it takes long.
    """

    def __init__(self, model: SimilarityModel, store: FeatureStore | None = None, progress: bool = False) -> None:
        self._model, self._store, self._progress = model, store, progress

    @cached_property
    def traits(self) -> Traits:
        """What is measured once per picture, from its thumbnail."""
        from imgsim.insights.measures import measure_traits

        return measure_traits(self._model, self._store, self._progress)

    @property
    def duplicates(self) -> Insight:
        """Carried by the model, or found now."""
        return self._model.insights.get("duplicates") or self.find("duplicates")

    def find(self, name: str, **params: Any) -> Insight:
        """Compute one insight; the model carries it from then on.

        Raises
        ------
        ArgumentError
            An unknown name or parameter.
        """
        if name not in _FOUND_BY:
            raise ArgumentError(f"there is no insight {name!r}; there are {', '.join(NAMES)}.")
        module, function, needs = _FOUND_BY[name]
        find = getattr(import_module(f"imgsim.insights.{module}"), function)
        known = list(inspect.signature(find).parameters)[1 + len(needs) :]
        if set(params) - set(known):
            raise ArgumentError(f"{name} has no parameter {sorted(set(params) - set(known))}; it has {known}.")
        if "progress" in known:
            params = {"progress": self._progress, **params}
        found: Insight = find(self._model, *(getattr(self, need) for need in needs), **params)
        self._model.insights[name] = found
        return found


def compute(
    model: SimilarityModel,
    names: Iterable[str] = NAMES,
    store: FeatureStore | None = None,
    params: Mapping[str, Any] | None = None,
    progress: bool = False,
) -> dict[str, Insight]:
    """Compute insights of ``model``, which carries them from then on.

    Parameters
    ----------
    names : iterable of str
        Some of `NAMES`.
    store : FeatureStore, optional
        Where traits are kept by content.
    params : mapping, optional
        Parameters of each insight that is named.
    progress : bool
        Say on stderr what is being done when it takes long.

    Raises
    ------
    ArgumentError
        An unknown name or parameter.
    """
    computation = Computation(model, store, progress)
    return {name: computation.find(name, **(params or {})) for name in names}
