"""Latency of a query in a warm process: one stored image, ten of them, one new file."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

import imgsim
from tests.benchmarks import prepared
from tests.benchmarks.measure import percentiles_ms
from tests.benchmarks.settings import Row, Settings

K = 10
STORED, TENS, NEW = 1000, 300, 200
FLOOR_STORED_MS = 2.0


def measure(settings: Settings) -> list[Row]:
    """Rows with p50 and p99 in milliseconds."""
    folder = prepared.model_folder(settings)
    files = prepared.new_pictures(settings, NEW)
    model = imgsim.load_model(folder)
    rng = np.random.default_rng(0)
    one = [int(i) for i in rng.choice(model.ids, STORED)]
    ten = [[int(i) for i in rng.choice(model.ids, 10)] for _ in range(TENS)]

    def ask(x: Any) -> object:
        return model.query(x, k=K)

    rows = [
        _row("one stored image", one, ask) | {"floor_p50_ms": FLOOR_STORED_MS},
        _row("ten stored images", ten, ask),
        _row("one new file: read, decode, network, search", files, ask),
    ]
    return [{**row, "references": len(model)} for row in rows]


def _row(what: str, queries: Iterable[Any], ask: Callable[[Any], object]) -> Row:
    asked = list(queries)
    for x in asked[:3]:
        ask(x)
    seconds = []
    cpu = time.process_time()
    for x in asked:
        start = time.perf_counter()
        ask(x)
        seconds.append(time.perf_counter() - start)
    cpu = time.process_time() - cpu
    return {"what": what, "queries": len(asked), **percentiles_ms(seconds), "cpu_ms": 1000 * cpu / len(asked)}
