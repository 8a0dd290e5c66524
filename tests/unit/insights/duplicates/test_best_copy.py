import numpy as np
import pytest

from imgsim.insights.duplicates.best_copy import Facts, suggestion


def facts(*rows: tuple[int, int, int, float, float], paths: tuple[str, ...] = ("b", "a", "c")) -> Facts:
    width, height, size, sharpness, seconds = (np.array(column) for column in zip(*rows, strict=True))
    return Facts(width, height, size, sharpness.astype(np.float32), seconds.astype(float), paths)


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
    assert suggestion(facts(*rows), range(2)) == (kept, reasons)


def test_the_kept_one_is_compared_with_the_next_best():
    _, reasons = suggestion(facts((8, 8, 9, 1, 0), (4, 4, 9, 1, 0), (8, 8, 7, 1, 0)), [0, 1, 2])
    assert reasons == [
        "same size, most bytes: 9, next 7",
        "fewer pixels: 4 x 4 against 8 x 8",
        "same size, fewer bytes: 7 against 9",
    ]
