"""What decides the pixels is in the version."""

from importlib import metadata

import pytest

from imgsim.decoding import version
from imgsim.decoding.formats import FORMATS
from imgsim.decoding.version import decoding_version


def test_every_format_names_its_rules_and_libraries() -> None:
    assert set(version.RULES) == set(FORMATS)
    for kind in FORMATS:
        text = decoding_version(kind)
        assert text.startswith(f"{kind} {version.RULES[kind]}, pillow {metadata.version('pillow')}")
        assert text in decoding_version()
    assert f"simplejpeg {metadata.version('simplejpeg')}" in decoding_version("JPEG")
    assert "libtiff" in decoding_version("TIFF")


def test_new_rules_of_one_format_change_its_version_only(monkeypatch: pytest.MonkeyPatch) -> None:
    before = {kind: decoding_version(kind) for kind in FORMATS}
    decoding_version.cache_clear()
    monkeypatch.setitem(version.RULES, "TIFF", version.RULES["TIFF"] + 1)
    assert [kind for kind in FORMATS if decoding_version(kind) != before[kind]] == ["TIFF"]
    decoding_version.cache_clear()


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(version._DISTRIBUTIONS, "HEIF", "a-distribution-that-is-not-installed")
    decoding_version.cache_clear()
    assert "none" in decoding_version("HEIF")
    decoding_version.cache_clear()
