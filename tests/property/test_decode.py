"""Whatever the bytes: a picture or an ImageError, never anything else."""

from io import BytesIO

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from imgsim.decode import Header, decode, probe
from imgsim.errors import ImageError
from imgsim.formats import EXTENSIONS

pytestmark = pytest.mark.filterwarnings("default")  # Pillow warns about damaged EXIF; a warning is no failure

PICTURE = Image.fromarray(np.random.default_rng(0).integers(0, 255, (23, 31, 3)).astype(np.uint8))
MAGIC = [
    b"\xff\xd8\xff",
    b"\x89PNG\r\n\x1a\n",
    b"GIF89a",
    b"BM",
    b"II*\0",
    b"MM\0*",
    b"MM\0+\0\x08\0\0",
    b"RIFF\0\0\1\0WEBPVP8 ",
    b"\0\0\0\x18ftypavif\0\0\0\0mif1avif",
    b"\0\0\0\x18ftypheic\0\0\0\0mif1heic",
]


def _encode(kind: str, **options: object) -> bytes:
    buffer = BytesIO()
    PICTURE.save(buffer, kind, **options)
    return buffer.getvalue()


FILES = [
    _encode("JPEG"),
    _encode("JPEG", progressive=True, exif=b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"),
    _encode("PNG"),
    _encode("GIF"),
    _encode("BMP"),
    _encode("TIFF"),
    _encode("TIFF", compression="tiff_lzw"),
    _encode("WEBP"),
    _encode("AVIF"),
]


def check(data: bytes) -> None:
    """Both entry points keep their promise."""
    try:
        header = probe(data)
    except ImageError as error:
        assert error.stage == "header"
        assert error.reason
    else:
        assert isinstance(header, Header)
        assert header.width > 0
        assert header.height > 0
        assert 1 <= header.orientation <= 8
    try:
        rgb = decode(data, at_least=(4, 4))
    except ImageError as error:
        assert error.stage == "decode"
        assert error.reason
    else:
        assert rgb.dtype == np.uint8
        assert rgb.ndim == 3
        assert rgb.shape[2] == 3


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes(data: bytes) -> None:
    check(data)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(MAGIC), st.binary(max_size=300))
def test_any_bytes_behind_a_known_signature(magic: bytes, data: bytes) -> None:
    check(magic + data)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from(FILES),
    st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=8),
    st.floats(0, 1),
)
def test_damaged_files(data: bytes, edits: list[tuple[float, int]], keep: float) -> None:
    damaged = bytearray(data)
    for place, value in edits:
        damaged[int(place * len(damaged))] = value
    check(bytes(damaged[: max(1, int(len(damaged) * (1 - keep**4)))]))


def test_the_strategy_covers_every_format() -> None:
    assert {probe(data).format for data in FILES} == {"JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP", "AVIF"}
    assert "heic" in EXTENSIONS
