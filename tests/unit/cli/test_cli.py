"""The command line: what is printed where, what is written, and exit codes."""

import csv
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

import imgsim
from imgsim.cli import app
from imgsim.cli.console import plain, to_json
from imgsim.images.table import ImageTable
from imgsim.model import SimilarityModel

ROOT = Path(imgsim.__file__).parents[1]


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def document(*arguments: object, code: int = 0) -> dict:
    result = run(*arguments, "--json")
    assert result.exit_code == code, result.output
    return json.loads(result.stdout, parse_constant=pytest.fail)


def command(*arguments: object, env: dict[str, str] | None = None) -> subprocess.CompletedProcess:
    environment = os.environ | {"PYTHONPATH": str(ROOT)} | (env or {})
    line = [sys.executable, "-m", "imgsim", *map(str, arguments)]
    return subprocess.run(line, env=environment, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture(scope="session")
def saved(tiny_model: SimilarityModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cli") / "tiny.imgsim"
    tiny_model.save(folder)
    return folder


@pytest.fixture
def warm(shared_home: Path, tiny_model: SimilarityModel, monkeypatch: pytest.MonkeyPatch) -> None:
    """The home that already holds mini as ONNX and the features of the tiny images."""
    monkeypatch.setenv("IMGSIM_HOME", str(shared_home))


@pytest.fixture
def messy(tiny_images: Path, tmp_path: Path) -> Path:
    """Six pictures with awkward names, and three files that are none."""
    folder = tmp_path / "messy"
    for label, kind in {"[red]cubes": "cube", "torus": "torus"}.items():
        (folder / label).mkdir(parents=True)
        for i, path in enumerate(sorted((tiny_images / kind).glob("*.jpg"))[:3]):
            shutil.copy(path, folder / label / f"[bold]{i}.jpg")
    whole = (folder / "torus" / "[bold]0.jpg").read_bytes()
    (folder / "torus" / "[red]text.jpg").write_text("not a picture")
    (folder / "torus" / "empty.png").write_bytes(b"")
    (folder / "torus" / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    return folder


def test_help_is_fast_and_loads_nothing_heavy():
    code = (
        "import sys, time; import imgsim.cli; from typer.testing import CliRunner;"
        "r = CliRunner().invoke(imgsim.cli.app, ['--help']); assert r.exit_code == 0, r.output;"
        "heavy = {'pandas', 'pyarrow', 'numpy', 'torch', 'mlflow', 'PIL', 'onnxruntime'} & set(sys.modules);"
        "assert not heavy, heavy; assert time.process_time() < 1, time.process_time()"
    )
    subprocess.run([sys.executable, "-c", code], env=os.environ | {"PYTHONPATH": str(ROOT)}, check=True, timeout=60)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (pa.ArrowInvalid("offset overflow"), "unexpected ArrowInvalid: offset overflow. This is a fault of imgsim"),
        (MemoryError(), "memory is short"),
        (pa.ArrowMemoryError("malloc of size 9 failed"), "memory is short"),
        (RuntimeError("no locator available"), "unexpected RuntimeError: no locator"),
        (RecursionError("maximum depth"), "unexpected RecursionError"),
        (OSError(28, "No space left on device", "/full/x"), "error: /full/x: no space left on device."),
    ],
)
def test_no_error_ends_in_a_traceback(monkeypatch: pytest.MonkeyPatch, error: Exception, said: str):
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("imgsim.images.load.load_images", fail)
    result = run("load", ".")
    assert (result.exit_code, isinstance(result.exception, SystemExit)) == (1, True)
    assert said in result.stderr
    assert "Traceback" not in result.output
    assert run("--debug", "load", ".").exception is error


def test_the_real_command_and_its_exit_codes(tmp_path: Path):
    shown = command("--help", env={"COLUMNS": "80"})
    assert shown.returncode == 0
    assert all(f"{name} " in shown.stdout for name in ("load", "create", "query", "graph", "evaluate", "doctor"))
    assert "..." not in shown.stdout.replace("[ARGS]...", ""), "every command in full"
    assert run("--version").stdout == f"imgsim {imgsim.__version__}\n"
    assert run("load").exit_code == 2
    assert run("load", tmp_path, "--no-such-option").exit_code == 2
    failed = command("load", tmp_path / "nowhere")
    assert failed.returncode == 1
    assert failed.stderr.startswith("error: ")
    assert "Traceback" not in failed.stderr


def test_names_that_the_encoding_of_stdout_lacks(tmp_path: Path):
    Image.new("RGB", (8, 8)).save(tmp_path / "é漢.png")
    (tmp_path / "ü.jpg").write_bytes(b"x")
    shown = command("load", tmp_path, env={"PYTHONIOENCODING": "ascii"})
    assert shown.returncode == 0, shown.stderr
    assert "\\xfc.jpg" in shown.stdout


@pytest.mark.skipif(os.name != "posix", reason="signals")
@pytest.mark.usefixtures("tiny_model")
def test_interrupt_keeps_finished_features(tmp_path: Path, home: Path, shared_home: Path):
    shutil.copytree(shared_home / "store" / "backbones", home / "store" / "backbones")
    source = tmp_path / "many"
    source.mkdir()
    for i in range(1500):
        Image.new("RGB", (24, 24), (i % 256, i // 256, 99)).save(source / f"{i}.png")
    mini = ("--backbone", "mini")
    line = [sys.executable, "-m", "imgsim", "create", str(source), "-o", str(tmp_path / "m.imgsim"), *mini]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        line,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # pytest-xdist ignores it
    )
    deadline = time.monotonic() + 240
    while not list((home / "store" / "features").glob("*/[!.]*.parquet")) and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=240)
    assert (process.returncode, output) == (130, ""), errors
    assert "kept" in errors
    assert "Traceback" not in errors
    assert not (tmp_path / "m.imgsim").exists()
    assert document("create", source, "-o", tmp_path / "m.imgsim", *mini)["features"]["reused"] >= 512


def test_load_counts_and_names_what_is_broken(messy: Path, tmp_path: Path):
    result = run("load", messy)
    assert result.exit_code == 0
    assert "7 (7 JPEG)" in result.stdout  # the cut file has a good header: decoding finds it
    assert "[red]cubes" in result.stdout
    assert "torus/[red]text.jpg" in result.stdout
    assert "torus/empty.png" in result.stdout
    found = document("load", messy)
    assert (found["images"], found["rejected"]) == (7, 2)
    assert found["labels"] == {"torus": 4, "[red]cubes": 3}
    assert {row["path"] for row in found["rejected_files"]} == {"torus/[red]text.jpg", "torus/empty.png"}
    assert all(row["reason"] and row["stage"] for row in found["rejected_files"])


def test_load_writes_table_sheet_and_rejected(messy: Path, tmp_path: Path):
    targets = {name: tmp_path / name for name in ("t.parquet", "t.csv", "s.png", "r.csv")}
    assert run("load", messy, "-o", targets["t.parquet"], "--sheet", targets["s.png"]).exit_code == 0
    assert run("load", messy, "-o", targets["t.csv"], "--rejected", targets["r.csv"]).exit_code == 0
    assert len(ImageTable.load(targets["t.parquet"])) == len(ImageTable.load(targets["t.csv"])) == 7
    assert len(pd.read_csv(targets["r.csv"])) == 2
    with Image.open(targets["s.png"]) as drawn:
        assert drawn.width > 160
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_load_says_what_is_skipped_and_what_the_labels_are(messy: Path, tmp_path: Path):
    for name in ("notes.txt", "torus/scan.svg", "torus/@eaDir/1.jpg", ".NET/1.jpg"):
        (messy / name).parent.mkdir(exist_ok=True)
        (messy / name).write_bytes(b"x")
    result = run("load", messy, "--exclude", "not*", "--rejected", tmp_path / "unused.csv")
    assert "5: 2 hidden, 1 excluded by 'not*', 1 excluded by '@eaDir', 1 .svg" in result.stdout
    assert "2, names of folders; 0 images without" in result.stdout
    assert "--exclude '!.NET' takes those in .NET" in result.stderr
    unused = pd.read_csv(tmp_path / "unused.csv")
    assert unused.loc[unused["stage"] == "skipped", "reason"].value_counts()["hidden"] == 2
    found = document("load", messy)
    assert found["labels_from"] == "names of folders"
    assert {"path": "torus/scan.svg", "reason": ".svg"} in found["skipped_files"]
    assert document("load", messy, "--exclude", "!.NET")["rejected"] == found["rejected"] + 1  # it is no image
    one = document("load", messy, "--exclude", "[[]red]cubes")
    assert (one["labels"], one["labels_from"]) == ({}, None)
    assert document("load", messy, "--exclude", "[[]red]cubes", "--labels", "folder")["labels"] == {"torus": 4}


def test_the_source_is_never_written_over(messy: Path, tmp_path: Path):
    table = tmp_path / "t.csv"
    table.write_text(f"path,mine\n{messy}/torus/torus_00.jpg,1\n")
    for option in ("--output", "--rejected"):
        refused = run("load", table, option, table)
        assert refused.exit_code == 2
        assert "is the source" in refused.output
    assert "mine" in table.read_text()


def test_a_closed_stdout_is_no_fault(messy: Path):
    line = f'exec "{sys.executable}" -m imgsim load "{messy}" >&-'
    done = subprocess.run(
        ["sh", "-c", line], env=os.environ | {"PYTHONPATH": str(ROOT)}, stderr=subprocess.PIPE, check=False
    )
    assert (done.returncode, b"unexpected" in done.stderr) == (0, False)


def test_a_tilde_is_the_home_folder(messy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert messy == tmp_path / "messy"
    done = run("load", "~/messy", "--output=~/t.parquet", "--rejected", "~/r.csv", "--sheet=~/s.png")
    assert done.exit_code == 0, done.output
    assert {"t.parquet", "r.csv", "s.png"} <= {path.name for path in tmp_path.iterdir()}


def test_load_options(messy: Path):
    assert document("load", messy, "--labels", "none")["labels"] == {}
    assert document("load", messy, "--no-recursive", code=1)["images"] == 0
    strict = run("load", messy, "--strict")
    assert strict.exit_code == 1
    assert strict.stderr.startswith("error: ")
    assert strict.stdout == ""


def test_load_of_nothing_usable_fails(tmp_path: Path):
    result = run("load", tmp_path)
    assert result.exit_code == 1
    assert "no usable image" in result.stderr


@pytest.mark.parametrize("target", ["t.txt", "t", "t.xlsx"])
def test_a_target_that_cannot_be_written_is_refused_first(tiny_images: Path, target: str):
    result = run("load", tiny_images, "-o", target)
    assert result.exit_code == 2
    assert ".parquet" in result.stderr


def test_an_unwritable_place_is_one_clean_message(tiny_images: Path, tmp_path: Path):
    (tmp_path / "file").write_text("")
    result = run("load", tiny_images, "-o", tmp_path / "file" / "t.csv")
    assert result.exit_code == 1
    assert result.stderr.startswith("error: ")


@pytest.mark.usefixtures("warm")
def test_create_tells_what_it_did_and_reuses(messy: Path, tmp_path: Path):
    target = tmp_path / "m.imgsim"
    mini = ("--backbone", "mini")
    first = document("create", messy, "-o", target, "-k", 3, *mini)
    assert (first["images"], first["rejected"]) == (6, 3)
    assert first["graph"]["k"] == 3
    assert first["evaluation"]["metrics"]["recall_at_3"] == 1
    assert first["rejected_files"][0]["stage"] in ("header", "decode")
    again = run("create", messy, "-o", target, "-k", 3, *mini)
    assert again.exit_code == 1
    assert "--overwrite" in again.stderr
    shown = run("create", messy, "-o", target, "-k", 3, "--overwrite", "--projection", "none", *mini)
    assert shown.exit_code == 0, shown.output
    assert "0 computed, 7 reused" in shown.stdout
    assert "--backbone efficientnet_lite0 finds better neighbours" in shown.stderr
    assert len(imgsim.load_model(target)) == 6


@pytest.mark.usefixtures("warm")
def test_create_equals_the_library(tiny_images: Path, tiny_model: SimilarityModel, tmp_path: Path):
    document("create", tiny_images, "-o", tmp_path / "m.imgsim", "--backbone", "mini")
    assert imgsim.load_model(tmp_path / "m.imgsim").digest == tiny_model.digest


@pytest.mark.usefixtures("warm")
def test_create_refines_on_request(tiny_images: Path, tiny_model: SimilarityModel, tmp_path: Path):
    shown = run("create", tiny_images, "-o", tmp_path / "m", "--backbone", "mini", "--refine")
    assert shown.exit_code == 0, shown.output
    assert f"{tiny_model.embeddings.shape[1]} dimensions, refined" in shown.stdout
    made = imgsim.load_model(tmp_path / "m")
    assert np.array_equal(made.plain_embeddings, tiny_model.embeddings)
    assert not np.array_equal(made.embeddings, tiny_model.embeddings)
    refused = run("create", tiny_images, "-o", tmp_path / "n", "--refine", "--projection", "none")
    assert refused.exit_code == 1
    assert "leave refine out" in refused.stderr


@pytest.mark.usefixtures("warm")
def test_create_tells_the_precision_and_why(tiny_images: Path, tmp_path: Path):
    shown = run("create", tiny_images, "-o", tmp_path / "m.imgsim", "--backbone", "mini", "--precision", "auto")
    assert re.search(r"^precision +fp32 \(\d+ of \d+ features are stored in it\)$", shown.stdout, re.MULTILINE)
    assert document("create", tiny_images, "-o", tmp_path / "n.imgsim", "--backbone", "mini")["precision"] == "fp32"


@pytest.mark.usefixtures("warm")
def test_create_by_partitions_in_other_processes(tiny_images: Path, tiny_model: SimilarityModel, tmp_path: Path):
    how = ("--method", "partitioned", "--workers", "processes", "--worker-count", 2, "--backbone", "mini")
    assert document("create", tiny_images, "-o", tmp_path / "m", *how)["graph"]["method"] == "partitioned"
    made = imgsim.load_model(tmp_path / "m")
    assert np.array_equal(made.graph.neighbors, tiny_model.graph.neighbors)


def test_create_refuses_before_any_work(tiny_images: Path, tmp_path: Path, home: Path):
    target = tmp_path / "m.imgsim"
    assert run("create", tiny_images).exit_code == 2
    assert run("create", tiny_images, "-o", target, "--projection", "many").exit_code == 2
    assert run("create", tiny_images, "-o", target, "-k", "0").exit_code == 2
    assert run("create", tiny_images, "-o", target, "--method", "magic").exit_code == 1
    precision = run("create", tiny_images, "-o", target, "--precision", "int8")
    assert (precision.exit_code, precision.stderr) == (
        1,
        "error: precision must be one of fp32, bf16, auto, not 'int8'.\n",
    )
    unknown = run("create", tiny_images, "-o", target, "--backbone", "magic")
    assert unknown.exit_code == 1
    assert "All: imgsim backbones." in unknown.stderr
    nothing = run("create", home, "-o", target)
    assert nothing.exit_code == 1
    assert "no images to build a model from" in nothing.stderr
    assert "no file with the extension of an image" in nothing.stderr
    assert not target.exists()


def test_the_default_network_end_to_end(messy: Path, tmp_path: Path):
    made = document("create", messy, "-o", tmp_path / "m.imgsim", "-k", 3)
    assert (made["backbone"]["name"], made["backbone"]["dim"]) == ("efficientnet_lite0", 1280)
    picture = messy / "torus" / "[bold]0.jpg"
    (answer,) = document("query", tmp_path / "m.imgsim", picture, "-k", 2)["queries"]
    assert answer["neighbors"][0]["distance"] == 0


@pytest.mark.usefixtures("warm")
def test_options_of_the_network_reach_it(messy: Path, tmp_path: Path):
    how = ("--backbone", "timm:test_resnet", "--weights", "random", "--image-size", 64, "--pooling", "gem")
    made = document("create", messy, "-o", tmp_path / "m", "-k", 3, *how, "--resize", "model")["backbone"]
    assert (made["height"], made["pooling"]) == (64, "gem")
    assert made["crop_from"] > 64
    refused = run("create", messy, "-o", tmp_path / "n", "--backbone", "mini", "--image-size", 64)
    assert (refused.exit_code, "mini has no option image_size=" in refused.stderr) == (1, True)


def test_advice_is_what_is_typed(tiny_images: Path, tmp_path: Path):
    apples = run("create", tiny_images, "-o", tmp_path / "m", "--backbone", "VisionFeaturePrint_Scene")
    assert "use --backbone mini." in apples.stderr
    assert "From MLflow's registry: models:/NAME@ALIAS." in run("query", tmp_path / "none", "--id", "1").stderr


def test_query_by_file_folder_and_id(saved: Path, tiny_images: Path):
    pictures = sorted((tiny_images / "torus").glob("*.jpg"))
    found = document("query", saved, pictures[0], "--id", 7, "-k", 3)
    assert [entry["query"] for entry in found["queries"]] == [str(pictures[0]), "id 7"]
    for entry in found["queries"]:
        assert [row["rank"] for row in entry["neighbors"]] == [1, 2, 3]
        assert entry["neighbors"][0]["distance"] == 0
    assert found["queries"][0]["neighbors"][0]["path"] == f"torus/{pictures[0].name}"
    assert found["queries"][1]["neighbors"][0]["id"] == 7
    assert len(document("query", saved, tiny_images / "torus")["queries"]) == len(pictures)


def test_query_prints_and_writes(saved: Path, tiny_images: Path, tmp_path: Path):
    picture = tmp_path / "[red]new.png"
    with Image.open(next((tiny_images / "cube").glob("*.jpg"))) as known:
        known.rotate(5).save(picture)
    result = run("query", saved, picture, "-k", 2, "--sheet", tmp_path / "s.png", "-o", tmp_path / "found.csv")
    assert result.exit_code == 0, result.output
    assert "[red]new.png" in result.stdout
    assert list(pd.read_csv(tmp_path / "found.csv")["rank"]) == [1, 2]
    with Image.open(tmp_path / "s.png") as drawn:
        assert drawn.width > 240


def test_query_radius(saved: Path):
    assert len(document("query", saved, "--id", 0, "--radius", 0)["queries"][0]["neighbors"]) == 1
    far = np.nextafter(2.0, 3)
    for k, count in ((40, 40), (0, 40), (3, 3)):
        assert len(document("query", saved, "--id", 0, "--radius", far, "-k", k)["queries"][0]["neighbors"]) == count
    assert len(document("query", saved, "--id", 0, "--radius", far)["queries"][0]["neighbors"]) == 5


def test_query_takes_a_path_for_an_id(saved: Path):
    found = document("query", saved, "--id", "torus/torus_03.jpg", "-k", 1)["queries"][0]
    assert found["neighbors"][0]["path"] == "torus/torus_03.jpg"


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ([], 2, "at least one image"),
        (["--id", "999"], 1, "999"),
        (["--id", "torus"], 1, "whole numbers"),
        (["nowhere.jpg"], 1, "nowhere.jpg"),
        (["--id", "1", "-k", "-1"], 2, "-k"),
        (["--id", "1", "--radius", "-1"], 2, "--radius"),
        (["--id", "1", "--radius", "nan"], None, "radius"),  # refused by click or, before its 8.4, by the library
    ],
)
def test_query_that_cannot_be_answered(saved: Path, arguments: list[str], code: int | None, message: str):
    result = run("query", saved, *arguments)
    assert result.exit_code == code or (code is None and result.exit_code in (1, 2)), result.output
    assert message in result.stderr
    assert result.stdout == ""


def test_a_folder_that_is_no_model(tiny_images: Path):
    result = run("query", tiny_images, "--id", "1")
    assert result.exit_code == 1
    assert result.stderr.startswith("error: ")


def test_a_registry_that_is_not_there(home: Path):
    result = run("query", "models:/imgsim-tiny@champion", "--id", "1")
    assert result.exit_code == 1
    assert "MLflow" in result.stderr


def test_graph_formats_agree(saved: Path, tmp_path: Path):
    import networkx
    from scipy.sparse import load_npz

    for suffix in ("csv", "parquet", "graphml", "npz"):
        assert run("graph", saved, "-k", 3, "-o", tmp_path / f"e.{suffix}").exit_code == 0
    edges = pd.read_csv(tmp_path / "e.csv")
    assert list(edges.columns) == ["src_id", "dst_id", "distance", "rank"]
    assert len(edges) == len(pd.read_parquet(tmp_path / "e.parquet")) == 120
    assert load_npz(tmp_path / "e.npz").nnz == 120
    graph = networkx.read_graphml(tmp_path / "e.graphml")
    assert graph.number_of_edges() == 120
    assert {label for _, label in graph.nodes(data="label")} == {"sphere", "cube", "torus", "bricks"}


def test_graph_prints(saved: Path):
    printed = run("graph", saved, "-k", 2, "-o", "-")
    assert printed.stdout.splitlines()[0] == '"src_id","dst_id","distance","rank"'
    assert len(printed.stdout.splitlines()) == 81
    assert len(document("graph", saved, "-k", 2, "--self")["graph"]) == 80
    assert "60 more" in run("graph", saved, "-k", 2).stdout
    assert run("graph", saved, "-o", "edges.dot").exit_code == 2
    assert run("graph", saved, "-o", "-", "--json").exit_code == 2


def test_names_with_ends_of_lines_survive_csv(tmp_path: Path, rng: np.random.Generator):
    names = ["a\rb", "c\nd", "e\r\nf", 'g"h', "i,j"]
    imgsim.create(embeddings=rng.normal(size=(5, 8)), ids=names, k=2).save(tmp_path / "m.imgsim")
    assert run("graph", tmp_path / "m.imgsim", "-k", 2, "-o", tmp_path / "e.csv").exit_code == 0
    printed = run("graph", tmp_path / "m.imgsim", "-k", 2, "-o", "-").stdout_bytes
    for written in (printed, (tmp_path / "e.csv").read_bytes()):
        assert set(pd.read_csv(io.BytesIO(written))["src_id"]) == set(names)
        with io.TextIOWrapper(io.BytesIO(written), "utf-8", newline="") as file:
            assert {row["src_id"] for row in csv.DictReader(file)} == set(names)


def test_evaluate(saved: Path, tmp_path: Path):
    found = document("evaluate", saved, "-k", 5, "--per-class", tmp_path / "c.csv")
    assert found["metrics"]["recall_at_5"] == 1
    assert found["metrics"]["queries"] == 40
    assert {row["label"] for row in found["per_class"]} == set(pd.read_csv(tmp_path / "c.csv")["label"])
    fewer = document("evaluate", saved, "--background", "torus", "--background", "cube")
    assert fewer["metrics"]["queries"] == 20
    shown = run("evaluate", saved)
    assert "precision@10" in shown.stdout
    assert "copies left out" in shown.stdout
    assert "hardest of 4 labels" in shown.stdout


def test_update(saved: Path, tiny_images: Path, tmp_path: Path, warm: None):
    folder, model = tmp_path / "photos", tmp_path / "m.imgsim"
    shutil.copytree(tiny_images, folder)
    shutil.copytree(saved, model)
    next(folder.rglob("*.jpg")).rename(folder / "moved.jpg")
    assert {"added": 1, "removed": 1, "images": 40}.items() <= document("update", model, folder).items()
    shown = run("update", model, folder).stdout
    assert [line.split()[-1] for line in shown.splitlines()[:3]] == ["0", "0", "40"]
    assert "moved.jpg" in imgsim.load_model(model).images.paths
    assert "give another path" in run("update", model, folder, "-o", saved).stderr
    assert "say with -o" in run("update", "models:/imgsim-x/1", folder).stderr
    assert "labels are now none, before names of folders" in run("update", model, folder, "--labels", "none").stderr
    assert imgsim.load_model(model).evaluation is None


def test_text_cannot_steer_the_terminal():
    assert plain("a\x1b[31mb\nc\udcff") == "a\\x1b[31mb\\nc\\udcff"
    assert plain("é [red]") == "é [red]"


def test_json_has_no_nan():
    values = {"a": float("nan"), "b": np.float32("inf"), "c": np.array([1, 2]), "d": Path("x"), "e": (None, True)}
    assert to_json(values) == {"a": None, "b": None, "c": [1, 2], "d": "x", "e": [None, True]}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::Warning:mlflow", "ignore::Warning:sqlalchemy")
def test_a_model_of_the_registry(tiny_model: SimilarityModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    mlflow = pytest.importorskip("mlflow")
    monkeypatch.chdir(tmp_path)  # where MLflow puts artifacts by default
    from imgsim.mlflow import flavor

    with mlflow.start_run():
        info = flavor.log_model(tiny_model, registered_model_name="imgsim-tiny")
    mlflow.MlflowClient().set_registered_model_alias("imgsim-tiny", "champion", info.registered_model_version)
    for uri in ("models:/imgsim-tiny@champion", info.model_uri):
        monkeypatch.setenv("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "")  # restored afterwards
        monkeypatch.delenv("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR")
        found = run("query", uri, "--id", 3, "-k", 2, "--json")
        assert json.loads(found.stdout)["queries"][0]["neighbors"][0]["id"] == 3
        assert "Downloading" not in found.stderr


def test_one_bad_query_among_several_is_left_out_and_named(tiny_model, tiny_images, tmp_path):
    tiny_model.save(tmp_path / "m.imgsim")
    good = tiny_images / tiny_model.images.paths[3]
    (tmp_path / "half.jpg").write_bytes(good.read_bytes()[:1500])
    answer = run("query", tmp_path / "m.imgsim", good, tmp_path / "half.jpg", "-k", "1", "--json")
    assert answer.exit_code == 0
    assert "half.jpg" in answer.stderr
    assert [len(query["neighbors"]) for query in json.loads(answer.stdout)["queries"]] == [1, 0]
    alone = run("query", tmp_path / "m.imgsim", tmp_path / "half.jpg")
    assert alone.exit_code == 1
