from dashboards.services.decided import decided, store
from dashboards.services.models.loaded_model import Loaded
from dashboards.services.tidy import duplicate_groups


def test_without_the_insight_no_tier_has_groups(bare: Loaded):
    assert duplicate_groups.tier_groups(bare, "same_bytes").empty


def test_groups_of_a_tier_begin_with_the_image_to_keep(loaded: Loaded, twins):
    parts = duplicate_groups.parts(loaded, decided(loaded), "same_bytes")
    assert not parts["decided"] + parts["different"]
    table = duplicate_groups.group_table(loaded, decided(loaded), "same_bytes", parts["left"])
    assert table["row"].tolist() == [row for group in parts["left"] for row in group]
    assert set(twins) <= set(table["row"])
    assert not table["decided"].any()
    for _, part in table.groupby("group"):
        assert part["keep"].tolist() == [True] + [False] * (len(part) - 1)
        assert len({loaded.model.images.sha256[row] for row in part["row"]}) == 1


def test_some_groups_of_a_tier(loaded: Loaded):
    groups = duplicate_groups.parts(loaded, decided(loaded), "same_picture")["left"]
    for group in groups:
        table = duplicate_groups.group_table(loaded, decided(loaded), "same_picture", [group])
        assert table["row"].tolist() == group.tolist()
    assert duplicate_groups.group_table(loaded, decided(loaded), "same_picture", []).empty


def test_groups_are_parted_by_what_is_decided(loaded: Loaded):
    keys = loaded.model.images.sha256
    first, second, *others = duplicate_groups.parts(loaded, decided(loaded), "same_picture")["left"]
    rows = [row for group in (first, second, *others) for row in group]
    assert len({keys[row] for row in rows}) == len(rows), "each of another content"
    store().mark([keys[row] for row in first[:-1]], "keep")
    assert len(duplicate_groups.parts(loaded, decided(loaded), "same_picture")["left"]) == 2 + len(others), (
        "one is not decided yet"
    )
    store().mark(keys[first[-1]], "keep")
    store().mark([keys[row] for row in second], "not_duplicates")
    parts = duplicate_groups.parts(loaded, decided(loaded), "same_picture")
    assert [part.tolist() for part in parts["decided"]] == [first.tolist()]
    assert [part.tolist() for part in parts["different"]] == [second.tolist()]
    assert len(parts["left"]) == len(others)
    table = duplicate_groups.group_table(loaded, decided(loaded), "same_picture", [first, second])
    assert set(table["row"]) == set(first.tolist())
    assert table["keep"].all()
    table = duplicate_groups.group_table(loaded, None, "same_picture", [second])
    assert table["keep"].sum() == 1


def test_what_can_go_follows_decisions(loaded: Loaded):
    files, size = duplicate_groups.spare(loaded, decided(loaded), "same_picture")
    metrics = loaded.model.insights["duplicates"].metrics
    assert (files, size) == (metrics["same_picture_images"], metrics["same_picture_bytes"])
    group = duplicate_groups.parts(loaded, decided(loaded), "same_picture")["left"][0]
    store().mark([loaded.model.images.sha256[row] for row in group], "keep")
    assert duplicate_groups.spare(loaded, decided(loaded), "same_picture")[0] == files - len(group) + 1


def test_look_alike_groups_say_what_to_keep_and_why(bare: Loaded):
    found = duplicate_groups.near_pairs(bare)
    groups = duplicate_groups.look_alike_groups(bare, found.bound)
    table = duplicate_groups.group_table(bare, decided(bare), "look_alike", groups)
    assert table["group"].unique().tolist() == list(range(len(groups)))
    assert (table.groupby("group")["keep"].sum() == 1).all()
    assert (table["reason"] != "").all()
    assert (table.loc[table["keep"], "distance"] == 0).all()


def test_the_plan_keeps_one_image_of_each_group(loaded: Loaded):
    found = duplicate_groups.near_pairs(loaded)
    table = duplicate_groups.plan(loaded, decided(loaded), ("same_bytes", "same_picture", "look_alike"), found.bound)
    assert (table.groupby(["tier", "group"])["action"].apply(lambda actions: (actions == "keep").sum()) == 1).all()
    moved = table[table["action"] == "move"]
    assert (moved["path"] != moved["kept_path"]).all()
    assert set(table["tier"]) == {"same_bytes", "same_picture", "look_alike"}
    certain = duplicate_groups.plan(loaded, decided(loaded), ("same_bytes",), found.threshold)
    assert set(certain["tier"]) == {"same_bytes"}


def test_a_plan_of_nothing_has_the_columns_of_a_plan(bare: Loaded):
    table = duplicate_groups.plan(bare, decided(bare), ("same_bytes",), 0.0)
    assert table.empty
    assert list(table.columns) == ["tier", "group", "action", "path", "bytes", "kept_path", "reason"]
