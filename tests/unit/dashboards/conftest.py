"""One model with duplicates and insights, as the dashboard gets it."""

from __future__ import annotations

from copy import copy

import numpy as np
import pytest

import imgsim
from dashboards.services.models.loaded_model import Loaded
from imgsim.insights.compute import compute
from tests.dashboard_pictures import encoded, halves
from tests.dashboard_registry import pictures


@pytest.fixture(scope="session")
def loaded(tmp_path_factory: pytest.TempPathFactory, tiny_store: imgsim.FeatureStore) -> Loaded:
    """A model of small pictures in 4 labels, some of them duplicates. Read-only by agreement."""
    images = imgsim.load_images(pictures(tmp_path_factory.mktemp("messy") / "pictures"))
    model = imgsim.create(images, store=tiny_store, k=10, backbone="mini", progress=False)
    compute(model.references, store=tiny_store)
    return Loaded("imgsim-tiny", "1", "tiny-token", model)


@pytest.fixture(scope="session")
def bare(loaded: Loaded) -> Loaded:
    """The same model, registered without insights."""
    model = copy(loaded.model)
    model.references = copy(model.references)
    model.references.insights = {}
    return Loaded("imgsim-tiny", "1", "bare-token", model)


@pytest.fixture(scope="session")
def unlabelled(loaded: Loaded) -> Loaded:
    """The same vectors without labels."""
    model = imgsim.create(embeddings=np.asarray(loaded.model.embeddings), k=10, progress=False)
    model.evaluate()
    return Loaded("imgsim-vectors", "1", "vectors-token", model)


@pytest.fixture
def twins(loaded: Loaded) -> tuple[int, int]:
    """Two rows with the same bytes, the first ones."""
    first: dict[str, int] = {}
    for row, sha in enumerate(loaded.model.images.sha256):
        if sha in first:
            return first[sha], row
        first[sha] = row
    raise AssertionError("the pictures hold no file twice")


@pytest.fixture
def photo() -> bytes:
    """A JPEG that is in no collection: 120 × 80, left half red, right half blue."""
    return encoded(halves())
