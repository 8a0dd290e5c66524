"""A model as an ONNX file: what it answers, what lies beside it, and what is refused."""

import base64
import io
import json
import os
import subprocess
import sys

import numpy as np
import onnx
import pytest
from PIL import Image

import imgsim
from imgsim.decoding.decode import decode
from imgsim.deployment.metadata import IDS, LABELS
from imgsim.errors import ArgumentError, ArgumentTypeError, OnnxModelError
from imgsim.onnx_model import OnnxModel
from imgsim.onnx_model.head import NAMES

OUTPUTS = {
    "distance": {"distance": "float32 [40]"},
    "topk": {"indices": "int32 [7]", "distances": "float32 [7]"},
    "features": {"features": "float32 [18]"},
}


@pytest.mark.parametrize("outputs", NAMES)
def test_golden_images_of_any_size_are_answered_as_query_does(outputs, exported, tiny_model):
    report = exported(outputs)
    assert report.outputs == OUTPUTS[outputs]
    assert report.inputs == {"image": "uint8 [height, width, 3]"}
    assert (report.n, report.dim, report.bytes) == (40, 18, report.path.stat().st_size)
    assert report.verification.passed
    assert report.verification.metrics["distance_error_max"] <= 1e-3
    assert report.verification.metrics["topk"] == 1
    model = OnnxModel(report.path)
    for test in json.loads(report.references.read_text())["golden"]:
        picture = np.asarray(Image.open(io.BytesIO(base64.b64decode(test["png"]))))
        assert picture.shape[:2] != (96, 96)
        expected = tiny_model.query(picture, k=7)
        rows, distances = expected["reference_label"].tolist(), expected["distance"].to_numpy()
        assert [item["id"] for item in test["nearest"][:7]] == [tiny_model.images.paths[row] for row in rows]
        assert [item["distance"] for item in test["nearest"][:7]] == pytest.approx(distances.tolist())
        answer = model.run(picture)
        if outputs == "distance":
            assert np.argsort(answer["distance"], kind="stable")[:7].tolist() == rows
            assert np.sort(answer["distance"])[:7] == pytest.approx(distances, abs=1e-4)
        elif outputs == "topk":
            assert answer["indices"].tolist() == rows
            assert answer["distances"] == pytest.approx(distances, abs=1e-4)
        else:
            assert answer["features"] == pytest.approx(np.array(test["features"]), abs=1e-4)


def test_a_stored_picture_is_at_distance_0_from_itself_and_from_its_copy(tiny_images, tiny_store, tmp_path):
    """The copy has another name and the same pixels: equal distances rank in row order, as in Python."""
    images = imgsim.load_images([*sorted(tiny_images.rglob("*.jpg"))[:20], *sorted(tiny_images.rglob("*.jpg"))[4:6]])
    model = imgsim.create(images, store=tiny_store, backbone="mini", progress=False)
    made = model.export_onnx(tmp_path / "x.onnx", outputs="topk", k=5)
    picture = decode(model.images.read_bytes(4))
    answer, expected = OnnxModel(made.path).run(picture), model.query(picture, k=5)
    assert answer["indices"].tolist() == expected["reference_label"].tolist()
    assert answer["distances"][0] < 1e-5


def test_rows_in_8_bits_take_a_quarter_and_find_the_same(exported):
    plain, small, bare = exported("distance"), exported("distance", "int8"), exported("features")
    rows = 40 * 18
    assert 4 * rows <= plain.bytes - bare.bytes <= 4 * rows + 4 * 40 + 4000, "rows, lengths, and the graph's own text"
    assert 3 * rows - 4 * 40 - 500 <= plain.bytes - small.bytes <= 3 * rows
    assert small.verification.passed
    assert small.verification.metrics["topk"] >= 0.98


def test_the_file_says_what_it_is(exported, tiny_model):
    report = exported("distance")
    about = OnnxModel(report.path).metadata
    assert json.loads(about[IDS]) == tiny_model.images.paths
    assert json.loads(about[LABELS]) == tiny_model.images.labels
    assert about["imgsim.fingerprint"] == tiny_model.backbone.fingerprint
    assert about["imgsim.resize"] == "bilinear, antialiased: stretched to 96x96"
    keys = ("imgsim.precision", "imgsim.compression", "imgsim.outputs", "imgsim.mlflow_run_id")
    assert [about[key] for key in keys] == ["float32", "none", "distance", "r1"]
    side = json.loads(report.references.read_text())
    assert report.references.name == "Shapes.onnx.references.json"
    assert (side["format"], side["ids"], side["labels"]) == (1, tiny_model.images.paths, tiny_model.images.labels)
    assert side["input"] == {"name": "image", "width": 96, "height": 96, "any_size": True}
    assert (side["crop_and_scale"], side["outputs"]) == ("inside", "distance")
    model = onnx.load(report.path)
    onnx.checker.check_model(model, full_check=True)
    assert model.doc_string == "Similarity to 40 reference images by mini; made with imgsim."
    assert {item.domain for item in model.opset_import} == {""}
    assert str(tiny_model.images.locations[0]) not in report.path.read_bytes().decode("latin-1")


def test_equal_exports_are_equal_files_that_all_may_read(exported, tiny_model, tmp_path):
    usual = os.umask(0o077)
    try:
        again = tiny_model.export_onnx(tmp_path / "Shapes.onnx", k=7, ids="path", mlflow_run_id="r1", verify=1)
    finally:
        os.umask(usual)
    assert again.path.read_bytes() == exported("distance").path.read_bytes()
    assert [path.stat().st_mode & 0o777 for path in tmp_path.iterdir()] == [0o644, 0o644]


def test_pictures_of_the_networks_size_where_the_app_resizes(tiny_model, tmp_path):
    made = tiny_model.export_onnx(tmp_path / "x.onnx", any_size=False, include_ids=False, outputs="topk", k=1000)
    assert made.inputs == {"image": "uint8 [96, 96, 3]"}
    assert made.outputs["indices"] == "int32 [40]"
    assert made.verification.passed
    side = json.loads(made.references.read_text())
    assert (side["crop_and_scale"], side["ids"], "labels" in side) == ("scaleFill", [], False)
    assert side["input"] == {"name": "image", "width": 96, "height": 96}
    with pytest.raises(OnnxModelError, match=r"cannot run on a picture of \(50, 70, 3\)"):
        OnnxModel(made.path).run(np.zeros((50, 70, 3), np.uint8))


def test_a_refined_model_is_asked_with_plain_vectors(tiny_images, tiny_store, tmp_path):
    model = imgsim.create(tiny_images, store=tiny_store, backbone="mini", refine=True, progress=False)
    made = model.export_onnx(tmp_path / "x.onnx")
    assert made.verification.passed
    found = OnnxModel(made.path)
    assert found.metadata["imgsim.refined"] == "references, not queries"
    answer = found.run(decode(model.images.read_bytes(7)))["distance"]
    assert answer == pytest.approx(np.linalg.norm(model.embeddings - model.plain_embeddings[7], axis=1), abs=1e-3)


@pytest.mark.parametrize("compress", [None, "int8"])
def test_raw_features_keep_their_lengths(compress, tiny_images, tiny_store, tmp_path):
    model = imgsim.create(tiny_images, store=tiny_store, backbone="mini", projection=None, progress=False)
    made = model.export_onnx(tmp_path / "x.onnx", compress=compress)
    assert made.verification.passed
    picture = decode(model.images.read_bytes(3))
    answer = OnnxModel(made.path).run(picture)["distance"]
    expected = model.query(picture, k=None).sort_values("reference_label")["distance"].to_numpy()
    limit = 1e-3 if compress is None else 0.05
    assert np.abs(answer - expected).max() <= limit * np.median(expected)


def test_nothing_is_replaced_unasked_and_foreign_files_never(tiny_model, tmp_path):
    path = tmp_path / "new" / "A.onnx"
    tiny_model.export_onnx(path, verify=1)
    with pytest.raises(ArgumentError, match="exists already; pass overwrite=True"):
        tiny_model.export_onnx(path)
    tiny_model.export_onnx(path, outputs="features", verify=1, overwrite=True)
    assert list(OnnxModel(path).outputs) == ["features"]
    assert sorted(item.name for item in path.parent.iterdir()) == ["A.onnx", "A.onnx.references.json"]
    (tmp_path / "Photos.onnx").mkdir()
    with pytest.raises(ArgumentError, match="is no ONNX model, so it is not replaced"):
        tiny_model.export_onnx(tmp_path / "Photos.onnx", overwrite=True)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"path": "x.zip"}, ArgumentError, r"must end in \.onnx"),
        ({"outputs": "classifier"}, ArgumentError, "outputs must be one of distance, topk, features"),
        ({"compress": "int4"}, ArgumentError, "compress must be one of int8"),
        ({"compress": "int8", "outputs": "features"}, ArgumentError, "outputs='features' exports none"),
        ({"k": 0}, ArgumentError, "k must be at least 1"),
        ({"verify": -1}, ArgumentError, "verify must be at least 1"),
        ({"any_size": "no"}, ArgumentTypeError, "any_size"),
        ({"include_ids": False, "ids": "path"}, ArgumentError, "include_ids=False leaves ids and labels out"),
        ({"labels": "colour"}, ArgumentError, "there is no column 'colour'"),
        ({"ids": ["a"]}, ArgumentError, "1 ids for 40 references"),
        ({"max_megabytes": 1}, OnnxModelError, r"10 MB network, 0 MB projection .* compress='int8'"),
    ],
)
def test_wrong_arguments_write_nothing(options, error, message, tiny_model, tmp_path):
    options = dict(options)
    path = tmp_path / options.pop("path", "x.onnx")
    with pytest.raises(error, match=message):
        tiny_model.export_onnx(path, **options)
    assert list(tmp_path.iterdir()) == []


def test_a_model_of_vectors_has_no_network_to_export(rng, tmp_path):
    model = imgsim.create(embeddings=rng.normal(size=(9, 4)), progress=False)
    with pytest.raises(OnnxModelError, match="holds no network"):
        model.export_onnx(tmp_path / "x.onnx")


def test_a_saved_model_needs_neither_torch_nor_its_files(tiny_model, tmp_path):
    saved, target = str(tmp_path / "m.imgsim"), str(tmp_path / "x.onnx")
    tiny_model.save(saved)
    code = (
        "import sys, imgsim, imgsim.onnx_model; assert not {'onnx', 'onnxruntime', 'torch'} & set(sys.modules); "
        f"made = imgsim.load_model({saved!r}).export_onnx({target!r}, verify=2); "
        "assert 'torch' not in sys.modules; print(made.verification.sources)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300, check=False)
    assert done.stdout == "{'thumbnail': 2}\n", done.stderr
