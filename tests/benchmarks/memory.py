"""Peak memory of extraction as the collection grows: a quarter of the images, then all, each in a fresh process."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import numpy as np

import imgsim
from imgsim.features.extract import extract_features
from tests.benchmarks import prepared
from tests.benchmarks.measure import peak_memory_mb, run_python
from tests.benchmarks.settings import Row, Settings


def measure(settings: Settings) -> list[Row]:
    """Peak MB of both, and the slope between them (vectors alone: 4 bytes x dimensions)."""
    images = imgsim.load_images(settings.images)
    onnx = prepared.onnx_file(prepared.network(settings))
    quarter = np.sort(np.random.default_rng(0).permutation(len(images))[: max(1, len(images) // 4)])
    locations, rows = images.locations, list[Row]()
    for what, rows_of_part in (("a quarter", quarter), ("all", np.arange(len(images)))):
        name = what.split()[-1]
        part = settings.work / f"memory-{name}-files.json"
        part.write_text(json.dumps([locations[int(i)] for i in rows_of_part]))
        store = settings.work / f"memory-{name}"
        command = ["-m", "tests.benchmarks.memory", str(settings.work / "settings.json"), str(part), str(store)]
        done = run_python([*command, str(onnx)], os.environ)
        peak, dim = done.output.split()[-2:]
        rows.append({"what": what, "images": len(rows_of_part), "peak_mb": float(peak), "dimensions": int(dim)})
    return [*rows, _slope(rows[0], rows[1])]


def _slope(few: Row, many: Row) -> Row:
    grown = float(many["peak_mb"]) - float(few["peak_mb"])
    added = int(many["images"]) - int(few["images"])
    return {
        "what": "growth",
        "images": added,
        "mb_per_1000_images": 1000 * grown / added if added else 0.0,
        "vectors_mb_per_1000_images": 4000 * int(many["dimensions"]) / 1e6,
    }


def extract(notes: Path, part: Path, store: Path, onnx: Path) -> None:
    """In the fresh process: load the listed files, extract into an empty store, print peak MB and dimensions."""
    settings = Settings.load(notes)
    images = imgsim.load_images(json.loads(part.read_text()))
    found = extract_features(images, prepared.network(settings), imgsim.FeatureStore(store), device="cpu", onnx=onnx)
    print(f"{peak_memory_mb():.1f} {found.backbone.dim}")


if __name__ == "__main__":
    extract(*(Path(argument) for argument in sys.argv[1:]))
