"""Sub-folders of the watched root become collections; changed content starts a run."""

import os

import dagster as dg
import pytest

from orchestration.automation import folder_digest, watched_collections
from orchestration.resources import StorageResource


@pytest.fixture
def watch(tmp_path, monkeypatch):
    root = tmp_path / "watch"
    for name in ("shells", "stones/a", "Not a name", ".hidden"):
        (root / name).mkdir(parents=True)
        (root / name / "x.jpg").write_bytes(name.encode())
    monkeypatch.setenv("IMGSIM_WATCH", str(root))
    return root


def tick(instance, cursor=None):
    context = dg.build_sensor_context(instance=instance, cursor=cursor)
    return watched_collections(context, storage=StorageResource())


def test_each_usable_folder_becomes_a_partition_and_a_run(watch):
    with dg.DagsterInstance.ephemeral() as instance:
        result = tick(instance)
    assert [request.partition_keys for request in result.dynamic_partitions_requests] == [["shells", "stones"]]
    assert [request.partition_key for request in result.run_requests] == ["shells", "stones"]
    source = result.run_requests[0].run_config["ops"]["images"]["config"]["source"]
    assert source == str(watch / "shells")


def test_only_changed_folders_run_again(watch):
    with dg.DagsterInstance.ephemeral() as instance:
        first = tick(instance)
        instance.add_dynamic_partitions("collections", ["shells", "stones"])
        skipped = tick(instance, first.cursor)
        (watch / "stones" / "a" / "y.jpg").write_bytes(b"new")
        changed = tick(instance, first.cursor)
    assert isinstance(skipped, dg.SkipReason)
    assert "nothing changed in 2 collections" in skipped.skip_message
    assert "Not a name" in skipped.skip_message
    assert [request.partition_key for request in changed.run_requests] == ["stones"]
    assert changed.run_requests[0].run_key not in {request.run_key for request in first.run_requests}
    assert changed.dynamic_partitions_requests == []


def test_missing_root_is_explained(tmp_path, monkeypatch):
    monkeypatch.setenv("IMGSIM_WATCH", str(tmp_path / "nowhere"))
    with dg.DagsterInstance.ephemeral() as instance:
        assert "does not exist" in tick(instance).skip_message


def test_digest_sees_renames_sizes_and_times(tmp_path):
    file = tmp_path / "a.jpg"
    file.write_bytes(b"1")
    seen = [folder_digest(tmp_path)]
    assert folder_digest(tmp_path) == seen[0]
    os.utime(file, ns=(1, 1))
    seen.append(folder_digest(tmp_path))
    file.rename(tmp_path / "b.jpg")
    seen.append(folder_digest(tmp_path))
    (tmp_path / "b.jpg").write_bytes(b"22")
    seen.append(folder_digest(tmp_path))
    assert len(set(seen)) == len(seen)
