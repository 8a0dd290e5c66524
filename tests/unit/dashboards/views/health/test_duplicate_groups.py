from dashboards.services.models.loaded_model import Loaded
from dashboards.views.health import duplicate_groups


def test_without_the_insight_no_tier_has_groups(bare: Loaded):
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
    found = duplicate_groups.near_pairs(bare)
    groups = duplicate_groups.look_alike_groups(bare, found.bound)
    table = duplicate_groups.group_table(bare, groups)
    assert table["group"].unique().tolist() == list(range(len(groups)))
    assert (table.groupby("group")["keep"].sum() == 1).all()
    assert (table["reason"] != "").all()
    assert (table.loc[table["keep"], "distance"] == 0).all()


def test_the_plan_keeps_one_image_of_each_group(loaded: Loaded):
    found = duplicate_groups.near_pairs(loaded)
    table = duplicate_groups.plan(loaded, ("same_bytes", "same_picture", "look_alike"), found.bound)
    assert (table.groupby(["tier", "group"])["action"].apply(lambda actions: (actions == "keep").sum()) == 1).all()
    moved = table[table["action"] == "move"]
    assert (moved["path"] != moved["kept_path"]).all()
    assert set(table["tier"]) == {"same_bytes", "same_picture", "look_alike"}
    certain = duplicate_groups.plan(loaded, ("same_bytes",), found.threshold)
    assert set(certain["tier"]) == {"same_bytes"}


def test_a_plan_of_nothing_has_the_columns_of_a_plan(bare: Loaded):
    table = duplicate_groups.plan(bare, ("same_bytes",), 0.0)
    assert table.empty
    assert list(table.columns) == ["tier", "group", "action", "path", "bytes", "kept_path", "reason"]
