"""The Swift package: it parses, it compiles where there is a compiler, and its names are those that Python writes."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

import imgsim
from imgsim.backbones.spec import BackboneSpec
from imgsim.coreml.export import convert
from imgsim.coreml.export.metadata import CROP
from imgsim.deployment.metadata import common_metadata
from imgsim.deployment.probes import Probe
from imgsim.deployment.publish import side_file_of
from imgsim.deployment.side_file import side_file
from imgsim.deployment.verification import LIMITS

PACKAGE = Path(imgsim.__file__).parent / "coreml" / "swift"
SOURCES = PACKAGE / "Sources" / "ImageSimilarity"
STUBS = Path(__file__).parent / "apple_stubs"
MODULES = ("CoreGraphics", "ImageIO", "Accelerate", "CoreML", "Vision")  # in the order of their imports
ORIENTATIONS = (
    "up",
    "upMirrored",
    "down",
    "downMirrored",
    "leftMirrored",
    "right",
    "rightMirrored",
    "left",
)  # EXIF 1 to 8
FILES = [path for folder in (PACKAGE, STUBS) for path in sorted(folder.rglob("*.swift")) if ".build" not in path.parts]


@pytest.fixture(scope="module")
def parse():
    tree_sitter = pytest.importorskip("tree_sitter", reason="pip install 'imgsim-kit[dev]'")
    grammar = pytest.importorskip("tree_sitter_swift", reason="pip install 'imgsim-kit[dev]'")
    parser = tree_sitter.Parser(tree_sitter.Language(grammar.language()))

    def errors(source: bytes) -> list[str]:
        open_nodes, found = [parser.parse(source).root_node], []
        while open_nodes:
            node = open_nodes.pop()
            if node.type == "ERROR" or node.is_missing:
                found.append(f"line {node.start_point[0] + 1}: {node.text[:60]!r}")
            elif node.has_error:
                open_nodes.extend(node.children)
        return found

    return errors


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_file_parses(parse, file):
    assert parse(file.read_bytes()) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("{", ""),
        (
            ")",
            "",
        ),
        ("guard ", "guard guard "),
    ],
)
def test_the_parser_sees_a_broken_file(parse, old, new):
    source = (SOURCES / "Neighbor.swift").read_text()
    assert parse(source.replace(old, new, 1).encode())


def test_the_limits_of_the_golden_report_are_those_of_verify():
    text = (SOURCES / "GoldenReport.swift").read_text()
    signature = re.search(r"func passes\((.*?)\)", text)
    assert signature
    given = {name: float(value) for name, value in re.findall(r"(\w+)[\w ]*: Double = ([\d.]+)", signature[1])}
    limits = LIMITS["mixed"]
    assert given == {
        "top1": limits["top1"],
        "agreement": limits["topk"],
        "relativeError": limits["relative_error_max"],
    }
    assert LIMITS["float16"] == limits


def constants(enum: str) -> dict[str, str]:
    body = re.search(rf"enum {enum} {{(.*?)\n}}", (SOURCES / "Names.swift").read_text(), re.S)
    assert body
    return dict(re.findall(r'static let (\w+) = "([^"]+)"', body[1]))


def test_output_names():
    swift = constants("OutputName")
    python = {name for kind, names in convert.NAMES.items() if kind != "classifier" for name in names}
    assert set(swift.values()) == python


def test_output_kinds():
    assert set(re.findall(r"^    case (\w+)$", (SOURCES / "Names.swift").read_text(), re.M)) == set(convert.NAMES)


@pytest.fixture
def side_files(tmp_path):
    """What Python writes beside one model of each kind, as parsed JSON; the files lie in ``tmp_path``."""
    spec = BackboneSpec("x", "x", 3, 4, (0.5,) * 3, (0.5,) * 3, "x", "x")
    rows = np.eye(3, 2, dtype=np.float32)
    parts = {
        "backbone": spec,
        "projection": None,
        "plain": None,
        "digest": "d",
        "embeddings": rows,
        "__len__": lambda _: 3,
    }
    model = type("Model", (), parts)()
    pixels = np.zeros((3, 4, 3), np.uint8)
    probe = Probe(pixels, pixels, rows[1], np.array([0.1, 1e-7, 3.5], np.float32), "given")
    ids, labels, found = ["é", "b", "c/1.jpg"], ["", "cat", "dog"], {}
    for kind in convert.NAMES:
        about = common_metadata(model, kind, "mixed", None, CROP, ids, labels, "run")
        text = side_file(model, ids, labels, [probe], about)
        path = tmp_path / f"{kind}.mlpackage"
        side_file_of(path).write_text(text, encoding="utf-8")
        found[kind] = json.loads(text), about
    return found


def test_metadata_keys(side_files):
    assert all(set(constants("MetadataKey").values()) <= set(about) for _, about in side_files.values())


@pytest.mark.parametrize("kind", convert.NAMES)
def test_side_file_keys(side_files, kind):
    source = (SOURCES / "References.swift").read_text()
    document, _ = side_files[kind]
    cases = re.findall(r"^        case (.*)$", source, re.M)
    keys = [re.sub(r'.* = "(\w+)"', r"\1", key) for case in cases for key in case.split(", ")]
    assert set(keys) == set(document)
    assert document["format"] == int(re.search(r"supportedFormat = (\d+)", source)[1])
    assert document["crop_and_scale"] == re.search(r'scaleFill = "(\w+)"', source)[1]
    structs = re.findall(r"public struct (Golden|Input):.*?{(.*?)\n    }", source, re.S)
    fields = {name: dict(re.findall(r"public let (\w+): (\S+)", body)) for name, body in structs}
    assert set(fields["Input"]) == set(document["input"])
    golden = document["golden"][0]
    assert {name for name, kind in fields["Golden"].items() if not kind.endswith("?")} <= set(golden)
    assert set(golden) <= set(fields["Golden"])
    neighbor = re.findall(r"public let (\w+):", (SOURCES / "Neighbor.swift").read_text())
    assert set(neighbor) == set(golden["nearest"][0])


@pytest.mark.parametrize(("orientation", "name"), tuple(enumerate(ORIENTATIONS, start=1)))
def test_the_orientation_table_is_pillows(orientation, name):
    """Where the affine map of Swift puts every pixel, its origin at the bottom left, Pillow puts it too."""
    line = re.search(rf"case \.{name}: CGAffineTransform\((.*)\)", (SOURCES / "UprightImage.swift").read_text())
    assert line
    stored = np.arange(6, dtype=np.uint8).reshape(2, 3)
    picture = Image.fromarray(stored)
    picture.getexif()[0x0112] = orientation
    expected = np.asarray(ImageOps.exif_transpose(picture))
    height, width = expected.shape
    m = {key: {"w": width, "h": height}.get(value) for key, value in re.findall(r"(\w+): (-?\w+)", line[1])}
    m |= {key: int(value) for key, value in re.findall(r"(\w+): (-?\d+)", line[1])}
    upright = np.full((height, width), 255, np.uint8)
    for row, column in np.ndindex(*stored.shape):
        x, y = column + 0.5, stored.shape[0] - row - 0.5
        across, up = m["a"] * x + m["c"] * y + m["tx"], m["b"] * x + m["d"] * y + m["ty"]
        upright[int(height - up), int(across)] = stored[row, column]
    assert (upright == expected).all()


needs_swift = pytest.mark.skipif(not shutil.which("swiftc"), reason="no Swift compiler here")


def run(*command: str | Path, cwd: Path, **variables: str) -> str:
    done = subprocess.run(command, cwd=cwd, env=os.environ | variables, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@needs_swift
@pytest.mark.slow
def test_apple_only_sources_compile_against_the_documented_api(tmp_path):
    strict = ("-swift-version", "6", "-warnings-as-errors", "-parse-as-library", "-I", str(tmp_path))
    for module in MODULES:
        output = ("-emit-module", "-module-name", module, "-o", tmp_path / f"{module}.swiftmodule")
        run("swiftc", *strict, *output, STUBS / f"{module}.swift", cwd=tmp_path)
    library = ("-emit-module", "-emit-module-path", tmp_path / "ImageSimilarity.swiftmodule", "-enable-testing")
    for name, files, extra in (
        ("ImageSimilarity", SOURCES, library),
        ("ImageSimilarityTests", PACKAGE / "Tests" / "ImageSimilarityTests", ()),
    ):
        command = ("swiftc", *strict, "-wmo", "-c", "-o", tmp_path / f"{name}.o", "-module-name", name, *extra)
        run(*command, *sorted(files.glob("*.swift")), cwd=tmp_path)


@needs_swift
@pytest.mark.slow
@pytest.mark.usefixtures("side_files")
def test_the_package_passes_its_own_tests(tmp_path):
    shutil.copytree(PACKAGE, tmp_path / "swift", ignore=shutil.ignore_patterns(".build"))
    output = run("swift", "test", cwd=tmp_path / "swift", IMGSIM_REFERENCES=str(tmp_path))
    assert "sideFilesOfPython() passed" in output
