"""Reference rows as exports store them."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from imgsim.deployment.rows import centered_rows, deviation, rounded_rows, row_steps

ROWS = arrays.arrays(np.float32, (5, 4), elements=st.floats(-1000, 1000, width=32))


@given(ROWS)
def test_rounding_to_8_bits_is_off_by_half_a_step_and_rounds_once(rows):
    steps, rounded = row_steps(rows), rounded_rows(rows)
    assert (np.abs(rounded - rows) <= 0.5001 * steps + 1e-30).all()
    assert np.abs(np.round(rows / steps)).max() <= 127
    assert deviation(rounded, steps, rows) <= 1
    assert np.allclose(rounded_rows(rounded), rounded, rtol=1e-5, atol=1e-30)


@given(ROWS)
def test_centring_keeps_all_distances(rows):
    same, none = centered_rows(rows, projected=True)
    assert same is rows
    assert none is None
    moved, center = centered_rows(rows, projected=False)
    assert center is not None
    assert np.allclose(moved[0] - moved[1], rows[0] - rows[1], atol=1e-3)


def test_a_deviation_is_measured_in_what_the_type_may_round():
    rows = np.array([[1.0, -2.0], [4.0, 8.0]], np.float32)
    assert deviation(rows.astype(np.float16), None, rows) < 1
    wrong = rows.copy()
    wrong[1, 1] = 8.1
    assert deviation(wrong, None, rows) > 1000
    assert 0.9 < deviation(rows + 0.05, np.full((2, 1), 0.1), rows) < 1
