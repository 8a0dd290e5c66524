"""Models of made-up vectors: every insight from the graph needs vectors and labels only."""

from collections.abc import Callable, Sequence

import numpy as np
import pyarrow as pa
import pytest

from imgsim import schema
from imgsim.backbones.spec import BackboneSpec
from imgsim.features.embeddings import Embeddings
from imgsim.images.table import ImageTable
from imgsim.neighbors.graph import build_graph
from imgsim.references.references import References

ModelOf = Callable[..., References]
SPEC = BackboneSpec("made-up", "0" * 64, 8, 8, (0, 0, 0), (1, 1, 1), "none", "none")


@pytest.fixture(scope="session")
def model_of() -> ModelOf:
    """Vectors (n, d) and labels to a model whose images are called ``<label>/<row>.jpg``.

    Images have the same bytes where ``contents`` are equal.
    """

    def make(
        matrix: np.ndarray,
        labels: Sequence[str | None] | None = None,
        k: int = 10,
        contents: Sequence[int] | None = None,
    ) -> References:
        n = len(matrix)
        labels = [None] * n if labels is None else list(labels)
        columns = {
            "id": range(n),
            "path": [f"{label}/{row}.jpg" for row, label in enumerate(labels)],
            "label": labels,
            "sha256": [f"{row:064x}" for row in (range(n) if contents is None else contents)],
            "bytes": [1000] * n,
            "width": [10] * n,
            "height": [10] * n,
            "format": ["JPEG"] * n,
            "orientation": [1] * n,
            "mtime": [None] * n,
            "split": [None] * n,
        }
        matrix = np.asarray(matrix, np.float32)
        images = ImageTable(pa.table(columns, schema=schema.IMAGES))
        return References(images, Embeddings(matrix, None), build_graph(matrix, k), np.arange(n), SPEC)

    return make


@pytest.fixture(scope="session")
def blobs() -> Callable[..., tuple[np.ndarray, list[str]]]:
    """``classes`` groups of ``size`` unit vectors each, and their labels ``class 0``, ``class 1``, ..."""

    def make(classes: int, size: int, spread: float = 0.6, seed: int = 0) -> tuple[np.ndarray, list[str]]:
        rng = np.random.default_rng(seed)
        centers = rng.normal(size=(classes, 16))
        matrix = np.repeat(centers, size, axis=0) + spread * rng.normal(size=(classes * size, 16))
        matrix /= np.linalg.norm(matrix, axis=1, keepdims=True)
        return matrix.astype(np.float32), [f"class {i}" for i in range(classes) for _ in range(size)]

    return make
