"""Files of strangers: small ones that declare much are refused before they take memory."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import imgsim
from imgsim.io import arrow
from imgsim.io.untrusted import map_arrow, read_json, read_parquet
from tests.memory import bounded_memory

MANY = 400  # megabytes


def refused(path: Path, reason: str, read=read_parquet) -> None:
    with bounded_memory(MANY), pytest.raises((pa.ArrowException, OSError, ValueError), match=reason):
        read(path)


def test_a_table_comes_back_as_it_is(tmp_path: Path) -> None:
    table = pa.table(
        {
            "text": pa.array(["a", None, "ü", "a"] * 50),
            "bytes": pa.array([b"\0", b"", None, b"x" * 999] * 50, pa.binary()),
            "list": pa.FixedSizeListArray.from_arrays(pa.array(np.arange(600, dtype=np.float32)), 3),
            "number": pa.array(range(200), pa.int16()),
        }
    )
    pq.write_table(table, tmp_path / "a.parquet")
    assert read_parquet(tmp_path / "a.parquet").equals(table)
    pq.write_table(table.slice(0, 0), tmp_path / "empty.parquet")
    assert read_parquet(tmp_path / "empty.parquet").equals(table.slice(0, 0))


def test_a_long_text_in_every_row(tmp_path: Path) -> None:
    texts = pa.DictionaryArray.from_arrays(pa.array([0] * 100_000, pa.int32()), pa.array(["x" * 1_000_000]))
    pq.write_table(pa.table({"path": texts}), tmp_path / "a.parquet", store_schema=False)
    assert (tmp_path / "a.parquet").stat().st_size < 100_000
    refused(tmp_path / "a.parquet", "would unpack to 95,")


def test_zeros_without_end(tmp_path: Path) -> None:
    zeros = pa.table({"x": pa.array(np.zeros(50_000_000, np.int64))})
    pq.write_table(zeros, tmp_path / "a.parquet", compression="zstd", use_dictionary=False)
    del zeros
    refused(tmp_path / "a.parquet", "would unpack to")


def test_rows_without_end(tmp_path: Path) -> None:
    pq.write_table(pa.table({"x": pa.nulls(400_000_000)}), tmp_path / "a.parquet")
    refused(tmp_path / "a.parquet", "would unpack to")


def test_damaged_tables(tmp_path: Path) -> None:
    pq.write_table(pa.table({"x": ["abc"] * 99}), tmp_path / "a.parquet", write_page_checksum=True, compression="none")
    whole = (tmp_path / "a.parquet").read_bytes()
    for data in (b"", b"PAR1", whole[:-9], whole.replace(b"abc", b"abd")):
        (tmp_path / "a.parquet").write_bytes(data)
        refused(tmp_path / "a.parquet", ".")


def arrow_file(path: Path, table: pa.Table, **options: object) -> None:
    with pa.ipc.new_file(str(path), table.schema, options=pa.ipc.IpcWriteOptions(**options)) as writer:
        writer.write_table(table)


def test_an_arrow_file_is_mapped(tmp_path: Path) -> None:
    table = pa.table({"x": np.arange(1000.0)})
    arrow_file(tmp_path / "a.arrow", table)
    assert map_arrow(tmp_path / "a.arrow").equals(table)


def test_a_compressed_arrow_file_is_refused_unread(tmp_path: Path) -> None:
    arrow_file(tmp_path / "a.arrow", pa.table({"x": np.zeros(60_000_000)}), compression="zstd")
    refused(tmp_path / "a.arrow", "compressed", map_arrow)


def test_damaged_arrow_files(tmp_path: Path) -> None:
    arrow_file(tmp_path / "a.arrow", pa.table({"x": ["ab", "cd"] * 50}))
    whole = (tmp_path / "a.arrow").read_bytes()
    offsets = np.arange(0, 202, 2, dtype=np.int32)
    wrong = whole.replace(offsets.tobytes(), (offsets + 10_000_000).tobytes())
    assert wrong != whole
    for data in (b"", b"ARROW1\0\0", whole[:300], whole[8:], wrong):
        (tmp_path / "a.arrow").write_bytes(data)
        refused(tmp_path / "a.arrow", ".", map_arrow)


@pytest.mark.parametrize(
    ("text", "reason"),
    [("[" * 1_000_000, "nested too deeply"), ('{"a":' * 100_000, "nested"), ("{", "Expecting"), ("9" * 9999, "digits")],
)
def test_json_that_is_no_good(tmp_path: Path, text: str, reason: str) -> None:
    (tmp_path / "a.json").write_text(text)
    refused(tmp_path / "a.json", reason, read_json)


def test_json_is_bounded(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps({"a": 1}))
    assert read_json(tmp_path / "a.json") == {"a": 1}
    with (tmp_path / "a.json").open("r+b") as file:
        file.truncate(2**40)  # takes no space
    refused(tmp_path / "a.json", "the limit is 64", read_json)


def test_a_column_whose_name_is_not_utf8(tmp_path: Path) -> None:
    """Found by fuzzing: pyarrow raises what is no error of its own."""
    pq.write_table(pa.table({"forma\u0101": ["JPEG"]}), tmp_path / "a.parquet", store_schema=False)
    whole = (tmp_path / "a.parquet").read_bytes()
    (tmp_path / "a.parquet").write_bytes(whole.replace("\u0101".encode(), b"\x80\x80"))
    with pytest.raises(imgsim.ModelFormatError, match="cannot be read as Parquet"):
        arrow.read_parquet(tmp_path / "a.parquet")
