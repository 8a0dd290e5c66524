"""The job that removes old versions of all registered models."""

import shutil

import dagster as dg
import pytest
from mlflow import MlflowClient

from imgsim.mlflow import registry
from imgsim.mlflow.connection import default_tracking_uri, experiment_id
from orchestration.automation.retention import retention, weekly_retention
from orchestration.mlflow_resource import MlflowResource
from tests.vector_models import clustered, labelled_model

# Dagster uses deprecated parts of itself
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def run(**config):
    wanted = {"ops": {"prune_models": {"config": config}}} if config else {}
    return retention.execute_in_process(run_config=wanted, resources={"mlflow": MlflowResource()})


def test_the_job_keeps_the_newest_versions(home, empty_database):
    assert run().success, "nothing was registered yet"
    uri = default_tracking_uri()
    shutil.copy(empty_database, home)
    client = MlflowClient(uri)
    for rows in range(200, 196, -1):
        made = client.create_run(experiment_id(client, "imgsim", uri)).info.run_id
        registry.register(labelled_model(clustered(0.2), rows=range(rows)), collection="album", run_id=made)
    assert run().success
    assert len(registry.list_versions("imgsim-album")) == 4
    assert run(keep=1).success
    assert {"4"} <= {version.version for version in registry.list_versions("imgsim-album")} <= {"1", "3", "4"}


def test_the_schedule_is_off_until_somebody_wants_it():
    assert weekly_retention.default_status == dg.DefaultScheduleStatus.STOPPED
    assert weekly_retention.job_name == "retention"
