"""JPEG markers, and EXIF blocks of every quality."""

import struct

import pytest

from imgsim.decoding.jpeg import exif_orientation, parse_jpeg

START, END, SCAN = b"\xff\xd8", b"\xff\xd9", b"\xff\xda\x00\x02"


def segment(marker: int, body: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body


def frame(marker: int = 0xC0, precision: int = 8, height: int = 20, width: int = 30, components: int = 3) -> bytes:
    return segment(marker, struct.pack(">BHHB", precision, height, width, components) + bytes(3 * components))


def exif(value: int, order: str = ">", kind: int = 3) -> bytes:
    mark = b"MM\0*" if order == ">" else b"II*\0"
    return mark + struct.pack(order + "IHHHIHH", 8, 1, 0x0112, kind, 1, value, 0)


def test_fields() -> None:
    header = parse_jpeg(START + segment(0xE1, b"Exif\0\0" + exif(6)) + frame() + SCAN)
    assert (header.width, header.height, header.components, header.orientation) == (30, 20, 3, 6)
    assert header.is_plain
    assert header.icc is None


@pytest.mark.parametrize("options", [{"precision": 12}, {"components": 2}, {"marker": 0xC9}, {"marker": 0xC3}])
def test_what_libjpeg_turbo_is_not_asked(options: dict[str, int]) -> None:
    assert not parse_jpeg(START + frame(**options) + SCAN).is_plain


def test_fill_bytes_and_garbage_between_markers() -> None:
    assert parse_jpeg(START + b"\xff\xff" + frame() + b"\0\1\xff\x00\xff\xd0" + SCAN).width == 30


def test_profile_in_pieces() -> None:
    def piece(number: int, body: bytes) -> bytes:
        return segment(0xE2, b"ICC_PROFILE\0" + bytes([number, 2]) + body)

    assert parse_jpeg(START + piece(2, b"world") + piece(1, b"hello ") + frame() + SCAN).icc == b"hello world"
    assert parse_jpeg(START + piece(2, b"world") + frame() + SCAN).icc is None


@pytest.mark.parametrize(
    "data",
    [
        START,
        START + END,
        START + frame()[:-4],
        START + frame(),
        START + segment(0xC0, b"\x08\0"),
        START + frame(height=0) + SCAN,
        START + b"\xff\xe0\x00\x01" + frame() + SCAN,
    ],
)
def test_broken_headers(data: bytes) -> None:
    with pytest.raises(ValueError, match="JPEG"):
        parse_jpeg(data)


@pytest.mark.parametrize("order", ["<", ">"])
def test_orientation_in_both_byte_orders(order: str) -> None:
    for value in range(1, 9):
        assert exif_orientation(exif(value, order)) == value
        assert exif_orientation(b"Exif\0\0" + exif(value, order)) == value


def test_orientation_in_other_integers() -> None:
    for value in range(1, 9):
        assert exif_orientation(exif(value, "<", kind=4)) == value
        assert exif_orientation(exif(value, "<", kind=1)) == value


@pytest.mark.parametrize("data", [b"", b"MM", exif(6)[:18], exif(0), exif(9), exif(6, kind=4), b"XX" + exif(6)[2:]])
def test_orientation_of_a_broken_block(data: bytes) -> None:
    assert exif_orientation(data) == 1
