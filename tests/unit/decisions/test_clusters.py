import pytest

from imgsim.decisions import open_decisions
from imgsim.decisions.clusters import cluster_names, cluster_tag, name_clusters, plain_tags
from imgsim.errors import ArgumentError
from tests.unit.decisions.sha import sha

A, B, C = (sha(name) for name in "abc")


@pytest.fixture
def store(tmp_path):
    return open_decisions(tmp_path / "decisions.db")


def test_pictures_leave_the_cluster_they_are_in(store):
    store.add_tag([A], "later")
    name_clusters(store, {"birds": [A, B]})
    assert store.tags() == {A: ("cluster:birds", "later"), B: ("cluster:birds",)}
    name_clusters(store, {"owls": [A, C]})
    assert store.tags() == {A: ("cluster:owls", "later"), B: ("cluster:birds",), C: ("cluster:owls",)}
    name_clusters(store, {None: [A]})
    assert store.tags()[A] == ("later",)


def test_a_split_is_one_action_and_undone_as_one(store):
    name_clusters(store, {"birds": [A, B, C]})
    action = name_clusters(store, {"owls": [A], "storks": [B, C]}, by="Ann", version="models:/imgsim-x/1")
    assert store.tags() == {A: ("cluster:owls",), B: ("cluster:storks",), C: ("cluster:storks",)}
    newest = store.history().iloc[0]
    assert (newest["kind"], newest["by"], newest["version"]) == ("cluster", "Ann", "models:/imgsim-x/1")
    store.undo(action)
    assert store.tags() == dict.fromkeys((A, B, C), ("cluster:birds",))


def test_what_cannot_be_is_refused_and_nothing_recorded(store):
    name_clusters(store, {"birds": [A]})
    with pytest.raises(ArgumentError, match="already"):
        name_clusters(store, {"birds": [A]})
    for name in ("", "  ", "a;b", "x" * 200):
        with pytest.raises(ArgumentError):
            name_clusters(store, {name: [B]})
    assert store.last_action == 1


def test_names_and_other_tags_are_told_apart():
    tags = (cluster_tag(" birds "), "later", "clusters")
    assert cluster_names(tags) == ("birds",)
    assert plain_tags(tags) == ("later", "clusters")
