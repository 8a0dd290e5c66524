import numpy as np
import pyarrow as pa
import pytest

import imgsim
from imgsim.insights.duplicates.best_copy import ImageProperties, suggestion
from imgsim.insights.duplicates.links import Links


def properties(
    *rows: tuple[int, int, int, float, float],
    paths: tuple[str, ...] = ("b", "a", "c"),
    formats: tuple[str, ...] = ("JPEG",) * 3,
) -> ImageProperties:
    width, height, size, sharpness, seconds = (np.array(column) for column in zip(*rows, strict=True))
    values = (width, height, size, sharpness.astype(np.float32), seconds.astype(float))
    return ImageProperties(*values, paths, formats, Links.none(len(paths)))


@pytest.mark.parametrize(
    ("rows", "kept", "reasons"),
    [
        (
            [(200, 100, 9, 2, 5), (400, 200, 5, 1, 9)],
            1,
            ["fewer pixels: 200 x 100 against 400 x 200", "most pixels: 400 x 200, next 200 x 100"],
        ),
        (
            [(200, 100, 9000, 1, 9), (200, 100, 5000, 2, 5)],
            0,
            ["same size, most bytes: 9,000, next 5,000", "same size, fewer bytes: 5,000 against 9,000"],
        ),
        (
            [(9, 9, 5, 1.0, 5), (9, 9, 5, 1.5, 9)],
            1,
            ["same size and bytes, less sharp", "same size and bytes, sharpest"],
        ),
        (
            [(9, 9, 5, 1.5, 86400), (9, 9, 5, 1.52, 0)],
            1,
            [
                "newer: 1970-01-02 00:00:00 against 1970-01-01 00:00:00",
                "oldest: 1970-01-01 00:00:00, next 1970-01-02 00:00:00",
            ],
        ),
        (
            [(9, 9, 5, np.nan, np.inf), (9, 9, 5, np.nan, np.inf)],
            1,
            ["alike in every respect, later by path", "alike in every respect, first by path"],
        ),
        (
            [(9, 9, 5, 1, np.inf), (9, 9, 5, 1, 0)],
            1,
            ["newer: no date against 1970-01-01 00:00:00", "oldest: 1970-01-01 00:00:00, next no date"],
        ),
    ],
)
def test_best_is_kept_and_the_first_deciding_fact_is_the_reason(rows, kept, reasons):
    assert suggestion(properties(*rows), range(2)) == (kept, reasons)


def test_the_kept_one_is_compared_with_the_next_best():
    _, reasons = suggestion(properties((8, 8, 9, 1, 0), (4, 4, 9, 1, 0), (8, 8, 7, 1, 0)), [0, 1, 2])
    assert reasons == [
        "same size, most bytes: 9, next 7",
        "fewer pixels: 4 x 4 against 8 x 8",
        "same size, fewer bytes: 7 against 9",
    ]


def test_a_lossless_file_is_kept_before_a_larger_jpeg_of_it():
    found = properties((9, 9, 500, 1, 0), (9, 9, 900, 1, 0), formats=("PNG", "JPEG", "JPEG"))
    kept, reasons = suggestion(found, [0, 1])
    assert kept == 0
    assert reasons == ["same size, lossless: PNG, next JPEG", "same size, not lossless: JPEG against PNG"]


def test_the_suffix_that_fits_the_format_is_kept():
    names = ("a.png", "b.bmp", "c.JPG")
    kept, reasons = suggestion(properties(*[(9, 9, 5, 1, 0)] * 3, paths=names), [0, 1, 2])
    assert kept == 2
    assert reasons[0] == "its suffix does not fit its format, JPEG"
    assert reasons[2] == "its suffix fits its format, JPEG"


@pytest.mark.parametrize("gap", [0.0, 0.4])
def test_times_within_a_second_decide_nothing(model_of, gap):
    model = model_of(np.eye(2, 4))
    times = pa.array([1_000_000 * 50, round(1_000_000 * (50 + gap))], pa.timestamp("us"))
    place = model.images.table.schema.get_field_index("mtime")
    table = model.images.table.set_column(place, "mtime", times)
    model.images = imgsim.ImageTable(table)
    found = ImageProperties.of(model, np.ones(2, np.float32))
    assert suggestion(found, [0, 1])[1][0] == "alike in every respect, first by path"
