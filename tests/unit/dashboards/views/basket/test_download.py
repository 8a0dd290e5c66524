import io
import zipfile
from pathlib import PurePosixPath

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.services import tables
from dashboards.services.models.loaded_model import Loaded
from dashboards.services.query_text import MOST_TERMS, parse_terms
from dashboards.services.tables import Share
from dashboards.views.basket import download
from tests.unit.dashboards.views.browse.test_order import bare

HOSTILE = [
    "../../etc/passwd",
    "/absolute.jpg",
    "C:\\Windows\\system32\\x.png",
    "a/../../b.jpg",
    "..\\..\\up.jpg",
    "con.jpg",
    "folder/NUL",
    "a:b*c?.jpg",
    "dots.../..hidden./x.jpg",
    "line\nbreak\x00.jpg",
    "\u202egpj.exe",
    "x" * 500 + ".jpg",
    "a/" * 300 + "deep.jpg",
    "",
    "...",
]


RESERVED = {"CON", "PRN", "AUX", "NUL", *(f"{port}{number}" for port in ("COM", "LPT") for number in range(1, 10))}
"""What Windows opens as a device, with any suffix."""


def harmless(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return (
        parts[0] == download.PICTURES
        and len(parts) >= 2
        and len(name) < 600
        and not any(part in ("..", ".") or part.startswith(".") or part.endswith((".", " ")) for part in parts)
        and not any(ord(letter) < 32 or letter in '\\:*?"<>|' for letter in name)
        and not any(part.split(".")[0].upper() in RESERVED for part in parts)
        and name.lower().endswith((".jpg", ".jpeg"))
    )


@pytest.mark.parametrize("path", HOSTILE)
def test_hostile_names_are_harmless(path: str):
    assert harmless(download.member(path)), download.member(path)


@given(st.text())
def test_every_name_is_harmless(path: str):
    assert harmless(download.member(path)), download.member(path)


@given(st.lists(st.sampled_from(["a.jpg", "A.JPG", "a.png", "é.jpg", "e\u0301.jpg", "a.jpg/b.jpg", "x/a.jpg"])))
def test_no_name_is_there_twice_on_any_system(paths: list[str]):
    taken: set[str] = set()
    names = [download.free(download.member(path), taken) for path in paths]
    assert len({name.casefold() for name in names}) == len(names)
    folders = {str(parent) for name in names for parent in PurePosixPath(name).parents}
    assert not folders & set(names), "what is a folder for one is no file for another"


def test_usual_names_stay():
    assert download.member("cube/cube_01.jpg") == "thumbnails/cube/cube_01.jpg"
    assert download.member("cube/cube_01.png") == "thumbnails/cube/cube_01.png.jpg"


def test_the_table_of_two_versions(loaded: Loaded):
    other = bare(loaded)
    table = tables.image_table([Share(loaded, (5, 2)), Share(other, (0,))])
    assert list(table.columns) == ["model", "version", "row", *tables.FACTS]
    assert table["model"].tolist() == ["imgsim-tiny", "imgsim-tiny", "imgsim-bare"]
    assert table["row"].tolist() == [5, 2, 0]
    assert table["path"].tolist() == [loaded.model.images.paths[row] for row in (5, 2, 0)]
    assert tables.image_table([]).empty


def test_csv_runs_nothing_in_a_spreadsheet(loaded: Loaded):
    table = tables.image_table([Share(loaded, (0,))]).assign(path='=HYPERLINK("http://x")', label="-1+1")
    read = pd.read_csv(io.BytesIO(tables.image_csv(table)))
    assert read["path"][0].startswith("'=")
    assert read["label"][0] == "'-1+1"
    assert table["path"][0].startswith("=HYPER"), "the table itself is left alone"


def test_a_name_with_an_end_of_line_stays_in_its_line_of_the_csv(loaded: Loaded):
    table = tables.image_table([Share(loaded, (0, 1))]).assign(path=["a\rb", "c\r\nd"])
    assert pd.read_csv(io.BytesIO(tables.image_csv(table)))["path"].tolist() == ["a\rb", "c\r\nd"]


def test_parquet_keeps_names_as_they_are(loaded: Loaded):
    table = tables.image_table([Share(loaded, (0, 1))]).assign(path="=1")
    assert pd.read_parquet(io.BytesIO(download.parquet(table)))["path"].tolist() == ["=1", "=1"]


def test_the_zip_holds_every_thumbnail_and_says_whose_it_is(loaded: Loaded, twins: tuple[int, int]):
    rows = (*twins, 3)
    data = download.archive([Share(loaded, rows), Share(bare(loaded), (0,))])
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        assert file.testzip() is None
        table = pd.read_csv(file.open("basket.csv"))
        pictures = [file.read(name) for name in table["thumbnail"][:3]]
    assert pictures == loaded.model.thumbnails(rows)
    assert table["row"].tolist() == [*rows, 0]
    assert pd.isna(table["thumbnail"][3]), "this version carries no thumbnails"


def test_the_zip_is_the_same_for_the_same_basket(loaded: Loaded):
    assert download.archive([Share(loaded, (1, 2))]) == download.archive([Share(loaded, (1, 2))])


def test_as_a_query_with_weights(loaded: Loaded):
    text = download.as_query(loaded, [4, 9, 12], [1.0, -0.5, 0.0])
    terms, missing = parse_terms(loaded, text)
    assert [(term.row, term.weight) for term in terms] == [(4, 1.0), (9, -0.5)]
    assert missing == []
    assert download.as_query(loaded, [4], [0.0]) == ""


def test_a_query_holds_a_bounded_number_of_images(loaded: Loaded):
    rows = list(range(30))
    assert len(download.as_query(loaded, rows, [1.0] * 30).split()) == MOST_TERMS
