"""``examples/android``: it parses, it compiles where there is a compiler, and it reads the names that Python writes."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

import imgsim
from imgsim.deployment.side_file import FORMAT
from imgsim.onnx_model.head import NAMES

EXAMPLE = Path(imgsim.__file__).parents[1] / "examples" / "android"
STUBS = Path(__file__).parent / "android_stubs"
FILES = [*sorted(EXAMPLE.glob("*.kt")), *sorted(STUBS.glob("*.kt"))]
READ = re.compile(r"(?:\b|\.)(\w*)\.?(?:get|opt)(?:Int|Double|String|Boolean|JSONObject|JSONArray)\(\"(\w+)\"\)")


@pytest.fixture(scope="module")
def source() -> str:
    return (EXAMPLE / "Search.kt").read_text("utf-8")


@pytest.fixture(scope="module", params=["distance", "topk"])
def export(request: pytest.FixtureRequest, exported: Any) -> Any:
    return exported(request.param)


@pytest.fixture(scope="module")
def errors() -> Any:
    tree_sitter = pytest.importorskip("tree_sitter", reason="pip install 'imgsim-kit[dev]'")
    grammar = pytest.importorskip("tree_sitter_kotlin", reason="pip install 'imgsim-kit[dev]'")
    parser = tree_sitter.Parser(tree_sitter.Language(grammar.language()))
    return lambda text: parser.parse(text).root_node.has_error


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_file_parses(errors: Any, file: Path) -> None:
    assert not errors(file.read_bytes())


@pytest.mark.parametrize(("old", "new"), [("{", ""), (")", ""), ("= ", "= = ")])
def test_the_parser_sees_a_broken_file(errors: Any, source: str, old: str, new: str) -> None:
    assert errors(source.replace(old, new, 1).encode())


def test_it_reads_the_names_of_the_side_file(source: str, export: Any) -> None:
    document = json.loads(export.references.read_text("utf-8"))
    golden = document["golden"][0]
    known = {*document, *document["input"], *golden, *golden["nearest"][0]}
    read = {name for _, name in READ.findall(source)}
    assert read == {
        "format",
        "outputs",
        "input",
        "any_size",
        "ids",
        "labels",
        "golden",
        "png",
        "nearest",
        "id",
        "distance",
    }
    assert read <= known
    assert re.search(r"format == (\d+)", source)[1] == str(FORMAT)
    assert document["input"]["any_size"] is True


def test_it_knows_inputs_and_outputs_of_the_model(source: str, export: Any) -> None:
    assert re.findall(r'mapOf\("(\w+)" to', source) == list(export.inputs)
    outputs = set(re.findall(r'found\.get\("(\w+)"\)', source))
    assert outputs == {*NAMES["distance"], *NAMES["topk"]}
    assert set(export.outputs) <= outputs


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("kotlinc"), reason="no Kotlin compiler here")
def test_it_compiles_against_the_documented_api(tmp_path: Path) -> None:
    version = re.search(r"kotlinc-jvm (\d+)", kotlinc("-version"))
    assert version
    if int(version[1]) < 2:  # Debian's is of 2019 and lacks AutoCloseable.use
        pytest.skip(f"Kotlin {version[1]} is too old")
    messages = kotlinc("-d", tmp_path / "out", *FILES)
    assert (tmp_path / "out" / "imgsim" / "Search.class").is_file()
    assert (tmp_path / "out" / "imgsim" / "PicturesKt.class").is_file()
    assert str(EXAMPLE) not in messages  # no warning about the example


def kotlinc(*arguments: str | Path) -> str:
    done = subprocess.run(["kotlinc", *arguments], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr
