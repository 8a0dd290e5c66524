"""Output formats of queries and graphs: data frames, networkx graphs, sparse matrices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from imgsim import arguments, schema

if TYPE_CHECKING:
    from imgsim.references.references import References

OUTPUTS = ("edges", "table", "networkx", "sparse")
Rows = NDArray[np.int64]
Edges = tuple[Rows, NDArray[np.int32], NDArray[np.float32]]


def edges_within(ids: NDArray[np.int32], distances: NDArray[np.float32], radius: float | None) -> Edges:
    """Flatten neighbours (m, k) to edges (row, id, distance) up to ``radius``."""
    rows = np.repeat(np.arange(len(ids)), ids.shape[1])
    found, flat = ids.reshape(-1), distances.reshape(-1)
    if radius is None:
        return rows, found, flat
    keep = flat <= radius
    return rows[keep], found[keep], flat[keep]


def ranks(rows: Rows) -> Rows:
    """Return 1, 2, 3 ... within each run of equal values of the sorted ``rows``."""
    if not len(rows):
        return rows
    starts = np.flatnonzero(np.r_[True, rows[1:] != rows[:-1]])
    return np.arange(len(rows)) - np.repeat(starts, np.diff(np.r_[starts, len(rows)])) + 1


def query_frame(
    query_labels: NDArray[Any], reference_labels: NDArray[Any], distances: NDArray[np.float32], rows: Rows
) -> pd.DataFrame:
    """Make the frame that `SimilarityModel.query` returns; ``rows`` (sorted) is the query of each neighbour."""
    values = (query_labels, reference_labels, distances.astype(np.float64), ranks(rows))
    return pd.DataFrame(dict(zip(schema.QUERY_COLUMNS, values, strict=True)))


def graph_output(
    references: References,
    rows: Rows,
    found: NDArray[np.int32],
    distances: NDArray[np.float32],
    include_self: bool,
    output: str,
) -> Any:
    """Convert edges (sorted by row) to the format ``output``.

    Raises
    ------
    ArgumentError
        An unknown output.
    """
    arguments.one_of(output, OUTPUTS, "output")
    if include_self:
        everyone = np.arange(len(references))
        rows = np.concatenate([everyone, rows])
        found = np.concatenate([everyone.astype(np.int32), found])
        distances = np.concatenate([np.zeros(len(references), np.float32), distances])
        order = np.argsort(rows, kind="stable")
        rows, found, distances = rows[order], found[order], distances[order]
    if output == "sparse":
        from scipy.sparse import csr_array

        starts = np.searchsorted(rows, np.arange(len(references) + 1))
        return csr_array((distances, found, starts), shape=(len(references), len(references)))
    frame = query_frame(references.ids[rows], references.ids[found], distances, rows)
    if output == "table":
        return frame
    edges = frame.set_axis(schema.EDGE_COLUMNS, axis=1)
    return edges if output == "edges" else _networkx(references, edges)


def _networkx(references: References, edges: pd.DataFrame) -> Any:
    import networkx

    graph = networkx.DiGraph()
    details = zip(references.ids.tolist(), references.images.paths, references.images.labels, strict=True)
    graph.add_nodes_from((id_, {"path": path, "label": label or ""}) for id_, path, label in details)
    columns = [edges[name].tolist() for name in schema.EDGE_COLUMNS]
    graph.add_edges_from(
        (src, dst, {"distance": distance, "rank": rank}) for src, dst, distance, rank in zip(*columns, strict=True)
    )
    return graph
