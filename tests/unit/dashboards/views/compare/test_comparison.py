import numpy as np
import pytest

import imgsim
from dashboards.services.filters import Filters
from dashboards.services.models.loaded_model import Loaded
from dashboards.views.compare import comparison
from imgsim.comparison import moves


@pytest.fixture(scope="module")
def other(loaded: Loaded, tiny_store: imgsim.FeatureStore, tmp_path_factory) -> Loaded:
    """Another version: two images fewer, another projection, rows in another order."""
    table = loaded.model.images
    order = np.arange(len(table))[::-1][2:]
    model = imgsim.create(table[order], store=tiny_store, k=10, projection=None, backbone="mini", progress=False)
    return Loaded("imgsim-tiny", "2", "other-token", model)


def test_what_became_of_each_image():
    across = np.array([0, 1, 2, 3, -1])
    before = moves([0, 1, 2, 4], [1, 0, 3, 2], across)
    assert [comparison.move_words(move, "version 2", True) for move in before] == [
        "1 → 2 ▼",
        "2 → 1 ▲",
        "3 → 4 ▼",
        "not in version 2",
    ]
    after = moves([1, 0, 3, 2], [0, 1, 2, 4], across, forward=False)
    assert [comparison.move_words(move, "version 1", False) for move in after] == [
        "2 → 1 ▲",
        "1 → 2 ▼",
        "new at 3",
        "3 → 4 ▼",
    ]
    gone, stays = (moves([row], [2], across)[0] for row in (0, 2))
    assert comparison.move_words(gone, "version 2", True) == "1 → gone"
    assert comparison.move_words(stays, "version 2", True) == "stays 1"


def test_results_are_kept_for_all_sessions(loaded: Loaded, other: Loaded):
    assert comparison.counterparts(loaded, other) is comparison.counterparts(loaded, other)
    assert comparison.overlap(loaded, other, 5) is comparison.overlap(loaded, other, 5)


def test_a_random_image_is_one_that_both_have_and_the_filters_leave(loaded: Loaded, other: Loaded):
    row = comparison.random_row(loaded, other, Filters(labels=("torus",)))
    assert loaded.model.images.labels[row] == "torus"
    assert comparison.counterparts(loaded, other)[row] >= 0
    assert comparison.random_row(loaded, other, Filters(path="no such path")) is None


def test_verdicts_name_the_versions(loaded: Loaded, other: Loaded):
    table = comparison.metric_table(loaded, other, "1", "2").set_index("metric")
    assert table.loc["Graph recall@10", "verdict"] == "equal"
    words = ("version 1 is better", "version 2 is better", "no clear difference: within the 95 % interval")
    assert table.loc["Precision@10", "verdict"] in words
