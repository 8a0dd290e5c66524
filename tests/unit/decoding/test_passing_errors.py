"""What the machine lacks is no property of a file: stage "read", of which no verdict is kept."""

import errno

import pytest

from imgsim.decoding import formats
from imgsim.decoding.decode import decode, probe
from imgsim.errors import ImageError
from tests.zoo.making import encode, jpeg, picture


def fail(error: Exception):
    def call(*_, **__):
        raise error

    return call


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        OSError(errno.EMFILE, "Too many open files"),
        OSError(errno.ENOMEM, "Cannot allocate memory"),
        OSError("out of memory error when reading image file"),
    ],
)
@pytest.mark.parametrize("kind", ["PNG", "TIFF", "GIF"])
def test_of_a_decoder(kind: str, error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    data = encode(picture(), kind)
    monkeypatch.setattr(formats, "_reader", lambda _: fail(error))
    for read in (probe, decode):
        with pytest.raises(ImageError) as caught:
            read(data)
        assert caught.value.stage == "read"
        assert "too little" in caught.value.reason
        assert "damaged" not in caught.value.reason


def test_of_libjpeg(monkeypatch: pytest.MonkeyPatch) -> None:
    import simplejpeg

    monkeypatch.setattr(simplejpeg, "decode_jpeg", fail(MemoryError()))
    with pytest.raises(ImageError, match="too little memory to decode this JPEG") as caught:
        decode(jpeg())
    assert caught.value.stage == "read"


def test_an_optional_package_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formats, "_reader", fail(ImportError("pillow_heif")))
    with pytest.raises(ImageError, match="optional package") as caught:
        decode(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(64))
    assert caught.value.stage == "read"
