"""The asset ``onnx_package``: exported, verified, logged, reused; wrong ones and none."""

from pathlib import Path

import dagster as dg
import pytest

from imgsim.deployment.metadata import RUN
from imgsim.deployment.package_folder import DevicePackage
from imgsim.onnx_model import OnnxModel, build, verify
from orchestration.assets import embeddings, features, images, neighbor_graph, onnx_package
from orchestration.config import FeaturesConfig, ImagesConfig, OnnxConfig
from orchestration.definitions import resources

# Dagster and MLflow use deprecated parts of themselves, of pydantic and of SQLAlchemy
pytestmark = [
    pytest.mark.slow,
    pytest.mark.usefixtures("warm_home"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


@pytest.fixture
def run(tmp_path, tiny_images):
    """``run(**config)`` materialises everything up to the file."""
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        instance.add_dynamic_partitions("collections", ["tiny"])

        def materialise(**config):
            ops = {
                "images": ImagesConfig(source=str(tiny_images)),
                "features": FeaturesConfig(backbone="mini"),
                "onnx_package": OnnxConfig(**config),
            }
            result = dg.materialize(
                [images, features, embeddings, neighbor_graph, onnx_package],
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
            (check,) = [c for c in result.get_asset_check_evaluations() if c.check_name == "verified"]
            return result, {name: value.value for name, value in made["onnx_package"].items()}, check

        yield materialise


def artifacts():
    from mlflow import MlflowClient

    client = MlflowClient()
    (latest, *_) = client.search_runs([client.get_experiment_by_name("imgsim").experiment_id])
    return latest, sorted(Path(item.path).name for item in client.list_artifacts(latest.info.run_id, "onnx"))


def test_it_is_exported_verified_logged_and_reused(run, tiny_model, monkeypatch):
    result, facts, check = run(outputs="topk", compress="int8")
    assert result.success
    assert check.passed
    assert facts["outputs"] == {"indices": "int32 [10]", "distances": "float32 [10]"}
    assert (facts["verification"], facts["references"], facts["reused"]) == ("passed", 40, False)
    latest, names = artifacts()
    assert names == ["export.json", "tiny.onnx", "tiny.onnx.references.json"]
    assert latest.data.metrics["onnx.top1"] == 1
    assert latest.data.tags["imgsim.onnx"] == "passed"
    path = Path(facts["package"])
    assert OnnxModel(path).metadata[RUN] == latest.info.run_id
    assert DevicePackage.load(path.parent).passed
    assert verify(path, tiny_model.references, 2).passed

    _, again, check = run(outputs="topk", compress="int8")
    assert again["reused"]
    assert check.passed
    assert artifacts()[1] == ["export.json"], "the file is with the run that made it"

    result, facts, check = run(enabled=False)
    assert result.success
    assert check.passed
    assert facts["reason"].startswith("switched off")

    made = build.add_resize
    monkeypatch.setattr(
        build, "add_resize", lambda part, *rest: part.add("Transpose", made(part, *rest), perm=[0, 2, 1, 3])
    )
    result, facts, check = run(outputs="features")
    assert not result.success
    assert not check.passed
    assert check.severity is dg.AssetCheckSeverity.ERROR
    assert facts["verification"] == "failed"
