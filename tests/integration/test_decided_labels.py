"""Decided labels in the pipeline: a new decision changes the labels and what is measured on them, and nothing else."""

from pathlib import Path

import dagster as dg
import pytest

from imgsim.decisions import open_decisions
from imgsim.mlflow import registry
from orchestration.assets import ASSETS
from orchestration.config import CoreMLConfig, EmbeddingsConfig, FeaturesConfig, ImagesConfig
from orchestration.definitions import resources
from tests.unit.decisions.sha import A

# Dagster and MLflow use deprecated parts of themselves, of pydantic and of SQLAlchemy
pytestmark = [pytest.mark.usefixtures("warm_home"), pytest.mark.filterwarnings("ignore::DeprecationWarning")]

VECTORS = ("embeddings", "neighbor_graph")
BY_LABEL = ("images", "evaluation", "label_errors")


def materialise(instance: dg.DagsterInstance, source: Path, learn: str = "", **images: object) -> dict[str, dict]:
    """Asset to its metadata, of a run of the whole pipeline but for the Core ML package."""
    ops = {
        "images": ImagesConfig(source=str(source), **images),
        "features": FeaturesConfig(backbone="mini"),
        "embeddings": EmbeddingsConfig(learn=learn),
        "coreml_package": CoreMLConfig(enabled=False),
    }
    result = dg.materialize(
        ASSETS,
        instance=instance,
        partition_key="tiny",
        resources=resources(),
        run_config=dg.RunConfig(ops=ops, loggers={"console": {"config": {"log_level": "CRITICAL"}}}),
    )
    assert result.success
    found = {}
    for event in result.get_asset_materialization_events():
        asset = event.step_materialization_data.materialization
        found[asset.asset_key.to_user_string()] = {name: value.value for name, value in asset.metadata.items()}
    return found


def keys(facts: dict[str, dict]) -> dict[str, str]:
    return {asset: values["key"] for asset, values in facts.items() if "key" in values}


def test_a_decision_changes_what_depends_on_labels_and_nothing_else(tiny_images: Path, tiny_model):
    from mlflow import MlflowClient

    images = tiny_model.images
    with dg.DagsterInstance.ephemeral() as instance:
        instance.add_dynamic_partitions("collections", ["tiny"])
        first = materialise(instance, tiny_images)
        assert "decisions" not in first["images"]

        open_decisions().set_label(A, "of another collection")
        open_decisions().add_tag(images.sha256[0], "blurry")
        second = materialise(instance, tiny_images)
        assert all(stage["reused"] for stage in second.values())

        open_decisions().set_label(images.filter_by("cube", "label").sha256, "block")
        third = materialise(instance, tiny_images)
        assert {name: third[name]["reused"] for name in (*VECTORS, *BY_LABEL)} == {
            **dict.fromkeys(VECTORS, True),
            **dict.fromkeys(BY_LABEL, False),
        }
        assert third["features"]["computed"] == 0
        digest = third["images"]["decisions"]
        assert third["images"]["changed_labels"] == 10

        version, *_ = registry.list_versions("imgsim-tiny")
        assert version.version == third["registered_model"]["version"] == "2"
        assert version.tags["imgsim.decisions"] == digest
        assert MlflowClient().get_run(version.run_id).data.tags["imgsim.decisions"] == digest
        loaded = registry.load("tiny", version="2")
        assert loaded.images.decisions == digest
        assert {"block"} == set(loaded.images.labels) - set(images.labels)
        assert "block" in loaded.evaluation.per_class["label"].tolist()

        fourth = materialise(instance, tiny_images, decisions=False)
        assert keys(fourth) == keys(first), "as if nothing had ever been decided"
        assert all(stage["reused"] for stage in fourth.values())
        assert fourth["registered_model"]["version"] == "1"


def test_a_metric_is_learnt_again_where_a_label_was_decided(tiny_images: Path, tiny_model):
    with dg.DagsterInstance.ephemeral() as instance:
        instance.add_dynamic_partitions("collections", ["tiny"])
        first = materialise(instance, tiny_images, learn="labels")
        assert all(stage["reused"] for stage in materialise(instance, tiny_images, learn="labels").values())
        version, *_ = registry.list_versions("imgsim-tiny")
        assert version.tags["imgsim.learning.labels_digest"] == first["embeddings"]["labels_digest"]

        open_decisions().set_label(tiny_model.images.filter_by("cube", "label").sha256, "block")
        second = materialise(instance, tiny_images, learn="labels")
        assert not second["embeddings"]["reused"]
        assert second["features"]["computed"] == 0
        assert second["embeddings"]["labels_digest"] != first["embeddings"]["labels_digest"]
        learning = registry.load("tiny", version=second["registered_model"]["version"]).references.learning
        assert "block" in learning.classes
