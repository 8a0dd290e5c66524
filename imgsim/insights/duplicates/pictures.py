"""Identity of pictures: which images show the same picture, whatever the file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from imgsim.insights.descriptor import CELLS, is_blank, outlines
from imgsim.insights.duplicates.compare import Pictures, embedding_distances, same_picture_test
from imgsim.insights.duplicates.descriptor_file import DescriptorFile
from imgsim.insights.duplicates.groups import centred_groups
from imgsim.insights.duplicates.pairs import first_of_content, neighbor_pairs
from imgsim.insights.measures import require_rows, traits_in_parts

if TYPE_CHECKING:
    from imgsim.features.store import FeatureStore
    from imgsim.insights.measures import Traits
    from imgsim.references.references import References

Rows = NDArray[np.int64]

_UPRIGHT = (0,)
_NEAR = 0.45
"""Distance of embeddings, in root mean square distances of two images, within which one picture's copies lie.

On Caltech-101 with ``mini`` 55 of 56 pairs that are the same picture do (0.09 in the median), and 1 of 6 images has
another one that near.
"""


def picture_ids(references: References, traits: Traits) -> Rows:
    """Return for each row the first row of the same picture, (n,) int64.

    Images are the same picture if their files have the same bytes, or if they are near neighbours in the graph and
    their thumbnails agree: the tiers ``same_bytes`` and ``same_picture`` of the insight ``duplicates``, without
    mirrored and rotated pictures. A row without bytes and without a thumbnail is a picture of its own.

    Parameters
    ----------
    references : References
    traits : Traits
        Of the same images (`imgsim.insights.measures.measure_traits`).

    Raises
    ------
    ModelFormatError
        ``traits`` are of other images.
    """
    require_rows(references, traits)
    first = first_of_content(references.images.sha256)
    picture = np.arange(len(first))
    for rows in _groups(Pictures.of(traits), _near_pairs(references, first)):
        picture[rows] = rows[0]
    return np.asarray(picture[first])


def find_pictures(references: References, store: FeatureStore | None = None, progress: bool = False) -> Rows:
    """Return the `picture_ids` of images; only those that have a near neighbour are measured.

    Their descriptors go to a temporary file, so that memory does not grow by 1,536 bytes for each.

    Parameters
    ----------
    references : References
    store : FeatureStore, optional
        Keeps measures of pictures by content.
    progress : bool
        Show a progress bar on stderr if it takes more than a second.
    """
    first = first_of_content(references.images.sha256)
    pairs = _near_pairs(references, first)
    if not len(pairs):
        return first
    near = np.zeros(len(first), bool)
    near[pairs] = True
    rows, picture = np.flatnonzero(near), np.arange(len(first))
    with DescriptorFile() as descriptors:
        pictures = Pictures(np.zeros(len(rows), bool), np.zeros((len(rows), CELLS, CELLS), np.float32), descriptors)
        for some, traits in traits_in_parts(references, rows, store, progress):
            at = np.searchsorted(rows, some)
            descriptors.write(at, traits.descriptors)
            pictures.seen[at], pictures.outlines[at] = ~is_blank(traits.descriptors), outlines(traits.descriptors)
        for group in _groups(pictures, np.searchsorted(rows, pairs)):
            picture[rows[group]] = rows[group[0]]
    return np.asarray(picture[first])


def _near_pairs(references: References, first: Rows) -> Rows:
    """Return the pairs of neighbours with different bytes that are near enough to be compared, (m, 2)."""
    pairs, matrix = neighbor_pairs(references, first), references.plain_embeddings
    spread = 2 * (
        np.einsum("nd,nd->", matrix, matrix, dtype=np.float64) / len(matrix) - (matrix.mean(axis=0) ** 2).sum()
    )
    limit = _NEAR * np.sqrt(max(spread, 0.0))
    near: Rows = pairs[embedding_distances(references, pairs[:, 0], pairs[:, 1]) <= limit]
    return near


def _groups(pictures: Pictures, pairs: Rows) -> list[Rows]:
    """Return the rows of each picture that several of them show, by the pairs (m, 2) that may do so."""
    a, b = pairs.T
    same = pictures.differences(a, b, _UPRIGHT)[0] <= 1
    return centred_groups(a[same], b[same], same_picture_test(pictures.descriptors, _UPRIGHT))
