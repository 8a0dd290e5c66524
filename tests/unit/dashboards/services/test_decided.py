import pytest

from dashboards.services import decided
from imgsim.decisions import open_decisions


@pytest.fixture
def keys(loaded):
    return loaded.model.images.sha256


def test_nothing_is_decided_at_first(loaded):
    found = decided.decided(loaded)
    assert found.action == 0
    assert found.labels.tolist() == [None] * len(loaded)
    assert not any((found.tags, found.copies, found.reviewed, found.alike, found.not_duplicates))


def test_pictures_of_a_tag_keep_the_order_in_which_they_got_it(loaded, keys):
    store = decided.store()
    rows = [row for row, key in enumerate(keys) if keys.index(key) == row and list(keys).count(key) == 1][:4]
    store.add_tag([keys[rows[2]], keys[rows[0]]], "show")
    action = store.add_tag([keys[rows[3]], keys[rows[2]]], "show")
    store.add_tag(keys[rows[1]], "another")
    assert decided.decided(loaded).tagged == {"another": [rows[1]], "show": [rows[0], rows[3], rows[2]]}
    store.undo(action)
    assert decided.decided(loaded).tagged["show"] == [rows[2], rows[0]]


def test_files_with_the_same_bytes_share_what_is_decided(loaded, keys, twins):
    store = decided.store()
    store.set_label(keys[twins[0]], "tree")
    store.add_tag(keys[twins[0]], "later")
    store.mark(keys[twins[0]], "spare")
    store.mark(keys[twins[0]], "reviewed")
    found = decided.decided(loaded)
    assert [row for row, label in enumerate(found.labels) if label == "tree"] == list(twins)
    assert found.tags == dict.fromkeys(twins, ("later",))
    assert found.copies == dict.fromkeys(twins, "spare")
    assert found.reviewed == set(twins)


def test_pairs_are_named_by_rows_the_smaller_first(loaded, keys):
    rows = [row for row in range(len(loaded)) if keys.count(keys[row]) == 1][:3]
    store = decided.store()
    store.mark_pairs(keys[rows[1]], keys[rows[0]], alike=True)
    store.mark_pairs(keys[rows[1]], keys[rows[2]], alike=False)
    store.mark([keys[rows[0]], keys[rows[2]]], "not_duplicates")
    found = decided.decided(loaded)
    assert found.alike == {(rows[0], rows[1]): True, (rows[1], rows[2]): False}
    assert found.not_duplicates == {(rows[0], rows[2])}


def test_it_is_read_again_after_an_action_of_anybody(loaded, keys):
    before = decided.decided(loaded)
    assert decided.decided(loaded) is before
    action = open_decisions().set_label(keys[0], "tree", by="somebody else")
    assert decided.decided(loaded).labels[0] == "tree"
    open_decisions().undo(action)
    assert decided.decided(loaded).labels[0] is None


def test_pictures_of_other_collections_are_left_out(loaded):
    decided.store().set_label("0" * 64, "tree")
    assert not any(decided.decided(loaded).labels)


def test_names_are_the_models_and_decided_ones(loaded, keys):
    assert decided.names(loaded) == (loaded.labels, ())
    store = decided.store()
    store.set_label(keys[0], "a tree")
    store.set_label(keys[1], "a\ttab")
    store.set_label("0" * 64, "elsewhere")
    for tag in ("y", "x"):
        store.add_tag(keys[2], tag)
    assert decided.names(loaded) == (tuple(sorted([*loaded.labels, "a tree"])), ("x", "y"))


def test_each_home_has_its_own_store(loaded, keys, tmp_path, monkeypatch):
    decided.store().set_label(keys[0], "tree")
    monkeypatch.setenv("IMGSIM_HOME", str(tmp_path))
    assert decided.decided(loaded).labels[0] is None
