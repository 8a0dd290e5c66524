"""A small real registry for tests of the dashboard: two versions of one collection, with all they can carry."""

import os
import shutil
from pathlib import Path

import mlflow

import imgsim
from imgsim.coreml import verify
from imgsim.deployment.package_folder import DevicePackage
from imgsim.images.collection_root import note_root
from imgsim.insights.compute import compute
from imgsim.mlflow import registry
from imgsim.mlflow.connection import create_database
from tests.sample_images import copy_sample

NAME = "imgsim-tiny"
STRANGE = "<img src=x onerror=alert(1)>.jpg"
LEAP_DAY = 1_582_977_600
"""2020-02-29 12:00 UTC, when the files of one folder were changed."""


def pictures(folder: Path, views: int = 10) -> Path:
    """Small pictures of 4 labels, duplicates of some, broken files, a name that is markup, and some old files."""
    made = copy_sample(folder, views, messy=True)
    first = next(path for path in sorted((made / "cube").iterdir()) if path.suffix == ".jpg")
    shutil.copy(first, made / "cube" / STRANGE)
    for path in (made / "cube").iterdir():
        os.utime(path, (LEAP_DAY, LEAP_DAY))
    return made


def build(folder: Path) -> str:
    """Fill an MLflow database in ``folder`` with two versions; gives its address."""
    uri = f"sqlite:///{folder / 'mlflow.db'}"
    store = imgsim.FeatureStore(folder / "store")
    create_database(uri)
    client = mlflow.MlflowClient(uri)
    experiment = client.create_experiment("imgsim", artifact_location=(folder / "artifacts").as_uri())
    images = imgsim.load_images(pictures(folder / "pictures"))
    note_root(folder, "tiny", images.root)
    model = imgsim.create(images, store=store, k=10, backbone="mini", progress=False)
    compute(model.references, store=store)
    model.remove(model.ids[-4:])
    model.evaluate()
    compute(model.references, store=store)
    _register(client, model, uri, experiment)
    model = imgsim.create(images, store=store, k=10, backbone="mini", progress=False)
    compute(model.references, store=store)
    (folder / "coreml").mkdir()
    done = model.export_coreml(folder / "coreml" / "tiny.mlpackage", verify=0)
    DevicePackage.describe(done, verify(done.path, model.references, 4))
    model.references.coreml = folder / "coreml"
    _register(client, model, uri, experiment)
    return uri


def _register(client: mlflow.MlflowClient, model: imgsim.SimilarityModel, uri: str, experiment: str) -> None:
    run = client.create_run(experiment)
    registry.register(model, collection="tiny", run_id=run.info.run_id, tracking_uri=uri)
    client.set_terminated(run.info.run_id)
