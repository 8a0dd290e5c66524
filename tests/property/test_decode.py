"""Whatever the bytes: a picture or an ImageError, in seconds, within memory; never anything else."""

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgsim.decoding.decode import Header, decode, probe
from imgsim.errors import ImageError
from tests.memory import bounded_memory
from tests.property.fuzzing import MEMORY, damaged, examples
from tests.zoo import jpegs, others, pngs

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
ZOO = [*jpegs.files().values(), *pngs.files().values(), *others.files().values()]
FILES = [file.data for file in ZOO if len(file.data) < 20_000]


@pytest.fixture(autouse=True, scope="module")
def _bounded() -> Iterator[None]:
    with bounded_memory(MEMORY):
        yield


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


@examples(200)
@given(st.binary(max_size=300))
def test_any_bytes(data: bytes) -> None:
    check(data)


@examples(300)
@given(st.sampled_from(MAGIC), st.binary(max_size=300))
def test_any_bytes_behind_a_known_signature(magic: bytes, data: bytes) -> None:
    check(magic + data)


@examples(900)
@given(damaged(st.sampled_from(FILES)))
def test_damaged_files(data: bytes) -> None:
    check(data)


def test_the_strategy_covers_every_format() -> None:
    found = set()
    for data in FILES:
        try:
            found.add(probe(data).format)
        except ImageError:
            continue
    assert found == {"JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP", "AVIF", "PPM"}
