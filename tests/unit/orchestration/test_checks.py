"""Checks that stop a run, and checks that only warn."""

import dagster as dg
import numpy as np
import pandas as pd

from imgsim.evaluation import Evaluation
from imgsim.features.embeddings import Embeddings, Projection
from imgsim.images.load import load_images
from imgsim.insights.duplicates.leaks import TABLES
from imgsim.mlflow.registry import Registration
from imgsim.neighbors.graph import NeighborGraph
from imgsim.references.insight import Insight, frame
from orchestration import checks


def passed(results):
    return {result.check_name: result.passed for result in results}


def unit(rows=4, dims=3):
    matrix = np.random.default_rng(0).normal(size=(rows, dims)).astype(np.float32)
    return matrix / np.linalg.norm(matrix, axis=1, keepdims=True)


PROJECTION = Projection(np.zeros(3, np.float32), np.eye(3, dtype=np.float32))


def test_embeddings_must_be_finite_and_of_length_one():
    assert passed(checks.check_embeddings(Embeddings(unit(), PROJECTION), 4)) == {"finite": True, "unit_vectors": True}
    assert not passed(checks.check_embeddings(Embeddings(unit() * 2, PROJECTION), 4))["unit_vectors"]
    assert passed(checks.check_embeddings(Embeddings(unit() * 2, None), 4))["unit_vectors"]
    assert not passed(checks.check_embeddings(Embeddings(unit(), PROJECTION), 5))["finite"]
    bad = unit()
    bad[1, 1] = np.nan
    assert passed(checks.check_embeddings(Embeddings(bad, PROJECTION), 4)) == {"finite": False, "unit_vectors": False}


def test_graph_invariants():
    good = NeighborGraph(np.array([[1], [0]], np.int32), np.zeros((2, 1), np.float32), "exact")
    own = NeighborGraph(np.array([[0], [0]], np.int32), np.zeros((2, 1), np.float32), "exact")
    assert passed(checks.check_graph(good, 2)) == {"invariants": True}
    assert passed(checks.check_graph(good, 3)) == {"invariants": False}
    assert checks.failed(checks.check_graph(own, 2)) == "invariants"


def test_low_recall_stops_a_run():
    table = pd.DataFrame(columns=["label", "images", "precision", "map", "nn1"])
    low = Evaluation({"recall_at_10": 0.9, "precision_at_10": 0.5}, table, 10)
    assert checks.failed(checks.check_evaluation(low, 0.95)) == "recall_floor"
    assert checks.failed(checks.check_evaluation(low, 0.5)) == ""


def test_a_version_that_does_not_become_champion_only_warns():
    done = Registration("imgsim-x", "2", ("challenger",), False, "not champion, version 1 stays: worse", False)
    (result,) = checks.check_registration(done)
    assert (result.check_name, result.passed) == ("no_worse_than_champion", False)
    assert result.severity is dg.AssetCheckSeverity.WARN
    assert not checks.failed([result])


def test_blocking_is_declared():
    blocking = {spec.name for spec in checks.EVALUATION if spec.blocking}
    assert blocking == {"recall_floor"}
    assert all(spec.blocking for spec in checks.IMAGES + checks.FEATURES + checks.EMBEDDINGS + checks.GRAPH)


def test_leaks_between_splits_warn():
    columns = {name: [] for name in TABLES["pairs"].names}
    none = Insight("leaks", TABLES, {"pairs": frame(TABLES["pairs"], columns)})
    one = {
        "row": [1],
        "path": ["test/a.jpg"],
        "label": [None],
        "split": ["test"],
        "other": [0],
        "other_path": ["train/a.jpg"],
        "other_label": [None],
        "other_split": ["train"],
        "tier": ["same_bytes"],
    }
    some = Insight("leaks", TABLES, {"pairs": frame(TABLES["pairs"], one)})
    assert passed(checks.check_insight(none, 0)) == {"splits_apart": True}
    (result,) = checks.check_insight(some, 0)
    assert not result.passed
    assert result.severity is dg.AssetCheckSeverity.WARN
    assert passed(checks.check_insight(some, 1)) == {"splits_apart": True}
    assert not checks.failed([result]), "it only warns"
    assert checks.check_insight(Insight("outliers", {}, {}), 0) == [], "another insight has no check"


def test_images_that_stop_a_run_are_explained(tmp_path):
    for name in "abcde":
        (tmp_path / f"{name}.jpg").write_bytes(b"no picture")
    empty, rejected = checks.check_images(load_images(tmp_path), 0.5)
    assert checks.failed([empty, rejected]) == "not_empty, rejected_share"
    assert f"no image in {tmp_path}: 5 files were rejected, the first: a.jpg: " in empty.description
    assert rejected.description.startswith("5 of 5 files were rejected, more than 50%. The first: a.jpg: ")
    assert "c.jpg: " in rejected.description
    assert "d.jpg: " not in rejected.description
    assert checks.check_images(load_images(tmp_path), 1)[1].description is None
