"""``imgsim site`` in a real Chromium behind a static server: no other host is asked, names stay text.

ONNX Runtime Web is taken from the folder ``dist`` of its npm package, which ``IMGSIM_ORT_WEB`` names.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from PIL import Image

import imgsim
from imgsim.insights.compute import compute
from imgsim.site import write_site
from tests.static_server import served

pytestmark = pytest.mark.slow

AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
ODD = "<img src=x onerror=alert(1)>.png"


@pytest.fixture(scope="module")
def model(tiny_images: Any, tmp_path_factory: pytest.TempPathFactory) -> imgsim.SimilarityModel:
    """Images of four labels, two copies, and a name that is markup."""
    folder = tmp_path_factory.mktemp("site") / "photos"
    for path in sorted(tiny_images.rglob("*.jpg"))[:30]:
        target = folder / path.relative_to(tiny_images)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
    first = next(folder.rglob("*.jpg"))
    first.with_name("copy.jpg").write_bytes(first.read_bytes())
    Image.new("RGB", (64, 48), "teal").save(first.with_name(ODD))
    store = imgsim.FeatureStore(tmp_path_factory.mktemp("store"))
    found = imgsim.create(imgsim.load_images(folder), store=store, k=8, backbone="mini", progress=False)
    compute(found.references, store=store)
    return found


@pytest.fixture(scope="module")
def address(model: imgsim.SimilarityModel, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served(write_site(model.references, tmp_path_factory.mktemp("written") / "site", "Holiday <b>")) as found:
        yield found


@contextmanager
def watched(chromium: Any, address: str) -> Iterator[Callable[[str], Any]]:
    """A function that opens a page of the site: no error, no dialog, no other host, and nothing is sent."""
    context, problems = chromium.new_context(), []
    context.set_default_timeout(120_000)

    def asked(request: Any) -> None:
        parts = urlsplit(request.url)
        foreign = parts.scheme not in ("data", "blob") and parts.hostname != "127.0.0.1"
        if foreign or request.method != "GET":
            problems.append(f"{request.method} {request.url}")

    def open_page(place: str = "") -> Any:
        page = context.new_page()
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
        page.on("dialog", lambda dialog: (problems.append(dialog.message), dialog.dismiss()))
        page.on("request", asked)
        page.goto(f"{address}/{place}")
        page.locator("main h1").wait_for()
        return page

    yield open_page
    context.close()
    assert not problems


@pytest.fixture
def visit(chromium: Any, address: str) -> Iterator[Callable[[str], Any]]:
    """``visit("#/map")``: a page, watched."""
    with watched(chromium, address) as open_page:
        yield open_page


@pytest.fixture(scope="module")
def with_network(model: imgsim.SimilarityModel, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    runtime = os.environ.get("IMGSIM_ORT_WEB")
    if not runtime:
        pytest.skip("IMGSIM_ORT_WEB names no folder with ONNX Runtime Web")
    folder = tmp_path_factory.mktemp("written") / "site"
    with served(write_site(model.references, folder, "Holiday", with_network=runtime)) as found:
        yield found


def paths(page: Any) -> list[str]:
    return page.locator(".path").all_text_contents()


def test_browse_then_neighbours_then_back(visit: Any, model: imgsim.SimilarityModel) -> None:
    page = visit()
    assert page.title() == page.locator("header .title").text_content() == "Holiday <b>"
    assert paths(page) == list(model.images.paths)
    page.locator(".frame img").first.wait_for()
    page.locator(".tiles a").nth(3).click()
    page.get_by_role("heading", name=model.images.paths[3]).wait_for()
    assert paths(page) == [model.images.paths[row] for row in model.graph.neighbors[3]]
    assert page.locator(".note").last.text_content() == f"{model.graph.distances[3, -1]:.3f}"
    page.go_back()
    page.get_by_role("heading", name="32 images").wait_for()


def test_a_name_that_is_markup_is_text(visit: Any) -> None:
    page = visit("#/?q=onerror")
    assert paths(page)[0].endswith(ODD)
    assert page.locator("main img[src='x']").count() == 0


def test_search_by_path_and_by_label(visit: Any, model: imgsim.SimilarityModel) -> None:
    label = model.images.labels[-1]
    expected = [path for path, mine in zip(model.images.paths, model.images.labels, strict=True) if mine == label]
    page = visit()
    page.get_by_role("searchbox").fill("COPY.jpg")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name=re.compile("^1 image with “COPY.jpg”")).wait_for()
    page.locator("header .title").click()
    page.get_by_role("combobox", name="Label").select_option(label)
    page.get_by_role("heading", name=re.compile(f"^{len(expected)} images$")).wait_for()
    assert paths(page) == expected


def test_duplicates_show_which_to_keep(visit: Any, model: imgsim.SimilarityModel) -> None:
    groups = model.insights["duplicates"].tables["groups"]
    page = visit("#/duplicates")
    assert page.locator(".group").count() == len(groups[["tier", "group"]].drop_duplicates())
    assert page.locator(".group").first.locator("h2").text_content() == "2 files: identical files"
    assert page.locator(".group .keep").count() == int(groups["keep"].sum())


def test_a_click_on_the_map_shows_the_images_there(visit: Any, model: imgsim.SimilarityModel) -> None:
    table = model.insights["map"].tables["map"].sort_values("row")
    places = table[["x", "y"]].to_numpy()
    low, span = places.min(0), (places.max(0) - places.min(0)).max()
    page = visit("#/map")
    box = page.locator("canvas").bounding_box()
    at = [(20 + 920 * float(value)) * box["width"] / 960 for value in (places[5] - low) / span]
    page.locator("canvas").click(position={"x": at[0], "y": at[1]})
    page.locator(".tiles .path").first.wait_for()
    assert paths(page)[0] == model.images.paths[5]


def test_an_upload_is_answered_with_the_network_off(
    chromium: Any, with_network: str, model: imgsim.SimilarityModel, tmp_path: Path
) -> None:
    """Once the page is ready it needs no server, so that no byte of the picture can leave it."""
    picture = Image.open(model.images.locations[17]).rotate(20).resize((211, 157))
    picture.save(tmp_path / "<b>new.png")
    expected = model.query(picture, k=8)
    with watched(chromium, with_network) as visit:
        page = visit()
        page.locator(".frame img").first.wait_for()
        page.get_by_role("link", name="Your picture").click()
        page.get_by_text("3 test images checked").wait_for()
        page.context.set_offline(True)
        page.set_input_files("main input", tmp_path / "<b>new.png")
        page.get_by_role("heading", name="<b>new.png").wait_for()
        assert paths(page) == [model.images.paths[row] for row in expected["reference_label"]]
        notes = page.locator(".note:last-child").all_text_contents()
        assert [float(note) for note in notes] == pytest.approx(expected["distance"].tolist(), abs=2e-3)
        if AXE.exists():
            page.evaluate(AXE.read_text("utf-8"))
            assert [rule["id"] for rule in page.evaluate("axe.run(document)")["violations"]] == []
        page.locator(".tiles a").first.click()
        page.get_by_role("heading", name="Nearest images").wait_for()
        page.go_back()
        page.get_by_role("heading", name="<b>new.png").wait_for()
        (tmp_path / "bad.png").write_bytes(b"no picture")
        page.set_input_files("main input", tmp_path / "bad.png")
        page.get_by_text("It does not work").wait_for()


def test_without_a_network_there_is_no_upload(visit: Any) -> None:
    assert visit().get_by_role("link", name="Your picture").count() == 0


@pytest.mark.skipif(not AXE.exists(), reason="no axe-core: npm ci")
def test_axe_finds_nothing(visit: Any) -> None:
    """Accessibility of each page, in both themes."""
    for place in ("", "#/image/0", "#/map", "#/duplicates", "#/label_errors"):
        page = visit(place)
        page.evaluate(AXE.read_text("utf-8"))
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            found = page.evaluate("axe.run(document)")
            assert [(rule["id"], rule["nodes"][0]["html"]) for rule in found["violations"]] == []
