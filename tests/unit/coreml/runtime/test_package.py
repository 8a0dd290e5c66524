import json
import shutil
import struct

import numpy as np
import pytest
import torch
from torch import nn

from imgsim.coreml import Interpreter
from imgsim.coreml.runtime.dtypes import bits_of, from_bytes
from imgsim.coreml.runtime.package import read_package
from imgsim.coreml.runtime.program import read_program
from imgsim.coreml.runtime.protobuf import parse
from imgsim.coreml.runtime.weight_file import WeightFile
from imgsim.errors import ArgumentError, CoreMLError, UnsupportedOperationError

MODEL = "Data/com.apple.CoreML/model.mlmodel"
WEIGHTS = "Data/com.apple.CoreML/weights/weight.bin"


class Small(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.first = nn.Conv2d(3, 16, 3, 2)

    def forward(self, x):
        return self.first(x).relu().mean((2, 3))


@pytest.fixture(scope="module")
def original(convert):
    def describe(model):
        model.author, model.license, model.version, model.short_description = "A", "L", "1.2", "D"
        model.user_defined_metadata["ids"] = json.dumps(["å", "b"])
        return model

    return convert(Small(), 32, precision="FLOAT16", change=describe)


@pytest.fixture
def package(original, tmp_path):
    return shutil.copytree(original, tmp_path / "Model.mlpackage")


def change_byte(path, offset, data):
    content = bytearray(path.read_bytes())
    content[offset : offset + len(data)] = data
    path.write_bytes(bytes(content))


def test_description_and_metadata(package):
    model = Interpreter(package)
    assert {"author": "A", "license": "L", "version": "1.2", "description": "D"}.items() <= model.metadata.items()
    assert json.loads(model.metadata["ids"]) == ["å", "b"]
    image = model.inputs["image"]
    assert (image.kind, image.shape, image.dtype, image.color) == ("image", (32, 32, 3), "uint8", "RGB")
    assert model.outputs["feature"].shape == (1, 16)


def test_every_weight_is_the_one_of_the_network(package):
    constants = [
        value
        for operation in read_program(read_package(package)).operations
        if operation.kind == "const"
        for value in operation.inputs["val"]
        if getattr(value, "shape", None) == (16, 3, 3, 3)
    ]
    assert len(constants) == 1
    np.testing.assert_array_equal(constants[0], Small().first.weight.detach().half().numpy())


def test_nothing_there(tmp_path):
    with pytest.raises(CoreMLError, match=r"no Core ML package at .*none\.mlpackage.*export_coreml"):
        Interpreter(tmp_path / "none.mlpackage")
    (tmp_path / "empty.mlpackage").mkdir()
    with pytest.raises(CoreMLError, match=r"empty\.mlpackage is no Core ML package: Manifest\.json"):
        Interpreter(tmp_path / "empty.mlpackage")


@pytest.mark.parametrize("name", [MODEL, WEIGHTS])
def test_an_absent_file(name, package):
    (package / name).unlink()
    with pytest.raises(CoreMLError, match=f"{name.rsplit('/')[-1]}.*Export"):
        Interpreter(package)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"rootModelIdentifier": "x", "itemInfoEntries": {}}'])
def test_a_damaged_manifest(content, package):
    (package / "Manifest.json").write_bytes(content)
    with pytest.raises(CoreMLError, match=r"Manifest\.json is damaged"):
        Interpreter(package)


def test_a_manifest_that_leads_outside(package):
    manifest = json.loads((package / "Manifest.json").read_text())
    manifest["itemInfoEntries"][manifest["rootModelIdentifier"]]["path"] = "../../other"
    (package / "Manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(CoreMLError, match="outside the package"):
        Interpreter(package)


@pytest.mark.parametrize("kept", [0.02, 0.3, 0.7, 0.99])
def test_a_specification_cut_short(kept, package):
    content = (package / MODEL).read_bytes()
    (package / MODEL).write_bytes(content[: int(len(content) * kept)])
    with pytest.raises(CoreMLError, match=r"model\.mlmodel is damaged"):
        Interpreter(package)


def test_other_bytes_are_no_model():
    with pytest.raises(CoreMLError, match="no Core ML model"):
        parse(b"", "x.mlmodel")
    with pytest.raises(CoreMLError, match="no Core ML model"):
        parse(b"\xff" * 100, "x.mlmodel")


def test_an_unknown_field_is_refused(package):
    content = (package / MODEL).read_bytes()
    (package / MODEL).write_bytes(content + bytes([0x98, 0x3F, 1]))  # field 1011 = 1
    with pytest.raises(UnsupportedOperationError, match="Model field 1011"):
        Interpreter(package)


@pytest.mark.parametrize("kept", [0, 32, 100, 400])
def test_weights_cut_short(kept, package):
    (package / WEIGHTS).write_bytes((package / WEIGHTS).read_bytes()[:kept])
    with pytest.raises(CoreMLError, match=r"weight\.bin are absent or damaged"):
        Interpreter(package)


@pytest.mark.parametrize(
    ("offset", "data", "said"),
    [
        (4, struct.pack("<I", 9), "version is 9"),
        (64, b"\0\0\0\0", "byte 64 does not begin a record"),
        (68, struct.pack("<I", 2), "is fp32, the program says fp16"),
        (72, struct.pack("<Q", 100), r"100 bytes where fp16 \(16, 3, 3, 3\) takes 864"),
        (80, struct.pack("<Q", 10**6), "ends at byte 1000864"),
    ],
)
def test_damaged_weights(offset, data, said, package):
    change_byte(package / WEIGHTS, offset, data)
    with pytest.raises(CoreMLError, match=said):
        Interpreter(package)


def test_weights_of_an_unknown_type(package):
    change_byte(package / WEIGHTS, 68, struct.pack("<I", 99))
    with pytest.raises(UnsupportedOperationError, match="unknown type 99"):
        Interpreter(package)


def test_weights_outside_the_package(package):
    content = (package / MODEL).read_bytes()
    (package / MODEL).write_bytes(content.replace(b"@model_path/weights/weight.bin", b"@model_path/../../../../../aaa"))
    with pytest.raises(CoreMLError, match="outside itself"):
        Interpreter(package)


def test_records_lie_at_multiples_of_64(package):
    weights = WeightFile(package / WEIGHTS)
    for offset in (0, 65, weights.size, weights.size + 64 - weights.size % 64):
        with pytest.raises(CoreMLError, match="no record fits"):
            weights.read(offset, "fp16", (1,))


@pytest.mark.parametrize("dtype", ["int4", "uint4", "uint1", "uint2", "uint3", "uint6", "int8", "uint8"])
def test_small_types_are_unpacked_lowest_bit_first(dtype, rng):
    bits = bits_of(dtype)
    low = -(1 << (bits - 1)) if dtype.startswith("int") else 0
    values = rng.integers(low, low + (1 << bits), (5, 7))
    ones = ((values.reshape(-1, 1) & ((1 << bits) - 1)) >> np.arange(bits)) & 1
    packed = np.packbits(ones.astype(np.uint8), bitorder="little").tobytes()
    np.testing.assert_array_equal(from_bytes(packed, dtype, (5, 7)), values)
    with pytest.raises(ValueError, match="takes"):
        from_bytes(packed[:-1], dtype, (5, 7))


def test_random_damage_is_an_error_or_an_answer_but_no_crash(package, rng):
    spec = package / MODEL
    content = spec.read_bytes()
    pixels = np.zeros((32, 32, 3), np.uint8)
    refused = 0
    for _ in range(300):
        damaged = bytearray(content)
        for place in rng.integers(0, len(content), rng.integers(1, 4)):
            damaged[place] = rng.integers(0, 256)
        spec.write_bytes(bytes(damaged))
        try:
            Interpreter(package).run(pixels)
        except CoreMLError:
            refused += 1
        except ArgumentError:  # the size of the picture was damaged
            pass
    assert refused > 100
