import numpy as np
import pandas as pd
import pytest

from imgsim.errors import ArgumentError
from imgsim.insights.duplicates.find import find_duplicates
from imgsim.insights.duplicates.groups import centred_groups
from imgsim.insights.duplicates.look_alikes import (
    LEAST_IMAGES,
    calibrated_threshold,
    look_alike_groups,
    look_alikes,
    near_pairs,
)
from imgsim.insights.measures import measure_traits
from imgsim.references.references import References


@pytest.fixture
def bare(model_of, blobs) -> References:
    """Images without insights: tight groups, loose ones, and two files of the same bytes."""
    tight, labels = blobs(12, 6, spread=0.05)
    loose, more = blobs(10, 6, spread=0.5, seed=1)
    contents = [0, *range(len(tight) + len(loose) - 1)]
    return model_of(np.concatenate([tight, loose]), [*labels, *more], contents=contents)


@pytest.fixture
def carrying(bare: References) -> References:
    """The same with the insight ``duplicates``."""
    bare.insights["duplicates"] = find_duplicates(bare, measure_traits(bare))
    return bare


def test_the_histogram_counts_every_image_once(bare: References):
    bins = near_pairs(bare).histogram()
    assert bins["images"].sum() == len(bare)
    assert (bins["high"] > bins["low"]).all()


def test_without_neighbours_there_is_nothing(model_of):
    model = model_of(np.ones((1, 4)))
    assert near_pairs(model).histogram().empty
    assert look_alikes(model).empty


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_no_member_is_further_from_its_centre_than_the_threshold(carrying: References, share: float):
    pairs = near_pairs(carrying)
    threshold = share * pairs.bound
    groups = look_alike_groups(carrying, pairs, threshold)
    matrix = np.asarray(carrying.embeddings, np.float64)
    seen: set[int] = set()
    for group in groups:
        assert len(group) > 1
        assert not seen & set(group.tolist())
        seen |= set(group.tolist())
        reach = [np.linalg.norm(matrix[group] - matrix[centre], axis=1).max() for centre in group]
        assert min(reach) <= threshold + 1e-6
    assert [len(group) for group in groups] == sorted((len(group) for group in groups), reverse=True)


@pytest.mark.parametrize("factor", [0.8, 1.0, 1.5, 3.0])
def test_components_near_their_centre_are_the_groups_that_every_link_gives(bare: References, factor: float):
    pairs = near_pairs(bare)
    threshold = factor * pairs.bound
    near = pairs.distance <= np.float32(threshold)
    matrix = bare.embeddings
    wanted = centred_groups(
        pairs.a[near], pairs.b[near], lambda row, rows: np.linalg.norm(matrix[rows] - matrix[row], axis=1) <= threshold
    )
    found = look_alike_groups(bare, pairs, threshold)
    assert [group.tolist() for group in found] == [group.tolist() for group in wanted]
    assert found


def test_a_wider_threshold_groups_more_images(bare: References):
    pairs = near_pairs(bare)
    counts = [sum(map(len, look_alike_groups(bare, pairs, pairs.bound * share))) for share in (0, 0.5, 1)]
    assert counts == sorted(counts)
    assert counts[-1] > counts[0]


def test_without_the_insight_the_graph_gives_the_pairs(bare: References):
    pairs = near_pairs(bare)
    assert len(pairs.distance)
    assert (np.diff(pairs.distance) >= 0).all()
    assert (0, 1) not in set(zip(pairs.a.tolist(), pairs.b.tolist(), strict=True)), "the same bytes are no look-alikes"
    assert 0 < pairs.threshold < pairs.bound


def test_groups_say_what_to_keep_and_why(bare: References):
    table = look_alikes(bare, near_pairs(bare).bound)
    assert set(table["tier"]) == {"look_alike"}
    assert (table.groupby("group")["keep"].sum() == 1).all()
    assert (table["reason"] != "").all()
    assert (table.loc[table["keep"], "distance"] == 0).all()


def test_no_distance_is_no_threshold(bare: References):
    with pytest.raises(ArgumentError):
        look_alikes(bare, -1.0)


@pytest.mark.parametrize("count", [2, 3, 4, 7, LEAST_IMAGES - 1])
@pytest.mark.parametrize("seed", range(3))
def test_few_different_images_are_no_look_alikes(model_of, count: int, seed: int):
    model = model_of(np.random.default_rng(seed).normal(size=(count, 8)))
    found = find_duplicates(model, measure_traits(model))
    assert found.metrics["threshold"] == 0
    assert found.tables["groups"].empty
    assert look_alikes(model).empty
    asked = find_duplicates(model, measure_traits(model), threshold=100.0).tables["groups"]
    assert len(asked) == count, "a threshold that is given holds"


def test_equal_distances_are_usual():
    near = pd.DataFrame({"row": np.arange(50), "other": np.arange(50, 100), "distance": np.ones(50)})
    assert calibrated_threshold(near) == 0


def test_equal_embeddings_are_look_alikes_however_few(model_of):
    model = model_of(np.array([[0, 1], [0, 1], [1, 0]]))
    assert find_duplicates(model, measure_traits(model)).tables["groups"]["row"].tolist() == [0, 1]
