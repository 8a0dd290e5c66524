"""A model from the registry with the lookups that pages need, made once and shared by all sessions."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from imgsim.columns.row_lookup import RowLookup
from imgsim.evaluation import label_codes, nearest_pictures

if TYPE_CHECKING:
    from imgsim.model import SimilarityModel
    from imgsim.neighbors.graph import NeighborGraph
    from imgsim.references.insight import Insight

KEY_LENGTH = 12
SAME_TIERS = ("same_bytes", "same_picture")


class Loaded:
    """One version of one registered model. Read-only: sessions and threads share it.

    Parameters
    ----------
    name, version : str
        In the registry.
    token : str
        Names its content in URLs: two versions with the same content may share it.
    model : SimilarityModel
    """

    def __init__(self, name: str, version: str, token: str, model: SimilarityModel) -> None:
        self.name, self.version, self.token, self.model = name, version, token, model
        self.results: dict[Callable[..., Any], Any] = {}  # caches of `dashboards.services.models.cache.per_model`

    def __len__(self) -> int:
        return len(self.model)

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """The distinct labels, sorted."""
        return tuple(self._labels_and_codes[0].tolist())

    @cached_property
    def label_codes(self) -> NDArray[np.int32]:
        """(n,) position in ``labels``, -1 without label."""
        return self._labels_and_codes[1].astype(np.int32)

    @cached_property
    def _labels_and_codes(self) -> tuple[NDArray[np.object_], NDArray[np.int64]]:
        return label_codes(self.model.images.labels)

    @cached_property
    def lower_paths(self) -> list[str]:
        """Paths for searching without regard to case."""
        return [path.casefold() for path in self.model.images.paths]

    @cached_property
    def duplicate_group(self) -> NDArray[np.int32]:
        """(n,) group of images with the same bytes or the same picture, -1 for images that have no such group."""
        groups = np.full(len(self), -1, np.int32)
        found = self.insight("duplicates")
        table = None if found is None else found.tables["groups"]
        if table is None or not len(table):
            return groups
        for tier in SAME_TIERS:
            part = table[table["tier"] == tier]
            rows, numbers = part["row"].to_numpy(), part["group"].to_numpy()
            kept = groups[rows] >= 0  # of a group of the tier before, whose other images go with it
            wider = np.arange(table["group"].max() + 2, dtype=np.int32)
            wider[-1] = -1
            wider[groups[rows[kept]]] = numbers[kept]
            groups = wider[groups]
            groups[rows] = numbers
        return groups

    @cached_property
    def evaluated_graph(self) -> NeighborGraph:
        """The neighbours that were evaluated: copies of a picture count once, and not as its neighbours."""
        found = self.model.evaluation
        k = self.model.graph.k if found is None else found.k
        pictures = None if found is None else found.pictures
        return nearest_pictures(self.model.embeddings, self.model.graph, pictures, k)

    @cached_property
    def in_degree(self) -> NDArray[np.int64]:
        """(n,) number of images that list each image among their neighbours."""
        return np.bincount(self.model.graph.neighbors.ravel(), minlength=len(self))

    @cached_property
    def _row_of_key(self) -> RowLookup:
        return RowLookup(lambda: np.array(self.model.images.sha256, "S").astype(f"S{KEY_LENGTH}"))

    def _row_of_name(self, name: str) -> int | None:
        """Find the row of a name that a user may type: a key, an id or a path; the first of equal ones counts."""
        row = self._row_of_key.row(name.encode())
        if row is None:
            row = self._row_of_id(name)
        paths = self.model.images.paths
        return paths.index(name) if row is None and name in paths else row

    def _row_of_id(self, name: str) -> int | None:
        value: str | int | None = name
        if self.model.ids.dtype.kind == "i":
            number = len(name) <= 20 and name.removeprefix("-").isdecimal() and str(int(name)) == name
            value = int(name) if number else None
        return int(self.model.references.rows_of_ids([value])[0]) if self.model.references.has_id(value) else None

    def key(self, row: int) -> str:
        """Name an image in URLs by the start of its content's sha256, the same in every version.

        Of files with the same bytes only the first is called so; the others, and images without bytes, by their row.
        """
        key = self.model.images.sha256[row][:KEY_LENGTH]
        return key if key and self._row_of_key.row(key.encode()) == row else f"r{row}"

    def row(self, key: str) -> int | None:
        """Find the row of an image by key, id, path or ``r<row>``; None when there is none."""
        found = self._row_of_name(key.strip()) if key.strip() else None
        if found is None and key.strip()[:1] == "r" and key.strip()[1:].isdecimal() and len(key.strip()) < 12:
            row = int(key.strip()[1:])
            return row if row < len(self) else None
        return found

    @cached_property
    def unit_length(self) -> bool:
        """True where embeddings have length 1, as a projection makes them; raw features have not."""
        return bool(np.allclose(np.linalg.norm(self.model.embeddings[:8], axis=1), 1.0, atol=1e-3))

    @cached_property
    def max_distance(self) -> float:
        """No two images are further apart: 2 where embeddings have length 1, else a bound in two digits."""
        matrix = self.model.embeddings
        if self.unit_length or len(matrix) < 2:
            return 2.0
        middle = matrix.mean(axis=0, dtype=np.float64)
        norms = np.einsum("nd,nd->n", matrix, matrix)
        squares = norms - 2 * (matrix @ middle.astype(np.float32)) + middle @ middle
        bound = 2 * math.sqrt(max(float(squares.max()), 0.0))
        if not bound:
            return 2.0
        digit = 10.0 ** (math.floor(math.log10(bound)) - 1)
        return float(f"{math.ceil(bound * 1.001 / digit) * digit:.2g}")

    def insight(self, name: str) -> Insight | None:
        """Return an insight that the version carries; none is computed here."""
        return self.model.insights.get(name)

    def figures(self, insight: str, column: str) -> NDArray[np.float64] | None:
        """Return a column (n,) of an insight's table about images, NaN for those it leaves out; None without it."""
        found = self.insight(insight)
        if found is None:
            return None
        table = found.tables["images"]
        values = np.full(len(self), np.nan)
        values[table["row"].to_numpy()] = table[column].to_numpy()
        return values
