"""Aliases of a real registry: after each registration they serve what was registered."""

from pathlib import Path

import numpy as np
import pytest
from mlflow import MlflowClient

import imgsim
from imgsim.mlflow import registry
from imgsim.mlflow.connection import default_tracking_uri, experiment_id
from tests.vector_models import clustered, labelled_model

GOOD, BAD = clustered(0.2), clustered(1.5, seed=1)
ALL, WITHOUT_ONE = np.arange(60), np.arange(1, 60)
BOTH = ("challenger", "champion")


@pytest.fixture
def client(mlflow_home: Path) -> MlflowClient:
    return MlflowClient()


def register(client: MlflowClient, model: imgsim.SimilarityModel) -> registry.Registration:
    run = client.create_run(experiment_id(client, "imgsim", default_tracking_uri()))
    return registry.register(model, collection="album", run_id=run.info.run_id)


def served(client: MlflowClient) -> set[str]:
    """Content of all pictures that an alias serves."""
    versions = set(client.get_registered_model("imgsim-album").aliases.values())
    return {sha for number in versions for sha in registry.load("album", version=number).images.sha256}


def test_content_that_returns_is_served_again(client: MlflowClient):
    first, other = labelled_model(GOOD, rows=ALL), labelled_model(GOOD, rows=WITHOUT_ONE)
    found = [register(client, model) for model in (first, other, first)]
    assert [(done.version, done.reused, done.aliases) for done in found] == [
        ("1", False, BOTH),
        ("2", False, BOTH),
        ("1", True, BOTH),
    ]
    assert registry.load("album").digest == first.digest
    assert "not worse than version 2" in found[2].reason


def test_a_picture_that_was_added_and_taken_out_again_is_served_by_no_alias(client: MlflowClient):
    before, with_it = labelled_model(GOOD, rows=WITHOUT_ONE), labelled_model(GOOD, rows=ALL)
    for model in (before, with_it, before):
        done = register(client, model)
    assert (done.version, done.aliases) == ("1", BOTH)
    assert "version 2 holds a picture that was taken out" in done.reason
    assert with_it.images.sha256[0] not in served(client)


def test_a_worse_version_without_the_picture_replaces_the_champion(client: MlflowClient):
    register(client, labelled_model(GOOD, rows=ALL))
    done = register(client, labelled_model(BAD, rows=WITHOUT_ONE))
    assert done.aliases == BOTH
    assert "taken out; worse than version 1" in done.reason
    assert served(client) == set(labelled_model(GOOD, rows=WITHOUT_ONE).images.sha256)
    back = register(client, labelled_model(GOOD, rows=WITHOUT_ONE))
    assert back.champion
    assert client.get_model_version("imgsim-album", back.version).tags["imgsim.baseline"] == "1"


def test_a_worse_version_is_challenger_only_and_the_same_one_is_not_judged_again(
    client: MlflowClient, monkeypatch: pytest.MonkeyPatch
):
    register(client, labelled_model(GOOD))
    worse = labelled_model(BAD)
    done = register(client, worse)
    assert done.aliases == ("challenger",)
    assert done.reason.startswith("not champion, version 1 stays: worse than version 1")
    with monkeypatch.context() as patched:
        patched.setattr("imgsim.mlflow.promotion.decide", None)
        again = register(client, worse)
    assert (again.reused, again.aliases, again.reason) == (True, ("challenger",), done.reason)
    better = register(client, labelled_model(clustered(0.2, seed=3)))
    assert better.aliases == BOTH


def test_a_champion_whose_files_are_gone_is_replaced(client: MlflowClient, home: Path):
    register(client, labelled_model(GOOD))
    for folder in (home / "mlartifacts").glob("**/artifacts"):
        folder.rename(folder.with_name("gone"))
    done = register(client, labelled_model(BAD))
    assert done.champion
    assert "files of version 1 are missing" in done.reason


def test_another_evaluation_of_the_same_model_is_another_version(client: MlflowClient):
    model = labelled_model(GOOD)
    register(client, model)
    model.evaluate(5)
    done = register(client, model)
    assert (done.version, done.reused, done.aliases) == ("2", False, BOTH)
    assert registry.load("album").evaluation.k == 5


def test_figures_of_another_k_are_known_by_their_names(client: MlflowClient):
    model = labelled_model(GOOD, k=4)
    register(client, model)
    (version,) = registry.list_versions("imgsim-album")
    assert version.k == 4
    assert version.metrics["precision_at_4"] == pytest.approx(model.evaluation.metrics["precision_at_4"], abs=1e-6)
