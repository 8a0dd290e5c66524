"""Dagster's definitions: ``dagster dev -m orchestration.definitions``."""

import os

import dagster as dg

from orchestration.assets import ASSETS
from orchestration.automation.retention import retention, weekly_retention
from orchestration.automation.schedule import nightly, pipeline
from orchestration.automation.sensor import watched_collections
from orchestration.io_managers import CollectionIOManager
from orchestration.mlflow_resource import MlflowResource
from orchestration.resources import StorageResource, WorkersResource
from orchestration.silence_tools import hush_warnings, quiet

UI_URL = "IMGSIM_MLFLOW_UI"


def resources() -> dict[str, object]:
    """Return the resources with their defaults, which keep everything in the working store."""
    storage = StorageResource()
    return {
        "storage": storage,
        "workers": WorkersResource(),
        "mlflow": MlflowResource(ui_url=os.environ.get(UI_URL, "")),
        "io_manager": CollectionIOManager(storage=storage),
    }


@dg.definitions
def defs() -> dg.Definitions:
    """Return the code location; steps run in one process, because each process would import everything again."""
    quiet()
    hush_warnings()
    return dg.Definitions(
        assets=ASSETS,
        jobs=[pipeline, retention],
        schedules=[nightly, weekly_retention],
        sensors=[watched_collections],
        resources=resources(),
        executor=dg.in_process_executor,
    )
