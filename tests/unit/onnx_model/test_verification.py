"""An ONNX file that is wrong in one place must fail, and is never published."""

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import imgsim
from imgsim.deployment.verification import FAILED
from imgsim.errors import ArgumentError, ModelFormatError, OnnxModelError
from imgsim.onnx_model import build, export, head, resize, verify
from imgsim.onnx_model.graph import Part, Value

Breakage = Callable[[pytest.MonkeyPatch], None]


def swapped_channels(patch: pytest.MonkeyPatch) -> None:
    made = build.add_resize

    def swapped(part: Part, *rest: Any) -> Value:
        return part.add("Gather", made(part, *rest), part.integers([2, 1, 0]), axis=3)

    patch.setattr(build, "add_resize", swapped)


def turned_picture(patch: pytest.MonkeyPatch) -> None:
    made = build.add_resize

    def turned(part: Part, *rest: Any) -> Value:
        return part.add("Transpose", made(part, *rest), perm=[0, 2, 1, 3])

    patch.setattr(build, "add_resize", turned)


def another_filter(patch: pytest.MonkeyPatch) -> None:
    patch.setitem(resize.FILTERS, "bilinear", resize.FILTERS["bicubic"])


def permuted_row(patch: pytest.MonkeyPatch) -> None:
    made = head.centered_rows

    def permuted(*arguments: Any) -> Any:
        rows, center = made(*arguments)
        order = np.arange(len(rows))
        order[[17, 28]] = 28, 17
        return rows[order], center

    patch.setattr(head, "centered_rows", permuted)


def forgotten_mean(patch: pytest.MonkeyPatch) -> None:
    made = Part.constant

    def without(part: Part, name: str, values: Any) -> Value:
        return made(part, name, np.zeros_like(values) if name == "mean" else values)

    patch.setattr(Part, "constant", without)


def no_square_root(patch: pytest.MonkeyPatch) -> None:
    made = Part.add

    def plain(part: Part, operator: str, *inputs: Value, **options: Any) -> Value:
        return made(part, "Identity" if operator == "Sqrt" else operator, *inputs, **options)

    patch.setattr(Part, "add", plain)


BREAKAGES = (swapped_channels, turned_picture, another_filter, permuted_row, forgotten_mean, no_square_root)


@pytest.mark.parametrize(
    ("breakage", "outputs"),
    [*((breakage, "distance") for breakage in BREAKAGES), (permuted_row, "topk"), (swapped_channels, "features")],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_what_is_wrong_is_never_published(
    breakage: Breakage, outputs: str, tiny_model: imgsim.SimilarityModel, tmp_path, monkeypatch
):
    breakage(monkeypatch)
    with pytest.raises(OnnxModelError, match=r"disagrees with Python: .* \(limit"):
        tiny_model.export_onnx(tmp_path / "Bad.onnx", outputs=outputs, k=3)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_breaks_while_it_is_written_is_never_published(tiny_model, tmp_path, monkeypatch):
    def cut(path):
        if path.suffix == ".onnx":
            path.write_bytes(path.read_bytes()[:-5000])

    monkeypatch.setattr(export, "open_to_all", cut)
    with pytest.raises(ModelFormatError, match="is not a network ONNX Runtime can load"):
        tiny_model.export_onnx(tmp_path / "Bad.onnx")
    assert list(tmp_path.iterdir()) == []


def test_a_saved_file_is_compared_again_with_pictures_of_your_own(exported, tiny_model, tiny_images, rng):
    picture = sorted(tiny_images.rglob("*.*"))[3]
    noise = rng.integers(0, 256, (50, 70, 3), np.uint8)
    report = verify(exported().path, tiny_model.references, [picture, str(picture), picture.read_bytes(), noise])
    assert report.passed
    assert (report.images, report.k, report.sources) == (4, 10, {"given": 4})
    assert report.metrics["distance_error_max"] < 1e-4
    with pytest.raises(ArgumentError, match="images must be at least 1"):
        verify(exported().path, tiny_model.references, 0)


def test_one_stored_value_that_changed_is_found(exported, tiny_model, tmp_path):
    """No test image need be near to the row that is wrong."""
    for compress in (None, "int8"):
        model = onnx.load(exported("topk", compress).path)
        (rows,) = (item for item in model.graph.initializer if item.name.endswith("head/rows"))
        values = numpy_helper.to_array(rows).copy()
        values[20, 3] = -values[20, 3] + 1
        rows.CopyFrom(numpy_helper.from_array(values, rows.name))
        onnx.save(model, tmp_path / "Changed.onnx")
        report = verify(tmp_path / "Changed.onnx", tiny_model.references, 1)
        assert report.status == FAILED
        assert "reference_error" in report.reason


def test_another_model_of_the_same_size_is_not_the_same(exported, tiny_model, tiny_store):
    other = imgsim.load_images([tiny_model.images.locations[i] for i in reversed(range(40))])
    mirrored = imgsim.create(other, store=tiny_store, backbone="mini", progress=False)
    assert verify(exported().path, mirrored.references).status == FAILED
    fewer = imgsim.create(
        imgsim.load_images(tiny_model.images.locations[:30]), store=tiny_store, backbone="mini", progress=False
    )
    with pytest.raises(OnnxModelError, match="has 40 references, and the model 30"):
        verify(exported().path, fewer.references, 1)


@pytest.mark.parametrize("keep", [0, 1000, -1000])
def test_damaged_files_are_named(keep, exported, tiny_model, tmp_path):
    path = tmp_path / "Damaged.onnx"
    path.write_bytes(exported().path.read_bytes()[:keep])
    with pytest.raises((ModelFormatError, OnnxModelError), match=r"Damaged\.onnx"):
        verify(path, tiny_model.references, 1)
    with pytest.raises(ModelFormatError, match=r"missing\.onnx"):
        verify(tmp_path / "missing.onnx", tiny_model.references, 1)


def test_a_foreign_network_is_named(tiny_model, tmp_path):
    shape = ["h", "w", 3]
    graph = helper.make_graph(
        [helper.make_node("Identity", ["image"], ["y"])],
        "g",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, shape)],
        [helper.make_tensor_value_info("y", TensorProto.UINT8, shape)],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8), tmp_path / "x.onnx")
    with pytest.raises(OnnxModelError, match="is no export of imgsim"):
        verify(tmp_path / "x.onnx", tiny_model.references, 1)
