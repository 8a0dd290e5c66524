"""Models that version 0.1.0 saved and registered: they load and answer as they did.

``tests/fixtures/version_0_1`` was written by that version: 27 pictures, a seeded network of two convolutions, all
insights, as an MLflow model; and its own answers.
"""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import imgsim

FOLDER = Path(__file__).parents[2] / "fixtures" / "version_0_1"
ANSWERS = json.loads((FOLDER / "answers.json").read_text())


@pytest.fixture(scope="module")
def model() -> imgsim.SimilarityModel:
    return imgsim.load_model(FOLDER / "mlflow_model" / "model.imgsim")


def same(found, expected) -> None:
    assert list(found.columns) == list(expected)
    for name, values in expected.items():
        if name == "distance":
            np.testing.assert_allclose(found[name], values, atol=1e-5)
        else:
            assert found[name].tolist() == values


def test_a_saved_model_has_all_it_had(model):
    assert model.digest == ANSWERS["digest"]
    assert model.revision == ANSWERS["revision"]
    assert model.ids.tolist() == ANSWERS["ids"]
    assert model.references.ids_column == "path"
    assert {name: insight.digest for name, insight in model.insights.items()} == ANSWERS["insights"]
    assert model.evaluation.metrics == pytest.approx(ANSWERS["metrics"])
    assert len(model.rejected) > 0


def test_a_saved_model_answers_as_it_did(model):
    same(model.query(np.load(FOLDER / "probe.npy"), k=5), ANSWERS["query"])
    same(model.similarity_graph(k=3, output="table").head(30), ANSWERS["graph"])


def test_it_can_be_saved_again(model, tmp_path):
    model.save(tmp_path / "again")
    assert imgsim.load_model(tmp_path / "again").revision == ANSWERS["revision"]


def test_a_registered_model_loads_by_the_loader_it_names(model, mlflow_home):
    import mlflow

    from imgsim.mlflow import flavor
    from imgsim.mlflow.connection import connect

    with connect() as connection:
        connection.client.create_registered_model("imgsim-old")
        connection.client.create_model_version("imgsim-old", str(FOLDER / "mlflow_model"))
        served = mlflow.pyfunc.load_model("models:/imgsim-old/1")
        loaded = flavor.load_model("models:/imgsim-old/1")
    assert loaded.revision == ANSWERS["revision"]
    found = served.predict(pd.DataFrame({"id": ANSWERS["ids"][:1]}), params={"k": 2})
    assert found["error"][0] is None
    assert found["id"][0] == ANSWERS["ids"][0]
    assert found["distance"][0] == 0
