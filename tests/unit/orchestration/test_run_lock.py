"""A killed run ends for Dagster too; one that lives is left alone, and waited for."""

import os
import signal
import subprocess
import sys
import threading

import dagster as dg
import pytest

from orchestration.run_lock import collection_lock, end_dead_runs

RUN, NEXT = "0f0f0f0f-0000-4000-8000-000000000000", "0f0f0f0f-0000-4000-8000-000000000001"
HOLD = """
import dagster as dg, sys
from orchestration.run_lock import collection_lock
with dg.DagsterInstance.local_temp(sys.argv[1]) as instance:
    with collection_lock(instance, "shells", sys.argv[2], lambda: None):
        print("held", flush=True)
        sys.stdin.read()
"""


@pytest.fixture
def instance(tmp_path):
    with dg.DagsterInstance.local_temp(str(tmp_path)) as made:
        made.add_run(dg.DagsterRun(job_name="pipeline", run_id=RUN, status=dg.DagsterRunStatus.STARTED))
        yield made


@pytest.fixture
def other(instance, tmp_path):
    """Another process that runs the collection."""
    command = [sys.executable, "-W", "ignore", "-c", HOLD, str(tmp_path), RUN]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"held\n"
        yield process
        process.kill()


def test_a_killed_run_is_ended_and_a_living_one_is_not(instance, other):
    end_dead_runs(instance)
    assert instance.get_run_by_id(RUN).status is dg.DagsterRunStatus.STARTED
    os.kill(other.pid, signal.SIGKILL)
    other.wait()
    end_dead_runs(instance)
    assert instance.get_run_by_id(RUN).status is dg.DagsterRunStatus.FAILURE


def test_the_next_run_waits_for_its_turn_and_ends_the_killed_one(instance, other):
    waiting = threading.Event()
    threading.Thread(target=lambda: (waiting.wait(60), os.kill(other.pid, signal.SIGKILL)), daemon=True).start()
    with collection_lock(instance, "shells", NEXT, waiting.set):
        assert waiting.is_set()
        assert instance.get_run_by_id(RUN).status is dg.DagsterRunStatus.FAILURE


def test_collections_do_not_wait_for_each_other_and_ended_runs_stay_as_they_are(instance):
    waited = []
    with (
        collection_lock(instance, "shells", RUN, lambda: waited.append(1)),
        collection_lock(instance, "cars", NEXT, lambda: waited.append(1)),
    ):
        pass
    instance.report_run_canceled(instance.get_run_by_id(RUN))
    end_dead_runs(instance)
    assert not waited
    assert instance.get_run_by_id(RUN).status is dg.DagsterRunStatus.CANCELED
