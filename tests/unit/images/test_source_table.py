"""Tables that list images: which column is used, and that its values stay what they are."""

import datetime
import decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgsim.errors import ArgumentError, SourceError
from imgsim.images.list_source import list_source
from imgsim.images.listing import Listing
from imgsim.images.load import load_images
from imgsim.images.source_table import from_memory, read_table
from imgsim.images.table import ImageTable


def facts(listing: Listing) -> tuple[list[str], list[str | None], str | None]:
    entries = listing.entries
    return [entry.path for entry in entries], [entry.label for entry in entries], listing.labels_from


def csv(tmp_path: Path, text: str, name: str = "list.csv") -> Path:
    (tmp_path / name).write_text(text, newline="")
    return tmp_path / name


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("path,label\n0.png,cat,\n1.png,dog,\n", ["cat", "dog"]),
        ("path,label,\n0.png,cat,\n1.png,dog,\n", ["cat", "dog"]),
        ("path,label\n0.png,cat,,,\n1.png,dog\n", ["cat", "dog"]),
        ("path,label\n0.png,cat\n\n1.png\n", ["cat", None]),
        ("Path,Label\r\n0.png,NA\r\n1.png,nan\r\n", ["NA", "nan"]),
        ("root,path,label\n/x,0.png,a\n/y,1.png,b\n", ["a", "b"]),
        ("path,size,class\n0.png,1,a\n1.png,2,\n", ["a", None]),
        ("path,label\r0.png,3\r1.png,\r", ["3", None]),
    ],
)
def test_the_column_of_labels_is_used(tmp_path: Path, text: str, labels: list[str | None]) -> None:
    column = "class" if "class" in text else "Label" if "Label" in text else "label"
    for option in ("auto", "column", column):
        found = facts(list_source(csv(tmp_path, text), labels=option))
        assert found == (["0.png", "1.png"], labels, f"column {column!r}")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_every_unicode_encoding_and_separator(tmp_path: Path, encoding: str, separator: str) -> None:
    rows = [("path", "label"), ("é/0.png", "a,b;c"), ("é/1.png", "")]
    text = "".join(f'{path}{separator}"{label}"\r\n' for path, label in rows)
    for start in ("", f"sep={separator}\r\n"):
        (tmp_path / "list.csv").write_bytes((start + text).encode(encoding))
        assert facts(list_source(tmp_path / "list.csv"))[:2] == (["0.png", "1.png"], ["a,b;c", None])


def test_text_in_another_encoding_is_refused_with_advice(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_bytes("path,label\né.png,a\n".encode("latin-1"))
    with pytest.raises(SourceError, match="save it in UTF-8"):
        list_source(tmp_path / "list.csv")


def test_padded_columns_are_read_without_blanks(tmp_path: Path) -> None:
    padded = csv(tmp_path, 'path , label\na.png , "cat, big"\nb.png ,  dog\n')
    assert facts(list_source(padded))[:2] == (["a.png", "b.png"], ["cat, big", "dog"])
    assert facts(list_source(csv(tmp_path, "path,label\n a.png, cat\n")))[:2] == ([" a.png"], [" cat"])


def test_paths_as_users_and_other_systems_write_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in ("a/0.png", "b\\1.png", "~2.png", "~/3.png", "home/4.png", "5 6.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    paths = ["a\\0.png", "b\\1.png", "~2.png", "~/3.png", "~/4.png", (tmp_path / "5 6.png").as_uri(), "c\\7.png"]
    listing = list_source(csv(tmp_path, "path\n" + "\n".join(paths)))
    assert listing.root == str(tmp_path)
    found = [entry.path for entry in listing.entries]
    assert found == ["a/0.png", "b\\1.png", "~2.png", "~/3.png", "home/4.png", "5 6.png", "c\\7.png"]


def test_a_name_that_no_file_can_have_costs_its_row_only(tmp_path: Path) -> None:
    listing = list_source(csv(tmp_path, "path,label\na\0b.png,x\nc.png,y\n"))
    assert facts(listing)[:2] == (["c.png"], ["y"])
    assert [reason for _, reason in listing.rejected] == ["no name holds a null character"]


def test_tables_of_other_libraries_and_indexes_of_paths() -> None:
    columns = {"path": ["/x/0.png", "/x/1.png"], "label": ["a", "b"]}
    expected = (["0.png", "1.png"], ["a", "b"], "column 'label'")
    assert facts(list_source(pa.table(columns))) == expected
    assert facts(list_source(pd.DataFrame(columns).set_index("path"))) == expected


def test_folders_are_the_labels_where_no_column_is(tmp_path: Path) -> None:
    table = csv(tmp_path, "path,root\na/0.png,x\nb/1.png,y\n")
    assert facts(list_source(table)) == (["a/0.png", "b/1.png"], ["a", "b"], "names of folders")
    assert facts(list_source(table, labels="root"))[1:] == (["x", "y"], "column 'root'")
    assert facts(list_source(table, labels="none"))[1:] == ([None, None], None)
    with pytest.raises(ArgumentError, match=r"list\.csv: there is no column called 'label'.*path, root"):
        list_source(table, labels="column")


def test_one_folder_is_no_class(tmp_path: Path) -> None:
    table = csv(tmp_path, "path\na/0.png\na/1.png\n")
    assert facts(list_source(table))[1:] == ([None, None], None)
    assert facts(list_source(table, labels="folder"))[1:] == (["a", "a"], "names of folders")


def test_rows_that_do_not_fit_are_rejected_by_number(tmp_path: Path) -> None:
    listing = list_source(csv(tmp_path, "path,label\n0.png,a,b\n1.png,c\n,d\n"))
    assert facts(listing)[:2] == (["1.png"], ["c"])
    reasons = dict(listing.rejected)
    assert set(reasons) == {"row 0", "row 2"}
    assert "3 fields, the header 2" in reasons["row 0"]


def test_long_fields_are_read(tmp_path: Path) -> None:
    assert facts(list_source(csv(tmp_path, f"text,path\n{'x' * 300_000},0.png\n")))[0] == ["0.png"]


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        (pa.array([3, 4, None], pa.int64()), ["3", "4", None]),
        (pa.array([2**60 + 1, 2**60 + 2, None]), [str(2**60 + 1), str(2**60 + 2), None]),
        (pa.array([2**64 - 1, 2**64 - 2, 0], pa.uint64()), [str(2**64 - 1), str(2**64 - 2), "0"]),
        (pa.array([3.0, float("nan"), 2.5]), ["3", None, "2.5"]),
        (pa.array([True, False, None]), ["True", "False", None]),
        (pa.array(["a", "", None]).dictionary_encode(), ["a", None, None]),
        (pa.array([datetime.date(9999, 12, 31), datetime.date(1, 1, 1), None]), ["9999-12-31", "0001-01-01", None]),
        (pa.array([10**7] * 3, pa.date32()), ["29349-01-26"] * 3),
        (pa.array([datetime.datetime(2024, 1, 1), None, None], pa.timestamp("ns")), ["2024-01-01", None, None]),
        (pa.array([decimal.Decimal("1.10")] * 3), ["1.10"] * 3),
        (pa.nulls(3), [None] * 3),
    ],
)
def test_values_of_parquet_stay_what_they_are(tmp_path: Path, values: pa.Array, labels: list[str | None]) -> None:
    table = pa.table({"path": ["0.png", "1.png", "2.png"], "label": values})
    pq.write_table(table, tmp_path / "t.parquet")
    assert facts(list_source(tmp_path / "t.parquet"))[1] == labels


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        ([3, 4, None], ["3", "4", None]),
        ([3, "a", None], ["3", "a", None]),
        ([2**70, 2**70 + 1, 1.0], [str(2**70), str(2**70 + 1), "1"]),
        (pd.array([2**60 + 1, 2**60 + 2, None], "Int64"), [str(2**60 + 1), str(2**60 + 2), None]),
        (pd.Categorical(["a", "b", "a"]), ["a", "b", "a"]),
        (pd.period_range("2024-01-01", periods=3), ["2024-01-01", "2024-01-02", "2024-01-03"]),
        ([pd.NaT, pd.NA, float("nan")], [None] * 3),
        ([Path("a"), Path("b"), None], ["a", "b", None]),
    ],
)
def test_values_in_memory_stay_what_they_are(values: object, labels: list[str | None]) -> None:
    frame = pd.DataFrame({"path": ["0.png", "1.png", "2.png"], "label": pd.Series(values)})
    assert facts(list_source(frame))[1] == labels


@given(st.lists(st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1)), min_size=1))
def test_whole_numbers_survive_every_way(values: list[int | None]) -> None:
    expected = [None if value is None else str(value) for value in values]
    table = pa.table({"path": ["a"] * len(values), "n": pa.array(values, pa.int64())})
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)
    assert read_table(sink.getvalue().to_pybytes(), "t.parquet", "t").texts("n") == expected
    assert from_memory(pd.DataFrame({"n": pd.array(values, "Int64")})).texts("n") == expected


@pytest.mark.parametrize(
    "values",
    [[["cat", "indoor"], ["dog"]], [{"a": 1}, {"a": 2}], [b"\xff", b"a"], [np.zeros(2), np.zeros(2)]],
)
def test_lists_and_the_like_are_no_labels(tmp_path: Path, values: list[object]) -> None:
    frame = pd.DataFrame({"path": ["0.png", "1.png"], "label": values})
    frame.to_parquet(tmp_path / "t.parquet")
    for source in (frame, tmp_path / "t.parquet"):
        with pytest.raises(SourceError, match=r"'label' holds .* choose another column"):
            list_source(source)
        assert facts(list_source(source, labels="none"))[0] == ["0.png", "1.png"]


def test_columns_of_one_name_are_refused_where_they_are_used(tmp_path: Path) -> None:
    twice = pd.DataFrame([["0.png", "a", "1.png"]], columns=["path", "label", "path"])
    with pytest.raises(SourceError, match="2 columns are called 'path'"):
        list_source(twice)
    table = csv(tmp_path, "path,label,label\n0.png,a,b\n")
    with pytest.raises(SourceError, match=r"list\.csv: 2 columns are called 'label'"):
        list_source(table)
    assert facts(list_source(table, labels="none"))[0] == ["0.png"]


def test_a_saved_table_keeps_its_labels_and_says_what_they_are(tiny_images: Path, tmp_path: Path) -> None:
    images = load_images(tiny_images)
    assert images.labels_from == "names of folders"
    for name, told in (("t.parquet", "names of folders"), ("t.csv", "column 'label'")):
        images.save(tmp_path / name)
        again = load_images(tmp_path / name)
        assert (again.labels, again.paths, again.root) == (images.labels, images.paths, images.root)
        assert again.labels_from == told
    assert ImageTable.load(tmp_path / "t.parquet").labels_from == "names of folders"
    assert ImageTable.load(tmp_path / "t.csv").labels_from is None
