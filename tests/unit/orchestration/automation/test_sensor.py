"""The sensor asks for a run until what is published is what a watched folder holds."""

import os
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.storage.tags import PARTITION_NAME_TAG, RUN_KEY_TAG

from orchestration.automation import sensor
from orchestration.automation.history import DIGEST_TAG
from orchestration.automation.sensor import watched_collections
from orchestration.automation.watched import folder_digest
from orchestration.resources import StorageResource

SUCCESS, FAILURE, STARTED = dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.STARTED


class Daemon:
    """Ticks as Dagster's daemon makes them, with runs that end as told."""

    def __init__(self, instance: dg.DagsterInstance) -> None:
        self.instance = instance
        self.cursor: str | None = None
        self.result: dg.SensorResult | None = None

    def tick(self, ends: dg.DagsterRunStatus = SUCCESS) -> list[str]:
        """Collections that a tick starts a run of."""
        context = dg.build_sensor_context(instance=self.instance, cursor=self.cursor)
        self.result = watched_collections(context, storage=StorageResource())
        self.cursor = self.result.cursor
        for request in self.result.dynamic_partitions_requests or []:
            self.instance.add_dynamic_partitions("collections", list(request.partition_keys))
        for request in self.result.run_requests or []:
            assert not self.instance.get_runs(dg.RunsFilter(tags={RUN_KEY_TAG: request.run_key})), (
                "started once for ever"
            )
            tags = {**request.tags, RUN_KEY_TAG: request.run_key, PARTITION_NAME_TAG: request.partition_key}
            status = STARTED if ends is FAILURE else ends
            run = self.instance.add_run(dg.DagsterRun(job_name="pipeline", tags=tags, status=status))
            if ends is FAILURE:
                self.instance.report_run_failed(run)
        return [str(request.partition_key) for request in self.result.run_requests or []]

    @property
    def reason(self) -> str:
        """Why the last tick started none."""
        return str(self.result.skip_reason.skip_message)

    def published(self, collection: str) -> str:
        done = dg.RunsFilter(statuses=[SUCCESS], tags={PARTITION_NAME_TAG: collection})
        return self.instance.get_runs(done, limit=1)[0].tags[DIGEST_TAG]


@pytest.fixture
def watch(tmp_path, monkeypatch):
    root = tmp_path / "watch"
    monkeypatch.setenv("IMGSIM_WATCH", str(root))
    return root


@pytest.fixture
def daemon():
    with dg.DagsterInstance.ephemeral() as instance:
        yield Daemon(instance)


def write(folder: Path, *names: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_bytes(name.encode())


def test_the_root_is_made_and_named(daemon, watch):
    assert daemon.tick() == []
    assert watch.is_dir()
    assert daemon.reason == f"nothing to run in 0 collections below {watch}"
    assert "is a collection" in watched_collections.description
    assert "$IMGSIM_WATCH" in watched_collections.description


def test_a_folder_is_run_once_it_is_still(daemon, watch):
    write(watch / "Garden Party", "a.jpg")
    assert daemon.tick() == []
    assert "garden-party: waiting until its content is still" in daemon.reason
    write(watch / "Garden Party", "b.jpg")
    assert daemon.tick() == [], "a copy in progress"
    assert daemon.tick() == ["garden-party"]
    source = daemon.result.run_requests[0].run_config["ops"]["images"]["config"]["source"]
    assert source == str(watch / "Garden Party")
    assert daemon.tick() == daemon.tick() == []


def test_content_that_returns_is_run_again(daemon, watch):
    write(watch / "pets", "a.jpg", "b.jpg")
    daemon.tick()
    assert daemon.tick() == ["pets"]
    first = daemon.published("pets")
    away = watch.parent / "b.jpg"
    (watch / "pets" / "b.jpg").rename(away)
    assert [daemon.tick(), daemon.tick()] == [[], ["pets"]]
    assert daemon.published("pets") != first
    away.rename(watch / "pets" / "b.jpg")
    assert daemon.tick() == ["pets"], "it was still before"
    assert daemon.published("pets") == first
    assert daemon.tick() == []


def test_a_failed_run_is_tried_again_with_growing_waits(daemon, watch, monkeypatch):
    write(watch / "pets", "a.jpg")
    daemon.tick()
    assert daemon.tick(FAILURE) == ["pets"]
    assert daemon.tick(FAILURE) == ["pets"], "once more at once"
    assert daemon.tick(FAILURE) == []
    assert "pets: 2 runs in a row failed; the next starts 60 s after the last" in daemon.reason
    monkeypatch.setattr(sensor, "FIRST_WAIT", 0)
    assert daemon.tick(SUCCESS) == ["pets"]
    assert daemon.tick() == []


def test_waits_grow_to_a_day():
    assert [sensor.wait_seconds(tries) for tries in (1, 2, 3, 4)] == [0, 60, 120, 240]
    assert sensor.wait_seconds(10**6) == 86_400


def test_no_second_run_while_one_is_under_way(daemon, watch):
    write(watch / "pets", "a.jpg")
    daemon.tick()
    assert daemon.tick(STARTED) == ["pets"]
    write(watch / "pets", "b.jpg")
    for _ in range(3):
        assert daemon.tick() == []
        assert "pets: a run is under way" in daemon.reason
    (run,) = daemon.instance.get_runs()
    daemon.instance.report_run_failed(run)
    assert daemon.tick() == ["pets"]


def test_a_run_that_read_other_content_is_not_the_published_one(daemon, watch):
    """The folder changed between the tick and the run."""
    write(watch / "pets", "a.jpg")
    daemon.tick()
    daemon.tick()
    (run,) = daemon.instance.get_runs()
    daemon.instance.add_run_tags(run.run_id, {DIGEST_TAG: "other"})
    assert daemon.tick() == ["pets"]


def test_a_run_by_hand_counts(daemon, watch):
    write(watch / "pets", "a.jpg")
    daemon.tick()
    daemon.tick()
    daemon.cursor = None
    assert daemon.tick() == daemon.tick() == []


def by_hand(daemon, folder: Path, *assets: str) -> None:
    """Run some assets as a person does on the page Lineage."""
    tags = {PARTITION_NAME_TAG: "pets"} | ({DIGEST_TAG: folder_digest(folder)} if "images" in assets else {})
    selection = frozenset(map(dg.AssetKey, assets))
    daemon.instance.add_run(dg.DagsterRun(job_name="assets", asset_selection=selection, tags=tags, status=SUCCESS))


def test_what_a_person_published_counts(daemon, watch):
    write(watch / "pets", "a.jpg", "b.jpg")
    daemon.tick()
    assert daemon.tick() == ["pets"]
    away = watch.parent / "b.jpg"
    (watch / "pets" / "b.jpg").rename(away)
    by_hand(daemon, watch / "pets", "images", "registered_model")
    assert daemon.tick() == []
    away.rename(watch / "pets" / "b.jpg")
    assert daemon.tick() == ["pets"]
    by_hand(daemon, watch / "pets", "images", "features")
    assert daemon.tick() == [], "nothing was published"
    by_hand(daemon, watch / "pets", "registered_model")
    daemon.cursor = None
    assert [daemon.tick(), daemon.tick()] == [[], ["pets"]], "of what content is not known"


def test_a_part_of_a_run_published_what_earlier_runs_had_left(daemon, watch):
    write(watch / "pets", "a.jpg")
    daemon.tick()
    daemon.tick()
    tags = {PARTITION_NAME_TAG: "pets", DIGEST_TAG: folder_digest(watch / "pets")}
    again = dg.DagsterRun(job_name="pipeline", tags=tags, status=SUCCESS, step_keys_to_execute=["registered_model"])
    daemon.instance.add_run(again)
    daemon.cursor = None
    assert [daemon.tick(), daemon.tick()] == [[], ["pets"]]


def test_an_emptied_folder_is_named_and_not_run(daemon, watch):
    write(watch / "pets", "a.jpg")
    daemon.tick()
    daemon.tick()
    (watch / "pets" / "a.jpg").unlink()
    for _ in range(3):
        assert daemon.tick() == []
        assert "'pets'" in daemon.reason
        assert "has no image any more" in daemon.reason
        assert "imgsim forget pets" in daemon.reason


def test_trouble_of_one_folder_costs_the_others_nothing(daemon, watch, monkeypatch):
    write(watch / "good", "a.jpg")
    write(watch / "odd", "a.jpg")
    (watch / "odd" / "loop.jpg").symlink_to("loop.jpg")
    (watch / "round").symlink_to("round")
    write(watch / "twice", "a.jpg")
    write(watch / "Twice", "a.jpg")
    write(watch / "bad", "a.jpg")
    write(watch / ".hidden", "a.jpg")
    (watch / "empty").mkdir()
    really = os.scandir

    def scan(path):
        if str(path).rstrip("/").endswith("bad"):
            raise PermissionError(13, "Permission denied", str(path))
        return really(path)

    monkeypatch.setattr(os, "scandir", scan)
    daemon.tick()
    assert f"collection 'bad' is left out: {watch / 'bad'}: the folder cannot be listed" in daemon.reason
    assert f"{str(watch / 'round')!r} is left out" in daemon.reason
    one, other = repr(str(watch / "twice")), repr(str(watch / "Twice"))
    assert f"{one} and {other} have one name, 'twice': only {other} is run. Rename one." in daemon.reason
    assert "empty: no image yet" in daemon.reason
    assert sorted(daemon.tick()) == ["good", "odd", "twice"]


def test_a_folder_that_vanished_is_named_for_as_long_as_its_collection_is_there(daemon, watch):
    write(watch / "pets", "a.jpg")
    daemon.tick()
    daemon.tick()
    (watch / "pets").rename(watch.parent / "pets")
    for _ in range(2):
        assert daemon.tick() == []
        assert "collection 'pets': its folder" in daemon.reason
        assert "imgsim forget pets" in daemon.reason
    daemon.instance.delete_dynamic_partition("collections", "pets")
    assert daemon.tick() == []
    assert "pets" not in daemon.reason


def test_a_collection_of_another_folder_is_left_alone(daemon, watch, tmp_path):
    write(watch / "pets", "a.jpg")
    write(tmp_path / "mine", "a.jpg")
    StorageResource().remember_source("pets", str(tmp_path / "mine"))
    daemon.tick()
    assert daemon.tick() == []
    assert f"collection 'pets' already holds {tmp_path / 'mine'}" in daemon.reason


@pytest.mark.parametrize("cursor", ['{"pets": "0123456789abcdef01234567"}', "[]", "no JSON", '{"pets": {"a": 1}}'])
def test_the_cursor_of_another_version_is_no_memory(daemon, watch, cursor):
    write(watch / "pets", "a.jpg")
    daemon.cursor = cursor
    assert [daemon.tick(), daemon.tick()] == [[], ["pets"]]
