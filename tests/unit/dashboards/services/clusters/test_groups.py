import numpy as np
import pytest

from dashboards.services import decided
from dashboards.services.clusters import groups as clusters
from dashboards.services.filters import Filters, mask
from imgsim.decisions.clusters import name_clusters


@pytest.fixture
def keys(loaded):
    return loaded.model.images.sha256


def test_found_clusters_hold_every_picture_once(loaded):
    found = clusters.groups(loaded)
    table = loaded.insight("clusters").tables["clusters"]
    assert [len(group) for group in found] == table["size"].tolist()
    assert sorted(np.concatenate([group.rows for group in found]).tolist()) == list(range(len(loaded)))
    assert [group.common for group in found] == table["common_label"].tolist()
    np.testing.assert_allclose([group.purity for group in found], table["purity"], rtol=1e-6)
    assert clusters.group_of(loaded, "found:0") == found[0]
    assert clusters.group_of(loaded, "name:none") is None


def test_a_named_cluster_is_taken_out_of_those_that_were_found(loaded, keys):
    first = clusters.groups(loaded)[0]
    rows = first.rows[:3].tolist()
    name_clusters(decided.store(), {"<b>": [keys[row] for row in rows]})
    found = clusters.groups(loaded)
    assert (found[0].key, found[0].title) == ("name:<b>", "<b>")
    assert set(rows) <= set(found[0].rows.tolist())
    others = np.concatenate([group.rows for group in found[1:]])
    assert not set(others.tolist()) & set(found[0].rows.tolist())
    assert sum(map(len, found)) == len(loaded)


def test_decided_labels_count(loaded, keys):
    group = clusters.groups(loaded)[0]
    decided.store().set_label([keys[row] for row in group.rows], "owl")
    again = clusters.group_of(loaded, group.key)
    assert again.labels == (("owl", len(group)),)
    assert again.purity == 1


def test_named_clusters_hold_without_the_insight(bare, keys):
    assert clusters.groups(bare) == ()
    name_clusters(decided.store(), {"one": [keys[0]]})
    assert [group.title for group in clusters.groups(bare)] == ["one"]


def test_a_cluster_filters_until_it_is_undone(loaded, keys):
    action = name_clusters(decided.store(), {"some": [keys[3], keys[4]]})
    wanted = [row for row, key in enumerate(keys) if key in (keys[3], keys[4])]
    passed = mask(loaded, Filters(clusters=("some",), seen=decided.stamp()))
    assert np.flatnonzero(passed).tolist() == wanted
    decided.store().undo(action)
    assert not mask(loaded, Filters(clusters=("some",), seen=decided.stamp())).any()


def test_typical_pictures_are_of_the_cluster_and_no_copies(loaded):
    group = clusters.groups(loaded)[0]
    rows = clusters.typical(loaded, group, 6)
    assert set(rows) <= set(group.rows.tolist())
    copies = loaded.duplicate_group[rows]
    assert len(set(copies[copies >= 0].tolist())) == np.count_nonzero(copies >= 0)


def test_parts_are_named_by_their_labels_or_by_numbers(loaded):
    cube, torus = (np.flatnonzero(loaded.label_codes == loaded.labels.index(name)) for name in ("cube", "torus"))
    group = clusters.Group("found:0", "", np.union1d(cube, torus))
    found = clusters.parts(loaded, group, 2)
    assert sorted(np.concatenate(found).tolist()) == group.rows.tolist()
    assert clusters.part_names(loaded, group, [cube, torus]) == ["cube", "torus"]
    assert clusters.part_names(loaded, clusters.Group("", "mine", cube), [cube[:2], cube[2:]]) == ["mine 1", "mine 2"]
