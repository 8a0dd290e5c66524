"""Every kind of binary Netpbm file is read as its definition says: sample / maximum of white."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgsim.decoding.decode import decode, probe
from imgsim.errors import ImageError


def netpbm(magic: str, samples: np.ndarray, maximum: int) -> bytes:
    height, width = samples.shape[:2]
    head = f"{magic}\n# a comment\n{width} {height}\n{maximum}\n".encode()
    return head + samples.astype(">u2" if maximum > 255 else "u1").tobytes()


@given(
    magic=st.sampled_from(("P5", "P6")),
    maximum=st.sampled_from((1, 15, 254, 255, 256, 1023, 4095, 65534, 65535)),
    size=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    seed=st.integers(0, 99),
)
def test_samples_are_scaled_by_their_maximum(magic: str, maximum: int, size: tuple[int, int], seed: int) -> None:
    shape = (*size, 3) if magic == "P6" else size
    samples = np.random.default_rng(seed).integers(0, maximum + 1, shape)
    data = netpbm(magic, samples, maximum)
    expected = np.rint(samples / maximum * 255)
    expected = expected if magic == "P6" else np.repeat(expected[..., None], 3, axis=2)
    assert np.abs(decode(data).astype(int) - expected).max() <= 1
    assert (probe(data).height, probe(data).width, probe(data).format) == (*size, "PPM")
    with pytest.raises(ImageError, match="truncated PPM"):
        decode(data[:-1])


@given(size=st.tuples(st.integers(1, 9), st.integers(1, 20)), seed=st.integers(0, 99))
def test_one_bit_is_ink(size: tuple[int, int], seed: int) -> None:
    ink = np.random.default_rng(seed).integers(0, 2, size).astype(bool)
    data = f"P4 {size[1]} {size[0]}\n".encode() + np.packbits(ink, axis=1).tobytes()
    assert (decode(data)[..., 0] == np.where(ink, 0, 255)).all()
    with pytest.raises(ImageError, match="truncated PPM"):
        decode(data[:-1])


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"P2\n2 2\n255\n0 0 0 0\n", "written as text"),
        (b"P5\n2 2\n70000\n", "PPM"),
        (b"P5\n2", "PPM"),
        (b"P6\n100000 90000\n255\n", "megapixels"),
        (b"P7\nWIDTH 2\n", "known format"),
    ],
)
def test_other_files_are_refused_with_the_reason(data: bytes, reason: str) -> None:
    with pytest.raises(ImageError, match=reason):
        probe(data)
