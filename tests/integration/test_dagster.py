"""The pipeline through Dagster: `dg.materialize`, checks, failures, the sensor's runs and the command line."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import dagster as dg
import numpy as np
import pytest

import imgsim
from imgsim.features.embeddings import Embeddings
from imgsim.features.extract import Features
from imgsim.features.store import FeatureStore
from imgsim.images.collection_root import noted_folder
from imgsim.insights.registry import INSIGHTS
from imgsim.mlflow import registry
from orchestration.assets import ASSETS
from orchestration.commands.pipeline_run import failure_reason
from orchestration.config import (
    CoreMLConfig,
    EmbeddingsConfig,
    EvaluationConfig,
    FeaturesConfig,
    GraphConfig,
    ImagesConfig,
    InsightsConfig,
)
from orchestration.definitions import resources
from orchestration.instance import prepare_instance
from orchestration.resources import WorkersResource
from orchestration.result_cache import current, library_version, reuse_key
from tests import dagster_names
from tests.commands import imgsim_command

# Dagster and MLflow use deprecated parts of themselves, of pydantic and of SQLAlchemy
pytestmark = [pytest.mark.usefixtures("warm_home"), pytest.mark.filterwarnings("ignore::DeprecationWarning")]

PROJECT = Path(__file__).resolve().parents[2]
WITHOUT_PACKAGE = {"coreml_package": CoreMLConfig(enabled=False)}  # test_coreml_asset.py is about it
STEPS = [asset.node_def.name for asset in ASSETS]
STAGES = [key.to_user_string() for asset in ASSETS for key in sorted(asset.keys)]


@pytest.fixture
def instance():
    """In memory: files cost a quarter of a run. Below, the command lines write them."""
    with dg.DagsterInstance.ephemeral() as made:
        made.add_dynamic_partitions("collections", ["tiny"])
        yield made


@pytest.fixture
def pictures(tiny_images, tmp_path):
    """A copy of the tiny images that may be changed, with one file that is no image."""
    folder = Path(shutil.copytree(tiny_images, tmp_path / "pictures"))
    (folder / next(folder.iterdir()).name / "broken.jpg").write_bytes(b"<b>not an image</b>")
    return folder


def names(assets):
    return {asset.node_def.name for asset in assets}


def materialise(instance, source="", assets=ASSETS, collection="tiny", selection=None, workers=None, **ops):
    if selection is None:
        mini = {"features": FeaturesConfig(backbone="mini")} if "features" in names(assets) else {}
        ops = {"images": ImagesConfig(source=str(source))} | mini | ops
    return dg.materialize(
        assets,
        instance=instance,
        partition_key=collection,
        resources=resources() | ({"workers": workers} if workers else {}),
        run_config=dg.RunConfig(ops=ops, loggers={"console": {"config": {"log_level": "CRITICAL"}}}),
        raise_on_error=False,
        selection=selection,
    )


def facts(result):
    """Stage to its metadata."""
    found = {}
    for event in result.get_asset_materialization_events():
        asset = event.step_materialization_data.materialization
        found[asset.asset_key.to_user_string()] = {name: value.value for name, value in asset.metadata.items()}
    return found


def failures(result):
    """Failed step to its message, and how often it was retried."""
    found = {}
    for event in result.all_events:
        if event.is_step_failure:
            found[event.step_key] = failure_reason(event)
        elif event.event_type is dg.DagsterEventType.RUN_FAILURE and not found:
            found["run"] = event.event_specific_data.error.to_string()
    return found, sum(event.is_step_up_for_retry for event in result.all_events)


def mlflow_runs():
    from mlflow import MlflowClient

    client = MlflowClient()
    experiment = client.get_experiment_by_name("imgsim")
    return client, client.search_runs([experiment.experiment_id], "tags.`imgsim.collection` != ''")


def test_everything_then_nothing_then_what_changed(instance, pictures):
    result = materialise(instance, pictures)
    assert result.success, failures(result)
    first = facts(result)
    assert sorted(first) == sorted(STAGES)
    assert not any(stage["reused"] for stage in first.values())
    _has_its_names(first)
    assert first["images"]["images"] == 40
    assert first["images"]["rejected"] == 1
    assert first["images"]["rejected_files"].records[0].data["path"].endswith("broken.jpg")
    assert first["images"]["contact_sheet"].startswith("![picture](data:image/jpeg;base64,")
    assert first["evaluation"]["recall_at_10"] == 1.0
    assert (first["registered_model"]["version"], first["registered_model"]["champion"]) == ("1", True)

    second = facts(materialise(instance))  # the source is remembered
    assert all(stage["reused"] for stage in second.values())
    assert second["registered_model"]["version"] == "1"

    label = next(folder for folder in sorted(pictures.iterdir()) if folder.is_dir())
    shutil.copy(next(label.glob("*0*.*")), label / "zz-copy.jpg")
    third = facts(materialise(instance))
    assert not any(stage["reused"] for stage in third.values())
    assert third["features"]["features"] == 41
    assert third["features"]["computed"] == 0, "a copy of a known file costs nothing"
    assert third["registered_model"]["version"] == "2"

    ops = {"neighbor_graph": GraphConfig(k=12), "evaluation": EvaluationConfig(sample=20)}
    fourth = facts(materialise(instance, **ops))
    assert [name for name in STAGES if fourth[name]["reused"]] == ["images", "features", "embeddings"]

    fifth = facts(materialise(instance, selection=["leaks"], insights=InsightsConfig(flips=True)))
    assert list(fifth) == ["leaks"]
    assert fifth["leaks"]["splits"] == 0
    sixth = facts(materialise(instance, **ops, insights=InsightsConfig(flips=True)))
    changed = {name for name in STAGES if sixth[name].get("key") != fourth[name].get("key")}
    assert changed == {"duplicates", "leaks", "insight_report"}, "one parameter, one insight and what needs it"
    computed = {name for name in STAGES if not sixth[name]["reused"]}
    assert computed == {"insight_report", "registered_model"}, "the duplicates that leaks needed were kept"


def _has_its_names(found):
    everywhere = set(dagster_names.EVERYWHERE.split())
    assert {asset: set(found[asset]) - everywhere for asset in dagster_names.FACTS} == {
        asset: set(names.split()) for asset, names in dagster_names.FACTS.items()
    }
    assert all(everywhere <= set(names) for names in found.values())
    metrics = set(mlflow_runs()[1][0].data.metrics)
    for name in INSIGHTS:
        assert set(dagster_names.INSIGHT_FACTS.split()) <= set(found[name])
        figures = {metric.removeprefix(f"{name}.") for metric in metrics if metric.startswith(f"{name}.")}
        assert figures
        assert figures <= set(found[name]), "a figure in MLflow is shown in Dagster"


def test_a_file_that_breaks_later_is_not_lost(instance, pictures):
    stages = [asset for asset in ASSETS if asset.node_def.name in ("images", "features")]
    first = facts(materialise(instance, pictures, stages))
    (pictures / "late.jpg").write_bytes(b"not an image either")
    second = facts(materialise(instance, assets=stages))
    for found, rejected in ((first, 1), (second, 2)):
        assert found["images"]["rejected"] == len(found["features"]["rejected_files"].records) == rejected
        assert found["features"]["undecodable"] == 0
    assert second["features"]["computed"] == 0


def test_an_engine_and_a_store_of_the_team(instance, tiny_images, tiny_store, tiny_model, home, tmp_path, monkeypatch):
    monkeypatch.setenv("IMGSIM_STORE", str(tmp_path / "team"))
    shutil.copytree(tiny_store.root / "backbones", tmp_path / "team" / "backbones")
    stages = [
        asset for asset in ASSETS if asset.node_def.name in ("images", "features", "embeddings", "neighbor_graph")
    ]
    result = materialise(
        instance,
        tiny_images,
        stages,
        workers=WorkersResource(kind="processes", count=2),
        neighbor_graph=GraphConfig(method="partitioned"),
    )
    assert result.success, failures(result)
    assert facts(result)["features"]["computed"] == 40
    assert all(FeatureStore(tmp_path / "team").read_thumbnails(tiny_model.images.sha256))
    assert facts(result)["neighbor_graph"]["method"] == "partitioned"
    assert facts(result)["neighbor_graph"]["measured_recall"] == 1
    graph = result.output_for_node("neighbor_graph")
    assert (graph.neighbors == tiny_model.graph.neighbors).all()
    assert not list((home / "graphs").glob("*")), "shards are removed when the graph is made"


def test_insights_are_shown_kept_and_carried(instance, pictures):
    label = next(folder for folder in sorted(pictures.iterdir()) if folder.is_dir())
    shutil.copy(next(label.glob("*0*.*")), label / "zz-copy.jpg")
    result = materialise(instance, pictures, **WITHOUT_PACKAGE)
    found = facts(result)
    assert found["duplicates"]["same_bytes_images"] == 1
    assert found["duplicates"]["found"].records[0].data["tier"] == "same_bytes"
    assert found["duplicates"]["pictures"].startswith("![picture](data:image/jpeg;base64,")
    assert found["map"]["map"].startswith("![picture](data:image/png;base64,")
    page = Path(found["insight_report"]["report"]).read_text()
    assert "zz-copy.jpg" in page
    assert "broken.jpg" in page
    checks = {event.check_name: event for event in result.get_asset_check_evaluations()}
    assert checks["splits_apart"].passed
    client, (run,) = mlflow_runs()
    assert run.data.metrics["duplicates.same_bytes_groups"] == 1.0
    assert {"outliers.outliers", "clusters.clusters", "cpu_seconds.insights"} <= set(run.data.metrics)
    files = {file.path for file in client.list_artifacts(run.info.run_id, "insights/duplicates")}
    assert {f"insights/duplicates/{name}" for name in ("groups.parquet", "pairs.parquet", "insight.json")} <= files
    assert [file.path for file in client.list_artifacts(run.info.run_id, "report")] == ["report/insights.html"]
    registered = registry.load("tiny")
    assert set(registered.insights) == set(INSIGHTS)
    assert registered.insight("duplicates").metrics["same_bytes_groups"] == 1.0


def test_data_versions_are_the_values_content(instance, pictures):
    materialise(instance, pictures, assets=ASSETS[:3])
    version = _data_version(instance, "embeddings")
    collection = Path(os.environ["IMGSIM_HOME"]) / "collections" / "tiny"
    assert version == Embeddings.load(current(collection / "embeddings")).digest
    store = FeatureStore(Path(os.environ["IMGSIM_HOME"]) / "store")
    features = Features.load(current(collection / "features"), store).digest
    assert current(collection / "embeddings").name == reuse_key("embeddings", library_version(), features, 128)
    materialise(instance, assets=ASSETS[:3])
    assert _data_version(instance, "embeddings") == version


def _data_version(instance, asset):
    event = instance.get_latest_materialization_event(dg.AssetKey(asset))
    return event.asset_materialization.tags["dagster/data_version"]


def test_one_mlflow_run_per_dagster_run(instance, pictures):
    result = materialise(instance, pictures, **WITHOUT_PACKAGE)
    client, runs = mlflow_runs()
    assert len(runs) == 1
    run = runs[0]
    assert run.info.status == "FINISHED"
    assert run.data.tags["dagster.run_id"] == result.run_id
    assert run.data.tags["mlflow.user"] == run.data.tags["mlflow.source.name"] == "imgsim"
    assert {f"seconds.{step}" for step in STEPS} <= set(run.data.metrics)
    assert {f"{time}.{step}" for step in STEPS for time in ("cpu_seconds", "peak_memory_mb")} <= set(run.data.metrics)
    assert set(dagster_names.METRICS.split()) <= set(run.data.metrics)
    assert set(run.data.params) == set(dagster_names.PARAMS.split())
    assert run.data.params["backbone"] == "mini"
    dataset = run.inputs.dataset_inputs[0].dataset
    assert (dataset.name, dataset.source_type) == ("tiny", "imgsim")
    folders = {file.path for file in client.list_artifacts(run.info.run_id)}
    assert folders == {"evaluation", "insights", "onnx", "pictures", "report"}
    assert len(client.list_artifacts(run.info.run_id, "pictures")) == 6
    assert facts(result)["images"]["mlflow_run"] == f"run {run.info.run_id} in MLflow"
    _no_trace_of_this_machine(Path(os.environ["IMGSIM_HOME"]) / "mlartifacts", str(pictures.parent))


def _no_trace_of_this_machine(artifacts, *words):
    needles = [word.encode() for word in (*words, str(PROJECT), os.environ["IMGSIM_HOME"])]
    files = [path for path in artifacts.rglob("*") if path.is_file()]
    assert files
    assert not [(path, needle) for path in files for needle in needles if needle in path.read_bytes()]


def test_a_failed_blocking_check_stops_the_run(instance, pictures):
    result = materialise(instance, pictures, images=ImagesConfig(source=str(pictures), max_rejected_share=0.0))
    failed, retries = failures(result)
    assert not result.success
    assert list(failed) == ["images"]
    assert "rejected_share" in failed["images"]
    assert retries == 0
    assert list(facts(result)) == ["images"], "nothing downstream ran"
    assert mlflow_runs()[1][0].info.status == "FAILED"


@pytest.mark.parametrize(
    ("ops", "step", "message"),
    [
        ({"images": ImagesConfig(source="/nowhere/at/all")}, "images", "/nowhere/at/all"),
        (
            {"features": FeaturesConfig(backbone="mini", weights="/nowhere/w.safetensors")},
            "features",
            "/nowhere/w.safetensors",
        ),
        ({"neighbor_graph": GraphConfig(k=5)}, "evaluation", "build it with k=10"),
    ],
)
def test_what_a_retry_cannot_cure_fails_at_once(instance, pictures, ops, step, message):
    failed, retries = failures(materialise(instance, pictures, **ops))
    assert message in failed[step]
    assert retries == 0


def test_labels_of_the_top_folder(instance, tiny_images, home, tmp_path):
    for name, kinds in {"edged": ("bricks", "cube"), "round": ("sphere", "torus")}.items():
        for kind in kinds:
            shutil.copytree(tiny_images / kind, tmp_path / "pictures" / name / kind)
    config = ImagesConfig(source=str(tmp_path / "pictures"), labels="top-folder")
    found = facts(materialise(instance, assets=ASSETS[:1], images=config))["images"]
    assert (found["images"], found["labels"], found["labels_from"]) == (40, 2, "names of top folders")
    assert noted_folder(home, "tiny") == tmp_path / "pictures", "where the dashboard finds the original files"


def test_an_empty_folder_fails_at_once(instance, tmp_path):
    (tmp_path / "empty").mkdir()
    result = materialise(instance, tmp_path / "empty", assets=ASSETS[:1])
    assert not result.success
    assert failures(result)[1] == 0


def test_raw_features_need_not_be_unit_vectors(instance, pictures):
    result = materialise(instance, pictures, embeddings=EmbeddingsConfig(projection=None), **WITHOUT_PACKAGE)
    assert result.success
    assert facts(result)["embeddings"]["projected"] is False


def test_refined_vectors_are_those_of_the_library(instance, tiny_images, tiny_store):
    options = {"embeddings": EmbeddingsConfig(refine=True), **WITHOUT_PACKAGE}
    result = materialise(instance, tiny_images, **options)
    assert result.success
    assert facts(result)["embeddings"]["refined"] is True
    model = registry.load("tiny")
    made = imgsim.create(tiny_images, None, "mini", store=tiny_store, refine=True, progress=False)
    assert np.array_equal(model.embeddings, made.embeddings)
    assert np.array_equal(model.plain_embeddings, made.plain_embeddings)
    only = {"assets": ASSETS, "selection": ["embeddings"]}
    assert facts(materialise(instance, **only))["embeddings"]["reused"] is False
    again = facts(materialise(instance, **only, embeddings=options["embeddings"]))
    assert (again["embeddings"]["reused"], again["embeddings"]["refined"]) == (True, True)


def test_configuration_is_validated():
    with pytest.raises(ValueError, match="greater than or equal to 1"):
        GraphConfig(k=0)
    with pytest.raises(ValueError, match="pattern"):
        FeaturesConfig(device="tpu")


def test_command_line_materialises_as_everything_else_does(tiny_images):
    folder = prepare_instance()
    with dg.DagsterInstance.from_config(str(folder)) as instance:
        instance.add_dynamic_partitions("collections", ["tiny"])
    ops = {"images": {"config": {"source": str(tiny_images)}}, "features": {"config": {"backbone": "mini"}}}
    config = json.dumps({"ops": ops})
    command = ["asset", "materialize", "--select", "*", "--partition", "tiny", "-m", "orchestration.definitions"]
    done = subprocess.run(
        [sys.executable, "-m", "dagster", *command, "--config-json", config],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    with dg.DagsterInstance.from_config(str(folder)) as instance:
        event = instance.get_latest_materialization_event(dg.AssetKey("registered_model"))
        metadata = event.asset_materialization.metadata
        again = facts(materialise(instance))
    assert (metadata["version"].value, metadata["reused"].value) == ("1", False)
    anew = [name for name, stage in again.items() if not stage["reused"]]
    assert not anew, "another process finds all of it"


def test_run_prints_what_was_done_and_what_was_reused(pictures, capfd):
    assert imgsim_command("run", pictures, "--backbone", "mini", "--collection", "tiny") == 0
    first = capfd.readouterr().out
    assert "40 read, 1 rejected" in first
    assert "imgsim-tiny version 1 (challenger, champion)" in first
    assert "nothing: all of it was new" in first
    assert imgsim_command("run", pictures, "--backbone", "mini", "--collection", "tiny") == 0
    told = next(line for line in capfd.readouterr().out.splitlines() if line.startswith("  reused  "))
    assert sorted(told.split(maxsplit=1)[1].split(", ")) == sorted(STEPS)


def test_run_explains_a_failure(capfd):
    assert imgsim_command("run", "/nowhere/shells") == 1
    assert "error: images: " in capfd.readouterr().err
    assert imgsim_command("run", "/nowhere", "--collection", "No Name") == 1
    assert "cannot name a collection" in capfd.readouterr().err


def test_the_workspace_loads():
    done = subprocess.run(
        [sys.executable, "-m", "dagster", "definitions", "validate", "-w", "workspace.yaml"],
        cwd=PROJECT, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]


def test_the_reason_of_a_failure_is_imgsims_not_the_systems(instance, pictures, home):
    shutil.rmtree(home / "store" / "features")
    (home / "store" / "features").write_text("a file where a folder should be")
    failed, retries = failures(materialise(instance, pictures))
    assert failed["features"].startswith(f"the feature store at {home / 'store' / 'features'}")
    assert "cannot be listed" in failed["features"]
    assert retries == 2
