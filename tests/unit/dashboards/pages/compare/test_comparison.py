import numpy as np
import pytest

import imgsim
from dashboards.pages.compare import comparison
from dashboards.services.filters import Filters
from dashboards.services.models.loaded_model import Loaded


@pytest.fixture(scope="module")
def other(loaded: Loaded, tiny_store: imgsim.FeatureStore, tmp_path_factory) -> Loaded:
    """Another version: two images fewer, another projection, rows in another order."""
    table = loaded.model.images
    order = np.arange(len(table))[::-1][2:]
    model = imgsim.create(table[order], store=tiny_store, k=10, projection=None, progress=False)
    return Loaded("imgsim-tiny", "2", "other-token", model)


def test_the_same_image_is_found_by_content_wherever_its_row_is(loaded: Loaded, other: Loaded):
    across = comparison.counterparts(loaded, other)
    mine, theirs = loaded.model.images, other.model.images
    for row, there in enumerate(across):
        assert there == -1 or mine.sha256[row] == theirs.sha256[there]
    assert (across >= 0).sum() == len(other) == len(comparison.shared_rows(loaded, other))
    back = comparison.counterparts(other, loaded)
    rows = comparison.shared_rows(loaded, other)
    np.testing.assert_array_equal(back[across[rows]], rows)


def test_files_of_equal_bytes_keep_apart(loaded: Loaded, other: Loaded, twins):
    across = comparison.counterparts(loaded, other)
    assert across[twins[0]] != across[twins[1]]


def test_what_became_of_each_image():
    across = np.array([0, 1, 2, 3, -1])
    before = comparison.moves([0, 1, 2, 4], [1, 0, 3, 2], across, "version 2")
    assert [(move.kind, move.words) for move in before] == [
        ("down", "1 → 2 ▼"),
        ("up", "2 → 1 ▲"),
        ("down", "3 → 4 ▼"),
        ("absent", "not in version 2"),
    ]
    after = comparison.moves([1, 0, 3, 2], [0, 1, 2, 4], across, "version 1", forward=False)
    assert [(move.kind, move.words) for move in after] == [
        ("up", "2 → 1 ▲"),
        ("down", "1 → 2 ▼"),
        ("new", "new at 3"),
        ("down", "3 → 4 ▼"),
    ]
    gone = comparison.moves([0], [1], across, "version 2")
    assert gone[0].words == "1 → gone"
    assert comparison.moves([2], [2], across, "version 2")[0].words == "stays 1"


def test_agreement_of_two_lists():
    across = np.arange(6)
    before = comparison.moves([0, 1, 2, 3], [1, 0, 2, 5], across, "b")
    after = comparison.moves([1, 0, 2, 5], [0, 1, 2, 3], across, "a", forward=False)
    assert comparison.agreement(before, after) == comparison.Agreement(3, 0.75, 0.6, 2)
    assert comparison.agreement([], []) == comparison.Agreement(0, 1.0, 1.0, 0)


def test_a_version_agrees_with_itself(loaded: Loaded):
    found = comparison.summary(loaded, loaded, 10)
    assert (found.mean, found.low, found.high) == (1.0, 1.0, 1.0)
    assert found.same == found.images == len(loaded)
    assert found.spread["images"].tolist() == [0] * 10 + [len(loaded)]


def test_overlap_counts_what_both_graphs_list(loaded: Loaded, other: Loaded):
    found = comparison.summary(loaded, other, 10)
    across = comparison.counterparts(loaded, other)
    shares = []
    for row in comparison.shared_rows(loaded, other):
        mine = {int(across[near]) for near in loaded.model.graph.neighbors[row]} - {-1}
        shares.append(len(mine & set(other.model.graph.neighbors[across[row]].tolist())) / 10)
    assert found.mean == pytest.approx(np.mean(shares))
    assert 0 < found.low < found.mean < found.high < 1
    assert found.spread["images"].sum() == found.images == len(shares)
    ordered = dict(zip(comparison.shared_rows(loaded, other).tolist(), shares, strict=True))
    listed = [ordered[row] for row in found.changed.tolist()]
    assert listed == sorted(listed)


def test_the_sample_is_the_same_every_time(loaded: Loaded, other: Loaded):
    first = comparison.summary(loaded, other, 5, sample=7)
    again = comparison.summary(Loaded("a", "1", "elsewhere", loaded.model), other, 5, sample=7)
    assert first.images == 7
    np.testing.assert_array_equal(first.changed, again.changed)


def test_a_random_image_is_one_that_both_have_and_the_filters_leave(loaded: Loaded, other: Loaded):
    row = comparison.random_row(loaded, other, Filters(labels=("torus",)))
    assert loaded.model.images.labels[row] == "torus"
    assert comparison.counterparts(loaded, other)[row] >= 0
    assert comparison.random_row(loaded, other, Filters(path="no such path")) is None


def test_a_difference_within_the_interval_is_none(loaded: Loaded, other: Loaded):
    table = comparison.metric_differences(loaded, other, "1", "2").set_index("metric")
    assert table.loc["Graph recall@10", "verdict"] == "equal"
    np.testing.assert_allclose(table["difference"], table["after"] - table["before"])
    precision = table.loc["Precision@10"]
    inside = [
        found["precision_at_10_low"] <= precision[side] <= found["precision_at_10_high"]
        for found, side in ((loaded.model.evaluation.metrics, "after"), (other.model.evaluation.metrics, "before"))
    ]
    assert ("no clear difference" in precision["verdict"]) == any(inside)


def test_a_clear_difference_names_the_better_version():
    mine = {"p": 0.5, "p_low": 0.4, "p_high": 0.6}
    theirs = {"p": 0.9, "p_low": 0.8, "p_high": 1.0}
    assert comparison._verdict("p", mine, theirs, "1", "2") == "version 2 is better"
    assert comparison._verdict("p", theirs, mine, "1", "2") == "version 1 is better"
    assert comparison._verdict("p", mine, {}, "1", "2") == "only version 1 has it"


def test_facts_of_both_versions(loaded: Loaded, other: Loaded):
    table = comparison.facts(loaded, other).set_index("fact")
    assert table.loc["images"].tolist() == [f"{len(loaded):,}", f"{len(other):,}"]
    assert table.loc["of these not in the other"].tolist() == ["2", "0"]
    assert table.loc["neighbours in the graph"].tolist() == ["10 by exact search"] * 2
