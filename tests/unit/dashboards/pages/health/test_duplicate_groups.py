import numpy as np
import pytest

from dashboards.pages.health import duplicate_groups
from dashboards.services.models.loaded_model import Loaded


def test_the_histogram_counts_every_image_once(loaded: Loaded):
    bins = duplicate_groups.histogram(duplicate_groups.alike(loaded))
    assert bins["images"].sum() == len(loaded)
    assert (bins["high"] > bins["low"]).all()


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_no_member_is_further_from_its_centre_than_the_threshold(loaded: Loaded, share: float):
    found = duplicate_groups.alike(loaded)
    threshold = share * found.bound
    groups = duplicate_groups.look_alike_groups(loaded, threshold)
    matrix = np.asarray(loaded.model.embeddings, np.float64)
    seen: set[int] = set()
    for group in groups:
        assert len(group) > 1
        assert not seen & set(group.tolist())
        seen |= set(group.tolist())
        reach = [np.linalg.norm(matrix[group] - matrix[centre], axis=1).max() for centre in group]
        assert min(reach) <= threshold + 1e-6
    assert [len(group) for group in groups] == sorted((len(group) for group in groups), reverse=True)


def test_a_wider_threshold_groups_more_images(bare: Loaded):
    found = duplicate_groups.alike(bare)
    counts = [
        duplicate_groups.counts(duplicate_groups.look_alike_groups(bare, found.bound * share))[1]
        for share in (0, 0.5, 1)
    ]
    assert counts == sorted(counts)
    assert counts[-1] > counts[0]


def test_without_the_insight_the_graph_says_who_is_near(bare: Loaded):
    found = duplicate_groups.alike(bare)
    shas = bare.model.images.sha256
    assert len(found.distance)
    assert (np.diff(found.distance) >= 0).all()
    assert all(shas[a] != shas[b] for a, b in zip(found.a, found.b, strict=True))
    assert found.threshold <= found.bound
    assert duplicate_groups.tier_groups(bare, "same_bytes").empty


def test_groups_of_a_tier_begin_with_the_image_to_keep(loaded: Loaded, twins):
    table = duplicate_groups.tier_groups(loaded, "same_bytes")
    parts = duplicate_groups.groups_page(table, 1, 100)
    assert sum(map(len, parts)) == len(table)
    assert set(twins) <= set(table["row"])
    for part in parts:
        assert part["keep"].tolist() == [True] + [False] * (len(part) - 1)
        assert len({loaded.model.images.sha256[row] for row in part["row"]}) == 1


def test_pages_of_groups_part_the_groups(loaded: Loaded):
    table = duplicate_groups.tier_groups(loaded, "same_picture")
    numbers = [
        int(part["group"].iloc[0])
        for page in range(1, table["group"].nunique() + 1)
        for part in duplicate_groups.groups_page(table, page, 1)
    ]
    assert numbers == table["group"].unique().tolist()


def test_look_alike_groups_say_what_to_keep_and_why(bare: Loaded):
    found = duplicate_groups.alike(bare)
    groups = duplicate_groups.look_alike_groups(bare, found.bound)
    table = duplicate_groups.group_table(bare, groups, first=7)
    assert table["group"].min() == 7
    assert (table.groupby("group")["keep"].sum() == 1).all()
    assert (table["reason"] != "").all()
    assert (table.loc[table["keep"], "distance"] == 0).all()


def test_the_plan_keeps_one_image_of_each_group(loaded: Loaded):
    found = duplicate_groups.alike(loaded)
    table = duplicate_groups.plan(loaded, ("same_bytes", "same_picture", "look_alike"), found.bound)
    assert (table.groupby(["tier", "group"])["action"].apply(lambda actions: (actions == "keep").sum()) == 1).all()
    moved = table[table["action"] == "move"]
    assert (moved["path"] != moved["kept_path"]).all()
    certain = duplicate_groups.plan(loaded, ("same_bytes",), found.threshold)
    assert set(certain["tier"]) == {"same_bytes"}


def test_a_plan_of_nothing_has_the_columns_of_a_plan(bare: Loaded):
    table = duplicate_groups.plan(bare, ("same_bytes",), 0.0)
    assert table.empty
    assert list(table.columns) == ["tier", "group", "action", "path", "bytes", "kept_path", "reason"]
