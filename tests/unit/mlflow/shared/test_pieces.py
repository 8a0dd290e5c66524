"""Files cut into pieces and put together again."""

import struct

import pytest

from imgsim.coreml.runtime.weight_file import tensor_ranges
from imgsim.errors import ModelFormatError
from imgsim.mlflow.shared.pieces import SMALLEST, put_back, take_out

SIZES = [5, 64, SMALLEST, 100, 3 * SMALLEST + 7]


def weights(sizes=SIZES) -> bytes:
    """A weight file as coremltools writes it: a record of 64 bytes before each tensor, at multiples of 64."""
    data = bytearray(struct.pack("<II", len(sizes), 2).ljust(64, b"\0"))
    for number, size in enumerate(sizes):
        data += bytes(-len(data) % 64)
        data += struct.pack("<IIQQ", 0xDEADBEEF, 1, size, len(data) + 64).ljust(64, b"\0")
        data += bytes([number + 1]) * size
    return bytes(data)


def test_the_ranges_are_those_of_the_tensors(tmp_path):
    path = tmp_path / "weight.bin"
    path.write_bytes(weights())
    data, found = path.read_bytes(), tensor_ranges(path)
    assert [data[start : start + size] for start, size in found] == [
        bytes([number + 1]) * size for number, size in enumerate(SIZES)
    ]
    for damaged in (b"", data[:64], b"x" * 500, data[:64] + b"x" * 64 + data[128:]):
        path.write_bytes(damaged)
        assert tensor_ranges(path) == []
    path.write_bytes(data[:-1])
    assert tensor_ranges(path) == found[:-1]


def test_what_is_cut_can_be_put_together(tmp_path):
    folder, stage = tmp_path / "model", tmp_path / "stage"
    (folder / "coreml" / "weights").mkdir(parents=True)
    stage.mkdir()
    contents = {
        "backbone.onnx": b"n" * 3 * SMALLEST,
        "coreml/weights/weight.bin": weights(),
        "tokenizer.json": b"too small to share",
        "embeddings.arrow": b"e" * 3 * SMALLEST,
    }
    for name, data in contents.items():
        (folder / name).write_bytes(data)
    files = take_out(folder, stage)
    assert set(files) == {"backbone.onnx", "coreml/weights/weight.bin"}
    assert not (folder / "backbone.onnx").exists()
    assert (folder / "coreml/weights/weight.bin").stat().st_size == len(weights()) - 4 * SMALLEST - 7
    assert len(list(stage.iterdir())) == 3
    with pytest.raises(ModelFormatError, match=r"weight\.bin is not the size it was saved with"):
        put_back(folder / "coreml/weights/weight.bin", files["coreml/weights/weight.bin"][1:], stage)
    for name, pieces in files.items():
        put_back(folder / name, pieces, stage)
    assert {name: (folder / name).read_bytes() for name in contents} == contents
