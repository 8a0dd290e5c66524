"""The asset ``coreml_package``: exported, verified, logged, reused; missing or wrong ones."""

import sys
from pathlib import Path

import dagster as dg
import pytest

from imgsim.coreml import Interpreter, verify
from imgsim.coreml.export import build
from imgsim.deployment.files import size_of
from imgsim.deployment.metadata import RUN
from imgsim.deployment.package_folder import DevicePackage
from imgsim.errors import ModelFormatError
from imgsim.mlflow import registry
from orchestration.assets import ASSETS, coreml_package, embeddings, features, images, neighbor_graph
from orchestration.assets.coreml_package import network_of_run
from orchestration.config import CoreMLConfig, FeaturesConfig, ImagesConfig
from orchestration.definitions import resources

pytest.importorskip("coremltools", reason="the extra coreml is not installed")
# Dagster and MLflow use deprecated parts of themselves, of pydantic and of SQLAlchemy
pytestmark = [
    pytest.mark.slow,
    pytest.mark.usefixtures("warm_home"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]

MINI = {"features": FeaturesConfig(backbone="mini")}


@dg.asset(partitions_def=images.partitions_def)
def published(coreml_package: DevicePackage) -> dg.MaterializeResult[None]:
    """Whatever comes after the package."""
    return dg.MaterializeResult(metadata={"folder": str(coreml_package.folder)})


@pytest.fixture
def run(tmp_path, tiny_images):
    """``run(**config)`` materialises everything up to the package and what follows it."""
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        instance.add_dynamic_partitions("collections", ["tiny"])

        def materialise(**config):
            ops = {"images": ImagesConfig(source=str(tiny_images)), "coreml_package": CoreMLConfig(**config)} | MINI
            result = dg.materialize(
                [images, features, embeddings, neighbor_graph, coreml_package, published],
                instance=instance,
                partition_key="tiny",
                resources=resources(),
                run_config=dg.RunConfig(ops=ops, loggers={"console": {"config": {"log_level": "CRITICAL"}}}),
                raise_on_error=False,
            )
            made = {
                event.asset_key.to_user_string(): event.step_materialization_data.materialization.metadata
                for event in result.get_asset_materialization_events()
            }
            (check,) = [c for c in result.get_asset_check_evaluations() if c.check_name == "verified"] or [None]
            facts = {name: value.value for name, value in made.get("coreml_package", {}).items()}
            return result, facts, check, "published" in made

        yield materialise


def artifacts(folder="coreml"):
    from mlflow import MlflowClient

    client = MlflowClient()
    (latest, *_) = client.search_runs([client.get_experiment_by_name("imgsim").experiment_id])
    return latest, sorted(Path(item.path).name for item in client.list_artifacts(latest.info.run_id, folder))


def test_it_is_exported_verified_logged_and_reused(run, tiny_model):
    result, facts, check, published = run(outputs="topk", compress="int8")
    assert result.success
    assert published
    assert check.passed
    assert facts["verification"] == "passed"
    assert facts["outputs"] == {"indices": "int32 [10]", "distances": "float32 [10]"}
    assert facts["inputs"] == {"image": "image 96x96 RGB"}
    assert (facts["references"], facts["dimensions"], facts["reused"]) == (40, 18, False)
    assert facts["megabytes"] == pytest.approx(size_of(Path(facts["package"])) / 1e6, abs=0.01)
    assert {row.data["figure"] for row in facts["figures"].records} >= {"relative_error_max", "top1", "topk"}
    latest, names = artifacts()
    assert names == ["export.json"], "the package itself is in the version"
    assert latest.data.metrics["coreml.top1"] == 1
    assert latest.data.metrics["coreml.megabytes"] == pytest.approx(facts["megabytes"], abs=0.01)
    assert latest.data.tags["imgsim.coreml"] == "passed"
    package = Path(facts["package"])
    assert DevicePackage.load(package.parent).passed
    assert verify(package, tiny_model.references, 3).passed

    _, again, check, _ = run(outputs="topk", compress="int8")
    assert again["reused"]
    assert check.passed
    assert artifacts()[1] == ["export.json"]
    (package / "Manifest.json").write_text("{}")
    with pytest.raises(ModelFormatError, match="not the size it was exported with"):
        DevicePackage.load(package.parent)


def test_the_registered_version_carries_the_package_and_its_report(tmp_path, tiny_images, tiny_model):
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        instance.add_dynamic_partitions("collections", ["tiny"])
        ops = {"images": ImagesConfig(source=str(tiny_images)), "coreml_package": CoreMLConfig(verify=2)} | MINI
        config = dg.RunConfig(ops=ops, loggers={"console": {"config": {"log_level": "CRITICAL"}}})
        result = dg.materialize(
            ASSETS, instance=instance, partition_key="tiny", resources=resources(), run_config=config
        )
    assert result.success
    latest, names = artifacts()
    assert names == ["export.json"]
    folder = registry.load("tiny").references.coreml
    assert folder is not None
    assert sorted(path.name for path in folder.iterdir()) == ["export.json", "tiny.mlpackage", "tiny.references.json"]
    carried = DevicePackage.load(folder)
    assert carried.passed
    assert carried.path is not None
    assert verify(carried.path, tiny_model.references, 2).passed
    assert Interpreter(carried.path).metadata[RUN] == latest.info.run_id


def test_one_that_disagrees_stops_the_run(run, monkeypatch):
    monkeypatch.setattr(build, "image_bias", lambda spec: [0.0, 0.0, 0.0])
    result, facts, check, published = run()
    assert not result.success
    assert not published
    assert not check.passed
    assert check.severity is dg.AssetCheckSeverity.ERROR
    assert facts["verification"] == "failed"
    monkeypatch.undo()


def test_without_coremltools_the_run_goes_on_and_says_why(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "coremltools", None)
    result, facts, check, published = run()
    assert result.success
    assert published
    assert not check.passed
    assert check.severity is dg.AssetCheckSeverity.WARN
    assert facts["exported"] is False
    assert 'pip install "imgsim-kit[coreml]"' in facts["reason"]


def test_it_can_be_switched_off(run):
    result, facts, check, published = run(enabled=False)
    assert result.success
    assert published
    assert check.passed
    assert facts["reason"].startswith("switched off")


def test_the_network_is_the_one_of_the_features_in_the_same_run():
    used = {"ops": {"features": {"config": {"backbone": "mobilenet_v2", "weights": "/w.pth"}}}}
    default = {"ops": {"features": {"config": {"backbone": "auto"}}}}
    assert network_of_run(default, CoreMLConfig()) == {"backbone": None, "weights": None}
    assert network_of_run(used, CoreMLConfig()) == {"backbone": "mobilenet_v2", "weights": "/w.pth"}
    assert network_of_run(used, CoreMLConfig(weights="v.pth"))["weights"] == "v.pth"
    assert network_of_run({}, CoreMLConfig()) == {"backbone": None, "weights": None}
