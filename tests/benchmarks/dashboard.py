"""The dashboard as a browser sees it: first page, query by click, upload, and 20 sessions at once.

A click counts until the pictures in view are there and a frame has been drawn. ``server_cpu_ms`` is the CPU time of the
server per answer, thumbnails included. It starts in a home without downloads: the first page includes the model's.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import mlflow
import numpy as np
import psutil
import pyarrow as pa

import imgsim
from imgsim.features.embeddings import Embeddings
from imgsim.insights.compute import compute
from imgsim.mlflow import registry
from imgsim.mlflow.connection import create_database
from imgsim.model import SimilarityModel
from imgsim.neighbors.graph import NeighborGraph
from imgsim.references.references import References
from tests.benchmarks import prepared
from tests.benchmarks.child import clean_environment
from tests.benchmarks.measure import percentiles_ms
from tests.benchmarks.settings import Row, Settings
from tests.dashboard_browser import ANSWER, chromium, dashboard, missing

MANY = 100_000
CLICKS, UPLOADS, SESSIONS, ROUNDS = 60, 15, 20, 10
CEILINGS = {
    "by a click": {"ceiling_first_page_s": 5.0, "ceiling_p50_ms": 300.0, "ceiling_server_cpu_ms": 30.0},
    "by an upload": {"ceiling_p50_ms": 1000.0},
}
SECONDS = 120
WATCH = """(list) => {  // window.painted: milliseconds until the grid shows another answer
    const shown = () => [...list.querySelectorAll("img")];
    const inView = (image) => image.getBoundingClientRect().top < innerHeight;
    const text = () => shown().map((image) => image.src).join();
    const before = text(), start = performance.now();
    window.painted = new Promise((done) => {
        const look = () => {
            const there = text() !== before && shown().filter(inView).every((image) => image.complete);
            requestAnimationFrame(there ? () => done(performance.now() - start) : look);
        };
        look();
    });
}"""


def measure(settings: Settings) -> list[Row]:
    """Rows for the collection, and for its rows repeated to 100,000.

    Raises
    ------
    RuntimeError
        There is no browser.
    """
    if missing():
        raise RuntimeError(missing())
    model = imgsim.load_model(prepared.model_folder(settings))
    photos = prepared.new_pictures(settings, UPLOADS)
    compute(model.references)
    rows = []
    with chromium() as browser:
        for what, shown in (("the collection", model), ("repeated, with noise", repeated(model, MANY))):
            home = settings.work / f"dashboard-{len(shown)}"
            register(shown, home)
            with dashboard(home, clean_environment(home)) as address:
                rows += _rows(what, len(shown), browser, address, photos)
    return [row | (CEILINGS.get(str(row["asked"]), {}) if settings.reference else {}) for row in rows]


def repeated(model: SimilarityModel, least: int) -> SimilarityModel:
    """A model of at least so many images: rows of this one again and again, their vectors with noise."""
    n, copies = len(model), -(-least // len(model))
    table = pa.concat_tables([model.images.table] * copies)
    table = table.set_column(table.schema.get_field_index("id"), "id", pa.array(np.arange(n * copies)))
    vectors = np.tile(model.embeddings, (copies, 1))
    vectors += np.random.default_rng(0).normal(0, 0.02, vectors.shape).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    offsets = np.repeat(np.arange(copies, dtype=np.int32) * n, n)[:, None]
    graph = NeighborGraph(
        np.tile(model.graph.neighbors, (copies, 1)) + offsets, np.tile(model.graph.distances, (copies, 1)), "exact"
    )
    small = dict(zip(model.images.sha256, model.thumbnails(range(n)), strict=True))
    references = References(
        imgsim.ImageTable(table),
        Embeddings(vectors, model.projection),
        graph,
        np.arange(n * copies),
        model.backbone,
        onnx=model.references.onnx,
        thumbnails=lambda keys: [small[key] for key in keys],
    )
    return SimilarityModel(references)


def register(model: SimilarityModel, home: Path) -> None:
    """Make it the only version of a registry in ``home``."""
    home.mkdir()
    uri = f"sqlite:///{home / 'mlflow.db'}"
    create_database(uri)
    client = mlflow.MlflowClient(uri)
    run = client.create_run(client.create_experiment("imgsim", artifact_location=(home / "artifacts").as_uri()))
    registry.register(model, collection="bench", run_id=run.info.run_id, tracking_uri=uri)
    client.set_terminated(run.info.run_id)


def _rows(what: str, images: int, browser: Any, address: str, photos: Sequence[Path]) -> list[Row]:
    server = listener(address)
    start = time.perf_counter()
    page = _page(browser, address)
    first = time.perf_counter() - start
    about: Row = {"what": what, "images": images, "sessions": 1}
    _answers(server, [page], 5, _click)
    clicked = about | {"asked": "by a click", "first_page_s": first} | _answers(server, [page], CLICKS, _click)
    page.locator("input[type=file]").wait_for(state="attached")
    paths = iter(photos)

    def upload(page: Any, turn: int) -> None:
        page.locator("input[type=file]").set_input_files(next(paths))

    uploaded = about | {"asked": "by an upload"} | _answers(server, [page], len(photos), upload)
    page.context.close()
    pages = [_page(browser, address) for _ in range(SESSIONS)]
    _answers(server, pages, 2, _click)
    before = server.memory_info().rss / 1e6
    many = about | {"sessions": SESSIONS, "asked": "all at once"} | _answers(server, pages, ROUNDS, _click)
    many |= {"memory_mb": before, "memory_after_mb": server.memory_info().rss / 1e6}
    for page in pages:
        page.context.close()
    return [clicked, uploaded, many]


def _page(browser: Any, address: str) -> Any:
    """A new session at its first answer."""
    page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    page.set_default_timeout(SECONDS * 1000)
    page.goto(f"{address}/search")
    page.locator(f"{ANSWER} img").first.wait_for()
    return page


def _click(page: Any, turn: int) -> None:
    page.locator(f"{ANSWER} .main").nth(1 + turn % 5).evaluate("(button) => button.click()")


def _answers(server: psutil.Process, pages: Sequence[Any], turns: int, ask: Callable[[Any, int], None]) -> Row:
    """Ask so many times in all pages at once."""
    painted = []
    cpu = sum(server.cpu_times()[:2])
    for turn in range(turns):
        for page in pages:
            page.locator(ANSWER).evaluate(WATCH)
        for page in pages:
            ask(page, turn)
        painted += [page.evaluate("window.painted") / 1000 for page in pages]
        for page in pages:
            page.locator('.stApp[data-test-script-state="notRunning"]').wait_for()
    cpu = sum(server.cpu_times()[:2]) - cpu
    return {**percentiles_ms(painted), "server_cpu_ms": 1000 * cpu / len(painted)}


def listener(address: str) -> psutil.Process:
    """The process that listens there, one of this process's children."""
    port = urlsplit(address).port
    for process in psutil.Process().children(recursive=True):
        if any(c.status == "LISTEN" and c.laddr.port == port for c in process.net_connections("tcp")):
            return process
    raise RuntimeError(f"nothing listens at {address}")
