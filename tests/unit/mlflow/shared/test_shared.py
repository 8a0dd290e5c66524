"""Versions of one collection share network, thumbnails and Core ML weights; what none uses is removed."""

import json
import shutil
import time
from pathlib import Path

import mlflow
import numpy as np
import pytest
from mlflow import MlflowClient

import imgsim
from imgsim.errors import ModelFormatError, RegistryError
from imgsim.mlflow import flavor, forget, registry
from imgsim.mlflow.connection import connect, create_database, default_tracking_uri, experiment_id
from imgsim.mlflow.prune import prune
from imgsim.mlflow.shared import claims
from imgsim.mlflow.shared.claims import REGISTERING, REMOVING, removing
from imgsim.mlflow.shared.copies import downloads
from imgsim.mlflow.shared.pieces import MODEL_FOLDER, RECIPE, read_recipe
from imgsim.mlflow.shared.run import shared_runs

NAME = "imgsim-tiny"
TABLES = (".parquet", ".arrow", ".safetensors", ".json")


@pytest.fixture(scope="session")
def models(tiny_model, tmp_path_factory):
    """The tiny model with all its pictures, and without the first, second, ..., all with a Core ML package."""
    folder = tmp_path_factory.mktemp("models")
    made = []
    for without in range(4):
        tiny_model.save(folder / str(without))
        model = imgsim.load_model(folder / str(without))
        if without:
            model.remove(model.ids[:without])
        package = folder / f"coreml-{without}"
        package.mkdir()
        model.export_coreml(package / "tiny.mlpackage", verify=0)
        model.references.coreml = package
        made.append(model)
    return made


@pytest.fixture
def client(mlflow_home):
    return MlflowClient(default_tracking_uri())


def register(client, model, collection="tiny"):
    run = client.create_run(experiment_id(client, "imgsim", default_tracking_uri()), tags={"imgsim.collection": "tiny"})
    done = registry.register(model, collection=collection, run_id=run.info.run_id)
    client.set_terminated(run.info.run_id)
    return done


def artifacts(home: Path) -> dict[Path, int]:
    """The files of all runs and models, but for a note that MLflow makes when it hands out a model."""
    found = [path for path in (home / "mlartifacts").rglob("*") if path.is_file()]
    return {path: path.stat().st_size for path in found if path.name != "registered_model_meta"}


def pieces(home: Path) -> set[str]:
    return {path.name for path in home.glob("mlartifacts/*/artifacts/shared/*")}


def logged(home: Path, client: MlflowClient, number: int) -> Path:
    return Path(client.get_model_version_download_uri(NAME, str(number)).removeprefix("file://"))


def test_a_picture_more_is_not_another_network(models, client, home):
    register(client, models[1])
    first = artifacts(home)
    register(client, models[0])
    added = {path: size for path, size in artifacts(home).items() if path not in first}
    assert sum(first.values()) > 14e6
    tables = sum(size for path, size in added.items() if path.suffix in TABLES)
    wheel = sum(size for path, size in added.items() if path.suffix == ".whl")
    assert sum(added.values()) - tables - wheel < 300_000
    assert tables < 400_000
    shared = read_recipe(logged(home, client, 2)).files
    assert set(shared) == {
        "backbone.onnx", "thumbnails.parquet", "coreml/tiny.mlpackage/Data/com.apple.CoreML/weights/weight.bin",
    }  # fmt: skip
    third = registry.register(models[0], collection="tiny", run_id=client.search_runs(["1"])[0].info.run_id)
    assert third.reused


def test_all_ways_to_load_give_the_whole_model(models, client, home, tmp_path):
    register(client, models[0])
    expected = models[0]
    kept = artifacts(home)
    pixels = np.zeros((9, 9, 3), np.uint8)
    loaded = [
        registry.load("tiny"),
        mlflow.pyfunc.load_model("models:/imgsim-tiny/1").get_raw_model(),
        flavor.load_model("models:/imgsim-tiny@champion"),
        flavor.load_model("models:/imgsim-tiny/1", made(tmp_path / "a")),
        flavor.load_model(mlflow.artifacts.download_artifacts("models:/imgsim-tiny/1", dst_path=made(tmp_path / "b"))),
        flavor.load_model(flavor.download_model("models:/imgsim-tiny/1", tmp_path / "c")),
    ]
    for model in loaded:
        assert model.revision == expected.revision
        assert model.thumbnails(range(40)) == expected.thumbnails(range(40))
        assert np.array_equal(model.embed_pixels(pixels), expected.embed_pixels(pixels))
    assert artifacts(home) == kept, "nothing is put into MLflow's own folders"


def made(folder: Path) -> str:
    folder.mkdir()
    return str(folder)


def test_a_whole_copy_needs_no_server_and_another_says_what_it_needs(models, client, home, tmp_path, monkeypatch):
    register(client, models[0])
    part = Path(mlflow.artifacts.download_artifacts("models:/imgsim-tiny/1", dst_path=made(tmp_path / "part")))
    flavor.download_model("models:/imgsim-tiny/1", tmp_path / "whole")
    assert not (tmp_path / "whole" / RECIPE).exists()
    monkeypatch.setenv("IMGSIM_HOME", str(tmp_path / "other"))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'other.db'}")
    assert flavor.load_model(tmp_path / "whole").revision == models[0].revision
    advice = r"imgsim registry download models:/imgsim-tiny/VERSION FOLDER"
    with pytest.raises(RegistryError, match=advice):
        flavor.load_model(part)
    create_database(f"sqlite:///{tmp_path / 'other.db'}")
    with pytest.raises(RegistryError, match=f"has no run .* comes from another server.*{advice}") as told:
        flavor.load_model(part)
    assert told.value.kind == "broken"
    assert not list((tmp_path / "other" / "models").glob("[!.]*"))


def test_the_second_download_takes_only_what_the_first_lacks(models, client, home):
    register(client, models[1])
    register(client, models[0])
    registry.load("tiny", version=1)
    common = set(read_recipe(logged(home, client, 1)).shared()) & set(read_recipe(logged(home, client, 2)).shared())
    assert len(common) > 5
    for path in home.glob("mlartifacts/*/artifacts/shared/*"):
        if path.name in common:
            path.unlink()
    assert registry.load("tiny", version=2).revision == models[0].revision


def test_a_copy_that_was_damaged_is_not_taken_from(models, client, home):
    register(client, models[1])
    register(client, models[0])
    registry.load("tiny", version=1)
    (network,) = downloads().glob(f"*/{MODEL_FOLDER}/backbone.onnx")
    data = bytearray(network.read_bytes())
    data[5000] ^= 1
    network.write_bytes(data)
    assert registry.load("tiny", version=2).revision == models[0].revision


@pytest.mark.parametrize("damage", ["gone", "short", "changed"])
def test_shared_files_that_are_damaged_are_named_and_sent_anew(models, client, home, damage):
    register(client, models[0])
    path = max(home.glob("mlartifacts/*/artifacts/shared/*"), key=lambda path: path.stat().st_size)
    data = path.read_bytes()
    path.unlink()
    if damage != "gone":
        path.write_bytes(data[:-1] + (b"" if damage == "short" else bytes([data[-1] ^ 1])))
    with pytest.raises(RegistryError, match=f"shared/{path.name}.*run the pipeline again") as told:
        registry.load("tiny")
    assert told.value.kind == "broken"
    if damage == "changed":
        path.unlink()  # as the message says
    done = register(client, models[1])
    assert done.champion
    assert path.read_bytes() == data
    assert registry.load("tiny", version=1).revision == models[0].revision


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda recipe: recipe["files"].update({"../../evil": [[3, None]]}), "evil"),
        (lambda recipe: recipe["files"]["backbone.onnx"].append([1, None]), "the size of backbone.onnx"),
        (lambda recipe: recipe["files"].update({"backbone.onnx": [[1, "../x"]]}), "the pieces of backbone.onnx"),
        (lambda recipe: recipe.update(run="../x"), "the run"),
        (lambda recipe: recipe.pop("files"), "files"),
    ],
)
def test_a_forged_recipe_is_refused(models, client, home, tmp_path, change, why):
    register(client, models[0])
    folder = Path(mlflow.artifacts.download_artifacts("models:/imgsim-tiny/1", dst_path=made(tmp_path / "part")))
    recipe = json.loads((folder / RECIPE).read_text())
    change(recipe)
    (folder / RECIPE).write_text(json.dumps(recipe))
    with pytest.raises(ModelFormatError, match=f"shared.json lacks or misstates .*{why}"):
        flavor.load_model(folder)


def test_prune_keeps_aliases_and_the_newest(models, client, home):
    for model in reversed(models):
        register(client, model)
    client.set_registered_model_alias(NAME, "champion", "1")
    client.set_model_version_tag(NAME, "1", "imgsim.baseline", "1")
    before = artifacts(home)
    planned = prune(NAME, 1, dry_run=True)
    assert artifacts(home) == before
    done = prune(NAME, 1)
    assert (done.kept, done.removed) == (("1", "4"), ("2", "3"))
    assert planned == done
    assert done.pieces > 0
    assert sum(before.values()) - sum(artifacts(home).values()) > done.bytes > 0
    assert [version.version for version in registry.list_versions(NAME)] == ["4", "1"]
    used = {sha256 for number in (1, 4) for sha256 in read_recipe(logged(home, client, number)).shared()}
    assert pieces(home) == used
    for number, model in ((1, models[3]), (4, models[0])):
        assert registry.load("tiny", version=number).revision == model.revision
    again = prune(NAME, 1)
    assert (again.removed, again.pieces) == ((), 0)


def test_prune_keeps_the_baseline_and_what_another_model_copied(models, client, home):
    for model in reversed(models):
        register(client, model)
    client.set_registered_model_alias(NAME, "champion", "4")
    client.set_model_version_tag(NAME, "4", "imgsim.baseline", "2")
    with connect():
        client.copy_model_version(f"models:/{NAME}/1", "production")
    assert prune(NAME, 1).removed == ("3",)
    assert flavor.load_model("models:/production/1").revision == models[3].revision


def test_prune_removes_what_a_killed_registration_left(models, client, home, monkeypatch):
    register(client, models[0])

    def killed(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as passing:
        passing.setattr(MlflowClient, "create_model_version", killed)
        with pytest.raises(KeyboardInterrupt):
            register(client, models[3])
    used = set(read_recipe(logged(home, client, 1)).shared())
    assert pieces(home) > used
    assert prune(NAME).unfinished == 0, "it could be under way"
    assert pieces(home) > used
    later = time.time() + 7 * 3600
    monkeypatch.setattr(time, "time", lambda: later)
    assert prune(NAME).unfinished == 1
    assert pieces(home) == used


def test_a_removal_gives_up_while_a_version_is_registered(models, client, home):
    register(client, models[1])
    register(client, models[0])
    (run,) = shared_runs(client, NAME)
    client.set_tag(run.id, REGISTERING + "other", f"{time.time():.0f}")
    with pytest.raises(RegistryError, match=f"is being registered.*{run.id}"):
        prune(NAME, 1)
    assert len(registry.list_versions(NAME)) == 2
    assert prune(NAME, 1, dry_run=True).kept
    client.set_tag(run.id, REGISTERING + "other", f"{time.time() - 7 * 3600:.0f}")
    prune(NAME, 1)


def test_a_registration_waits_for_a_removal(models, client, home, monkeypatch):
    register(client, models[1])
    (run,) = shared_runs(client, NAME)
    waits = []

    def wait(_):
        assert not waits or len(registry.list_versions(NAME)) == 1, "nothing is registered while it waits"
        waits.append(1)
        if len(waits) == 3:
            client.delete_tag(run.id, REMOVING + "other")

    monkeypatch.setattr(claims.time, "sleep", wait)
    client.set_tag(run.id, REMOVING + "other", f"{time.time():.0f}")
    register(client, models[0])
    assert len(waits) == 3
    client.set_tag(run.id, REMOVING + "other", f"{time.time():.0f}")
    monkeypatch.setattr(claims, "PATIENCE", -1.0)
    with pytest.raises(RegistryError, match="are being removed"):
        register(client, models[2])
    assert not [key for key in client.get_run(run.id).data.tags if key.startswith(REGISTERING)]


def test_a_removal_that_slept_does_not_go_on(models, client, home, monkeypatch):
    register(client, models[1])
    register(client, models[0])
    with removing(client, shared_runs(client, NAME), NAME) as (claim,):
        claim.renew()
        later = time.time() + 700
        monkeypatch.setattr(time, "time", lambda: later)
        with pytest.raises(RegistryError, match="interrupted for too long"):
            claim.renew()


def test_forget_covers_shared_files(models, client, home):
    victim = models[0].images.sha256[0]
    (thumbnail,) = models[0].thumbnails([0])
    register(client, models[0])
    register(client, models[1])
    assert any(thumbnail in path.read_bytes() for path in artifacts(home))
    forget.forget_picture("tiny", victim)
    shutil.rmtree(downloads(), ignore_errors=True)
    assert not any(thumbnail in path.read_bytes() for path in artifacts(home))
    assert registry.load("tiny").revision == models[1].revision
    forget.forget_model("tiny")
    assert not pieces(home)
    assert shared_runs(client, NAME) == []
