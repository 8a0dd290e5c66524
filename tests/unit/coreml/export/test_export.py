import base64
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import imgsim
from imgsim.backbones.preprocessing import input_pixels
from imgsim.coreml import Interpreter, verify
from imgsim.coreml.export import convert
from imgsim.coreml.runtime.package import read_package
from imgsim.coreml.runtime.program import read_program
from imgsim.decoding.decode import decode
from imgsim.deployment import reference_ids
from imgsim.deployment.metadata import IDS, LABELS
from imgsim.errors import ArgumentError, CoreMLError, DeploymentError, MissingExtraError, UnsupportedOperationError

pytest.importorskip("coremltools", reason="the extra coreml is not installed")

OUTPUTS = {
    "distance": {"distance": "float32 [40]"},
    "topk": {"indices": "int32 [7]", "distances": "float32 [7]"},
    "classifier": {"nearest": "string", "nearest_probs": "dictionary"},
    "features": {"features": "float32 [18]"},
}


class Patches(nn.Module):
    """Two convolutions; with ``grouped`` the first one cannot take the standard deviation."""

    def __init__(self, dim=8, grouped=False, gain=1.0):
        super().__init__()
        torch.manual_seed(0)
        self.first = nn.Conv2d(3, 12, 8, 8, groups=3 if grouped else 1)
        self.second = nn.Conv2d(12, dim, 2, 2)
        self.gain = gain

    def forward(self, x):
        return self.second(torch.relu(self.first(x))).mean((2, 3)) * self.gain


@pytest.fixture(scope="module")
def exported(tiny_model, tmp_path_factory):
    """One package of the tiny model for each kind of output, and what `export_coreml` said."""
    made = {}

    def export(outputs):
        if outputs not in made:
            path = tmp_path_factory.mktemp("app") / "Shapes.mlpackage"
            made[outputs] = tiny_model.export_coreml(
                path, outputs=outputs, k=7, ids="path", author="A", license="L", version="7", mlflow_run_id="r1"
            )
        return made[outputs]

    return export


def test_apples_own_fields_labels_and_ids_of_your_own(tiny_model, tmp_path):
    names, tags = [f"ref {row}" for row in range(40)], [None, *("tag" for _ in range(39))]
    report = tiny_model.export_coreml(
        tmp_path / "x.mlpackage", ids=names, labels=tags, description="Mine.", outputs="classifier", verify=0
    )
    package = Interpreter(report.path)
    assert package.metadata["description"] == "Mine."
    assert json.loads(package.metadata[IDS]) == names
    assert json.loads(package.metadata[LABELS]) == ["", *tags[1:]]
    assert len(json.loads(report.references.read_text())["golden"]) == 3, "the app can check itself all the same"
    described = read_package(report.path).spec.description
    assert described.predictedFeatureName == "nearest"
    assert described.predictedProbabilitiesName == "nearest_probs"


def answer(report, pixels):
    return Interpreter(report.path).run(pixels)


@pytest.mark.parametrize("outputs", OUTPUTS)
def test_each_kind_of_output_answers_as_query_does(outputs, exported, tiny_model, tiny_images):
    report = exported(outputs)
    assert report.outputs == OUTPUTS[outputs]
    assert report.inputs == {"image": "image 96x96 RGB"}
    assert (report.n, report.dim) == (40, 18)
    assert report.verification.status == "passed"
    assert report.verification.images == 8
    assert report.bytes == sum(p.stat().st_size for p in report.path.rglob("*") if p.is_file())
    golden = json.loads(report.references.read_text())["golden"]
    for test in golden:
        pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(test["png"]))))
        given = answer(report, pixels)
        expected = tiny_model.query(Image.fromarray(pixels), k=7)
        ids = [tiny_model.images.paths[row] for row in expected["reference_label"]]
        assert [item["id"] for item in test["nearest"][:7]] == ids
        assert [item["distance"] for item in test["nearest"][:7]] == pytest.approx(expected["distance"].tolist())
        distances = expected["distance"].to_numpy()
        if outputs == "distance":
            assert np.argsort(given["distance"])[:7].tolist() == expected["reference_label"].tolist()
            assert np.sort(given["distance"])[:7] == pytest.approx(distances, rel=0.02, abs=0.01)
        elif outputs == "topk":
            assert given["indices"].tolist() == expected["reference_label"].tolist()
            assert given["distances"] == pytest.approx(distances, rel=0.02, abs=0.01)
        elif outputs == "classifier":
            assert given["nearest"] == ids[0]
            assert given["nearest_probs"][ids[3]] == pytest.approx(1 / (1 + distances[3]), rel=0.02)
            operations = [o.kind for o in read_program(read_package(report.path)).operations]
            assert ("real_div" in operations, "inverse" in operations) == (True, False), "inverse adds 1e-4"
        else:
            assert given["features"] == pytest.approx(np.array(test["features"]), abs=0.01)


def test_a_refined_model_is_asked_with_plain_vectors(tiny_images, tiny_store, tmp_path):
    """The references are refined, the query is not: a stored picture is near to itself, and not at distance 0."""
    model = imgsim.create(tiny_images, store=tiny_store, refine=True, progress=False)
    report = model.export_coreml(tmp_path / "Refined.mlpackage", precision="float32")
    assert report.verification.status == "passed"
    package = Interpreter(report.path)
    assert package.metadata["imgsim.refined"] == "references, not queries"
    pixels = input_pixels(decode(model.images.read_bytes(7)), model.backbone)
    given = package.run(pixels)["distance"]
    expected = np.linalg.norm(model.embeddings - model.plain_embeddings[7], axis=1)
    assert given == pytest.approx(expected, abs=1e-3)
    assert given[7] > 0.01


def test_the_package_says_what_it_is(exported, tiny_model):
    report = exported("distance")
    metadata = Interpreter(report.path).metadata
    assert {key: metadata[key] for key in ("author", "license", "version")} == {
        "author": "A",
        "license": "L",
        "version": "7",
    }
    assert json.loads(metadata[IDS]) == tiny_model.images.paths
    assert json.loads(metadata[LABELS]) == tiny_model.images.labels
    assert metadata["imgsim.crop_and_scale"] == "scaleFill"
    assert metadata["imgsim.metric"] == "euclidean"
    assert metadata["imgsim.mlflow_run_id"] == "r1"
    assert metadata["imgsim.fingerprint"] == tiny_model.backbone.fingerprint
    assert metadata["imgsim.precision"] == "mixed"
    assert metadata["model"] == "mini"
    assert "imgsim.refined" not in metadata
    side = json.loads(report.references.read_text())
    assert side["format"] == 1
    assert side["ids"] == tiny_model.images.paths
    assert side["labels"] == tiny_model.images.labels
    assert side["input"] == {"name": "image", "width": 96, "height": 96}
    assert (side["crop_and_scale"], side["metric"], side["outputs"]) == ("scaleFill", "euclidean", "distance")
    assert json.loads(json.dumps(report.to_dict()))["verification"]["status"] == "passed"


def test_files_are_open_to_all_and_equal_exports_are_equal(exported, tiny_model, tmp_path):
    first = exported("distance").path
    usual = os.umask(0o077)
    try:
        again = tiny_model.export_coreml(
            tmp_path / "Shapes.mlpackage", ids="path", author="A", license="L", version="7", mlflow_run_id="r1"
        ).path
    finally:
        os.umask(usual)
    for item in tmp_path.rglob("*"):
        assert item.stat().st_mode & 0o777 == (0o755 if item.is_dir() else 0o644)
    names = sorted(p.relative_to(first) for p in first.rglob("*") if p.is_file())
    assert len(names) == 3
    assert [(first / name).read_bytes() for name in names] == [(again / name).read_bytes() for name in names]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["Shapes.mlpackage", "Shapes.references.json"]


def test_mixed_keeps_the_head_in_float32_and_the_network_in_float16(exported):
    operations = read_program(read_package(exported("distance").path)).operations
    kinds = {(o.kind, next(iter(o.outputs.values())).dtype) for o in operations if o.kind in ("conv", "linear", "sqrt")}
    assert kinds == {("conv", "fp16"), ("linear", "fp32"), ("sqrt", "fp32")}


def test_an_existing_package_is_replaced_only_when_asked_and_nothing_else_ever(tiny_model, tmp_path):
    path = tmp_path / "New" / "A.mlpackage"
    tiny_model.export_coreml(path, verify=1, include_ids=False, compress="int8", outputs="topk", k=1000)
    package = Interpreter(path)
    assert package.outputs["indices"].shape == (40,)
    assert IDS not in package.metadata
    side = json.loads(path.with_name("A.references.json").read_text())
    assert side["ids"] == []
    assert "labels" not in side
    assert side["golden"][0]["nearest"][0]["id"] == "0"
    with pytest.raises(ArgumentError, match="exists already; pass overwrite=True"):
        tiny_model.export_coreml(path)
    tiny_model.export_coreml(path, outputs="features", verify=1, overwrite=True)
    assert list(Interpreter(path).outputs) == ["features"]
    assert sorted(p.name for p in path.parent.iterdir()) == ["A.mlpackage", "A.references.json"]
    photos = tmp_path / "Photos.mlpackage"
    photos.mkdir()
    (photos / "holiday.jpg").write_bytes(b"precious")
    with pytest.raises(ArgumentError, match="is no Core ML model, so it is not replaced"):
        tiny_model.export_coreml(photos, overwrite=True)
    assert (photos / "holiday.jpg").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"path": "x.zip"}, r"must end in \.mlpackage .* or \.mlmodel"),
        ({"outputs": "embedding"}, "outputs must be one of distance, topk, classifier, features"),
        ({"precision": "bfloat16"}, "precision must be one of mixed, float16, float32"),
        ({"compress": "palette4"}, "compress must be one of int8"),
        ({"minimum_target": "iOS12"}, "minimum_target must be one of iOS15"),
        ({"compress": "int8", "minimum_target": "iOS15"}, "needs iOS16 or newer, not iOS15: raise minimum_target"),
        ({"compress": "int8", "outputs": "features"}, "outputs='features' exports none"),
        ({"compress": "int8", "path": "x.mlmodel"}, r"path that ends in \.mlpackage"),
        ({"precision": "mixed", "path": "x.mlmodel"}, "leave precision out"),
        ({"outputs": "topk", "path": "x.mlmodel"}, "gives distance or features"),
        ({"k": 0}, "k must be at least 1"),
        ({"verify": -1}, "verify must be at least 1"),
        ({"path": "x.mlmodel"}, r"cannot be verified here, .* write an \.mlpackage, or pass verify=0"),
        ({"include_ids": False, "ids": "path"}, "include_ids=False leaves ids and labels out"),
        ({"include_ids": False, "labels": "label"}, "include_ids=False leaves ids and labels out"),
        ({"labels": "colour"}, "there is no column 'colour'"),
        ({"ids": ["a"] * 40, "outputs": "classifier"}, r"ids must be unique, and \['a'\] repeat: give ids='path'"),
        ({"ids": ["a"]}, "1 ids for 40 references"),
        ({"labels": ["a"]}, "1 labels for 40 references"),
    ],
)
def test_wrong_arguments_are_refused_before_any_work(options, message, tiny_model, tmp_path):
    options = dict(options)
    path = tmp_path / options.pop("path", "x.mlpackage")
    with pytest.raises(ArgumentError, match=message):
        tiny_model.export_coreml(path, **options)
    assert list(tmp_path.iterdir()) == []


def test_a_package_that_would_be_too_large_is_refused_with_its_parts(tiny_model, tmp_path):
    with pytest.raises(CoreMLError, match=r"5 MB network, 0 MB projection .* compress='int8', outputs='features'"):
        tiny_model.export_coreml(tmp_path / "x.mlpackage", max_megabytes=1)


def test_coremltools_that_is_missing_is_named_with_its_remedy(tiny_model, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "coremltools", None)
    with pytest.raises(MissingExtraError, match=r'needs coremltools .* pip install "imgsim-kit\[coreml\]"'):
        tiny_model.export_coreml(tmp_path / "x.mlpackage")
    monkeypatch.setattr(sys, "version_info", (3, 14, 0))
    with pytest.raises(MissingExtraError, match=r"no coremltools for Python 3\.14 yet: .* Python 3\.13"):
        tiny_model.export_coreml(tmp_path / "x.mlpackage")


def test_a_network_that_cannot_be_converted_names_its_operation(model_of, tmp_path):
    class Odd(Patches):
        def forward(self, x):
            return torch.special.bessel_j1(super().forward(x))

    with pytest.raises(
        UnsupportedOperationError, match=r"Odd cannot be converted .* operation 'special_bessel_j1'"
    ) as e:
        model_of(Odd(), 32).export_coreml(tmp_path / "x.mlpackage")
    assert e.value.operation == "special_bessel_j1"


@pytest.mark.parametrize(("outputs", "size"), [("distance", 40), ("features", 18)])
def test_a_neural_network_is_written_with_its_shape_but_only_unverified(outputs, size, tiny_model, tmp_path):
    from coremltools.proto import Model_pb2

    path = tmp_path / "Old.mlmodel"
    report = tiny_model.export_coreml(path, outputs=outputs, verify=0)
    assert report.verification.status == "not verified"
    assert report.outputs == {outputs: f"float32 [{size}]"}
    assert path.stat().st_mode & 0o777 == 0o644
    assert verify(path, tiny_model.references).status == "not verified"
    spec = Model_pb2.Model()
    spec.ParseFromString(path.read_bytes())
    (output,) = spec.description.output
    assert (output.name, list(output.type.multiArrayType.shape)) == (outputs, [size])
    assert spec.specificationVersion == 4, "iOS 13"
    (picture,) = spec.neuralNetwork.preprocessing
    mean = tiny_model.backbone.mean
    assert picture.scaler.channelScale == pytest.approx(1 / 255)
    assert [-picture.scaler.redBias, -picture.scaler.greenBias, -picture.scaler.blueBias] == pytest.approx(mean)
    assert json.loads(spec.description.metadata.userDefined[LABELS]) == tiny_model.images.labels


def test_a_model_from_disk_finds_its_network_by_name_or_says_what_to_pass(tiny_model, model_of, tmp_path):
    tiny_model.save(tmp_path / "m")
    loaded = imgsim.load_model(tmp_path / "m")
    report = loaded.export_coreml(tmp_path / "x.mlpackage", verify=2)
    assert report.verification.sources == {"thumbnail": 2}
    module = Patches()
    own = model_of(module, 32)
    own.references.network = None
    with pytest.raises(CoreMLError, match=r"'Patches' \(weights: your module\) is not known here"):
        own.export_coreml(tmp_path / "y.mlpackage")
    with pytest.raises(CoreMLError, match=r"not the one of the model's features: .* Pass the same backbone="):
        own.export_coreml(tmp_path / "y.mlpackage", backbone="mini")
    from imgsim.backbones.own_module import from_module

    report = own.export_coreml(tmp_path / "y.mlpackage", backbone=from_module(module, input_size=32))
    assert report.verification.sources == {"generated": 8}


def test_a_projection_whitened_by_neighbours_is_verified(model_of, tmp_path):
    model = model_of(Patches(), 32, n=400)
    assert model.projection.whitened
    report = model.export_coreml(tmp_path / "x.mlpackage")
    assert report.verification.passed


def test_a_model_of_vectors_has_no_network_to_export(rng, tmp_path):
    model = imgsim.create(embeddings=rng.normal(size=(9, 4)), progress=False)
    with pytest.raises(CoreMLError, match="made from vectors and has no network"):
        model.export_coreml(tmp_path / "x.mlpackage")


def test_more_classes_than_an_app_can_bear_are_refused(tiny_model, tmp_path, monkeypatch):
    monkeypatch.setattr(reference_ids, "MAX_CLASSES", 39)
    with pytest.raises(DeploymentError, match=r"one class of each of 40 references, .* use outputs='topk'"):
        tiny_model.export_coreml(tmp_path / "x.mlpackage", outputs="classifier")


@pytest.mark.parametrize("target", ["iOS16", "iOS26"])
def test_all_in_float16_agrees_where_vectors_have_length_1(target, tiny_model, tmp_path):
    report = tiny_model.export_coreml(tmp_path / "x.mlpackage", precision="float16", minimum_target=target, verify=2)
    assert report.verification.passed
    operations = read_program(read_package(report.path)).operations
    assert {next(iter(o.outputs.values())).dtype for o in operations if o.kind in ("conv", "linear")} == {"fp16"}
    assert report.outputs == {"distance": "float32 [40]"}, "what the app reads is float32 on every system"


@pytest.mark.parametrize("precision", ["float32", "mixed"])
@pytest.mark.parametrize("grouped", [False, True])
def test_raw_features_and_first_layers_that_cannot_be_folded(grouped, precision, model_of, tmp_path):
    module = Patches(grouped=grouped)
    before = module.first.weight.clone()
    model = model_of(module, 32, dims=None, std=(0.2, 0.3, 0.1))
    report = model.export_coreml(tmp_path / "x.mlpackage", precision=precision)
    assert report.verification.passed
    assert torch.equal(module.first.weight, before)  # the user's module is not touched
    operations = [o.kind for o in read_program(read_package(report.path)).operations if o.kind != "const"]
    before_first = operations[: operations.index("conv")]
    assert before_first.count("mul") == (2 if grouped else 1)


def test_one_image_is_enough(model_of, tmp_path):
    model = model_of(Patches(), 32, n=1)
    report = model.export_coreml(tmp_path / "x.mlpackage", outputs="topk", k=5)
    assert report.outputs == {"indices": "int32 [1]", "distances": "float32 [1]"}
    assert report.verification.passed


def test_lengths_that_float16_cannot_hold_are_refused(model_of, tmp_path):
    model = model_of(Patches(gain=1e4), 32, dims=None)
    with pytest.raises(CoreMLError, match=r"float16 ends at 65,504: use precision='mixed'"):
        model.export_coreml(tmp_path / "x.mlpackage", precision="float16")
    module = Patches()
    module.second.weight.data *= 1e5
    with pytest.raises(CoreMLError, match=r"too large for its precision\. Try precision='float32'"):
        model_of(module, 32, dims=None).export_coreml(tmp_path / "x.mlpackage")


@pytest.mark.parametrize("target", ["iOS15", "iOS16", "iOS17", "iOS18"])
def test_rows_beyond_65535_keep_their_numbers(target, model_of, tmp_path):
    def rows(features):
        many = np.random.default_rng(0).normal(0, 3, (70_000, 8)).astype(np.float32)
        many[-len(features) :] = features
        return many

    model = model_of(Patches(), 32, rows=rows)
    report = model.export_coreml(
        tmp_path / "x.mlpackage", outputs="topk", k=3, minimum_target=target, precision="float32", include_ids=False
    )
    assert report.outputs["indices"] == "int32 [3]"
    package = Interpreter(report.path)
    picture = np.full((32, 32, 3), 90, np.uint8)
    expected = model.query(picture, k=3)["reference_label"].tolist()
    assert min(expected) > 65_535
    assert package.run(picture)["indices"].tolist() == expected


def test_importing_the_package_loads_nothing_heavy():
    code = "import sys, imgsim.coreml; print(sorted({'torch', 'coremltools'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_python_314_is_told_to_use_an_older_one():
    assert "Python 3.13" in convert._remedy((3, 14))
    assert "3.14" not in convert._remedy((3, 12))


def test_paths_are_strings_or_paths(tiny_model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    report = tiny_model.export_coreml("x.mlpackage", verify=1)
    assert report.path == Path.cwd() / "x.mlpackage"
