"""The page Phone app: a version with a Core ML package, and one without."""

from __future__ import annotations

import zipfile
from collections.abc import Callable

from streamlit.testing.v1 import AppTest

from dashboards.services.format import size_of
from dashboards.services.models.loaded_model import Loaded
from dashboards.views.phone_app import package

OpenPage = Callable[..., AppTest]


def loaded(test: AppTest) -> Loaded:
    assert not test.exception
    return test.session_state["open"].loaded


def test_the_package_with_its_figures_and_its_verification(open_page: OpenPage):
    test = open_page("phone_app", version="2")
    found = package.package(loaded(test))
    words = "\n".join(item.value for item in test.markdown)
    assert size_of(found.bytes).replace(".", "\\.") in words
    assert "**Passed.**" in test.success[0].value
    checks, ports = (item.value for item in test.dataframe)
    assert "FAILS" not in set(checks["result"])
    assert set(ports["Name"]) == {*found.inputs, *found.outputs}
    assert 'forResource: "tiny"' in test.code[0].value


def test_what_is_downloaded_is_the_package_with_the_swift_package(open_page: OpenPage):
    now = loaded(open_page("phone_app", version="2"))
    names = zipfile.ZipFile(package.archive(now, package.package(now))).namelist()
    assert any(name.startswith("tiny/tiny.mlpackage/") for name in names)
    assert {"tiny/export.json", "tiny/ImageSimilarity/Package.swift"} <= set(names)


def test_without_a_package_it_says_how_to_make_one(open_page: OpenPage):
    test = open_page("phone_app", version="1")
    loaded(test)
    assert "carries no Core ML package" in test.info[0].value.replace("\\", "")
    assert "imgsim export models:/imgsim-tiny/1" in test.code[0].value
    assert not test.dataframe


def test_the_onnx_file_is_offered_for_every_version(open_page: OpenPage):
    for version in ("1", "2"):
        test = open_page("phone_app", version=version)
        loaded(test)
        code = [item.value for item in test.code]
        assert f"imgsim export models:/imgsim-tiny/{version} tiny.onnx --ids path" in code
        assert any('InferenceSession.create("tiny.onnx")' in text for text in code)
