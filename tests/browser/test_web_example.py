"""``examples/web`` in a real Chromium: the golden images agree, and an upload is answered as Python answers it.

ONNX Runtime Web is taken from the folder ``dist`` of its npm package, which ``IMGSIM_ORT_WEB`` names.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from PIL import Image

import imgsim
from imgsim.site.network import RUNTIME
from tests.static_server import served

ROOT = Path(imgsim.__file__).parents[1]
EXAMPLE, SHARED = Path("examples/web"), Path("imgsim/site/assets/search.js")
SECONDS = 120

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def site(tiny_model: imgsim.SimilarityModel, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of the example with the tiny model, as its README says, and a model of another kind."""
    runtime = os.environ.get("IMGSIM_ORT_WEB")
    if not runtime:
        pytest.skip("IMGSIM_ORT_WEB names no folder with ONNX Runtime Web")
    root = tmp_path_factory.mktemp("web")
    folder = root / EXAMPLE
    shutil.copytree(ROOT / EXAMPLE, folder)
    (root / SHARED).parent.mkdir(parents=True)
    shutil.copy(ROOT / SHARED, root / SHARED)
    (folder / "ort").mkdir()
    for name in RUNTIME:
        shutil.copy(Path(runtime) / name, folder / "ort")
    tiny_model.export_onnx(folder / "model.onnx", ids="path")
    tiny_model.export_onnx(folder / "Small.onnx", ids="path", outputs="topk", compress="int8")
    with served(root) as address:
        yield f"{address}/{EXAMPLE.as_posix()}"


@pytest.fixture
def visit(chromium: Any, site: str) -> Iterator[Callable[[str], Any]]:
    """``visit("?model=Small.onnx")``: the page once the model is ready; no error, no other host."""
    context, problems = chromium.new_context(), []
    context.set_default_timeout(SECONDS * 1000)

    def watched(page: Any) -> None:
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("request", lambda request: problems.extend([request.url] if foreign(request.url) else []))

    def foreign(url: str) -> bool:
        parts = urlsplit(url)
        return parts.scheme not in ("data", "blob") and parts.hostname != "127.0.0.1"

    context.on("page", watched)

    def open_page(query: str = "") -> Any:
        page = context.new_page()
        page.goto(f"{site}/{query}")
        page.wait_for_function("!/^Loading/.test(document.querySelector('#status').textContent)")
        return page

    yield open_page
    context.close()
    assert not problems


@pytest.mark.parametrize(("query", "error"), [("", 1e-3), ("?model=Small.onnx", 0.05)])
def test_the_golden_images_agree_and_an_upload_is_answered(
    query: str, error: float, visit: Callable[[str], Any], tiny_model: imgsim.SimilarityModel, tmp_path: Path
) -> None:
    page = visit(query)
    status = page.inner_text("#status")
    found = re.fullmatch(r"Ready\. 3 test images: (\d+) % of the ids are Python's, distances within (\S+)\.", status)
    assert found, status
    assert int(found[1]) >= (100 if not query else 90)
    assert float(found[2]) <= error
    picture = Image.open(tiny_model.images.locations[17]).rotate(20).resize((211, 157))
    picture.save(tmp_path / "<b>new.png")
    page.set_input_files("#picture", tmp_path / "<b>new.png")
    page.wait_for_selector("#answer tr")
    rows = [line.split("\t") for line in page.inner_text("#answer").splitlines()]
    expected = tiny_model.query(picture, k=5)
    assert [row[0] for row in rows] == [tiny_model.images.paths[row] for row in expected["reference_label"]]
    assert [row[1] for row in rows] == [tiny_model.images.labels[row] for row in expected["reference_label"]]
    assert [float(row[2]) for row in rows] == pytest.approx(expected["distance"].tolist(), abs=error)
    assert page.inner_text("#caption") == "Nearest to <b>new.png"


def test_a_model_that_is_missing_is_named(visit: Callable[[str], Any]) -> None:
    assert "nothing.onnx.references.json: 404" in visit("?model=nothing.onnx").inner_text("#status")
