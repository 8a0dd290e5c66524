"""Many small pictures: scan, features, create, save and register; with 1 % more, by update and anew; nothing new.

Each of the four is a fresh process, which prints the figures of each step on stderr as it goes. Pictures are crops of
the photos given, saved as JPEG.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import mlflow
import numpy as np
from PIL import Image

import imgsim
from imgsim.decoding.decode import decode
from imgsim.features.extract import extract_features
from imgsim.images.table import ImageTable
from imgsim.mlflow import registry
from imgsim.mlflow.connection import create_database
from tests.benchmarks import prepared
from tests.benchmarks.measure import peak_memory_mb, run_python, timed
from tests.benchmarks.settings import Row, Settings
from tests.memory import forget_peak

SIDE = 96
MORE = 0.01
Value = TypeVar("Value")


def measure(settings: Settings) -> list[Row]:
    """Rows of each step of the three runs, with the most memory that the process held during it."""
    photos, pictures = imgsim.load_images(settings.images), settings.work / "scale"
    more = max(1, int(settings.number * MORE))
    crops(photos, pictures, settings.number)
    prepared.onnx_file(prepared.network(settings))  # exported by another process: torch is no part of a run
    rows = _run("first", settings, pictures)
    crops(photos, pictures, more, settings.number)
    for what, how in (
        (f"{MORE:.0%} more, updated", "update"),
        (f"{MORE:.0%} more", "create"),
        ("nothing new", "create"),
    ):
        rows += _run(what, settings, pictures, how)
    return rows


def crops(photos: ImageTable, folder: Path, count: int, first: int = 0) -> None:
    """Write ``count`` crops of 96 x 96 of photos as JPEG, numbered from ``first``, one folder per label."""
    rng = np.random.default_rng(first)
    for places in np.array_split(np.arange(first, first + count), min(count, len(photos))):
        row = int(places[0] * 7919 % len(photos))
        pixels = decode(photos.read_bytes(row))
        target = folder / (photos.labels[row] or "none")
        target.mkdir(parents=True, exist_ok=True)
        height, width = (max(1, side - SIDE) for side in pixels.shape[:2])
        for place in places.tolist():
            top, left = rng.integers(height), rng.integers(width)
            crop = np.ascontiguousarray(pixels[top : top + SIDE, left : left + SIDE])
            Image.fromarray(crop).save(target / f"{place:07d}.jpg", quality=85)


def _run(what: str, settings: Settings, pictures: Path, how: str = "create") -> list[Row]:
    command = ["-m", "tests.benchmarks.scale", str(settings.work / "settings.json"), str(pictures), how]
    rows: list[Row] = json.loads(run_python(command, os.environ, log=True).output.splitlines()[-1])
    return [row | {"what": f"{what}: {row['what']}"} for row in rows]


def run(notes: Path, pictures: Path, how: str) -> list[Row]:
    """In the fresh process: all steps, and the peak of each in MB."""
    settings, rows = Settings.load(notes), list[Row]()

    def step(what: str, call: Callable[[], Value]) -> Value:
        forget_peak()
        value, cost = timed(call)
        rows.append({"what": what, "wall_s": cost.wall, "cpu_s": cost.cpu, "peak_mb": peak_memory_mb()})
        print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
        return value

    network, saved = prepared.network(settings), settings.work / "scale.imgsim"
    images = step("scan", lambda: imgsim.load_images(pictures))
    if how == "update":
        model = step("open", lambda: imgsim.load_model(saved))
        step("update, with features", lambda: model.update(images))
    else:
        step("features", lambda: extract_features(images, network, device="cpu").stats)
        model = step("create, features stored", lambda: imgsim.create(images, backbone=network, progress=False))
    step("save", lambda: model.save(saved, overwrite=True))
    step("register", lambda: _register(model, settings.work / "registry"))
    rows.append({"what": "all", "images": len(model), "peak_mb": max(float(row["peak_mb"]) for row in rows)})
    return rows


def _register(model: imgsim.SimilarityModel, folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    uri = f"sqlite:///{folder / 'mlflow.db'}"
    create_database(uri)
    client = mlflow.MlflowClient(uri)
    found = client.get_experiment_by_name("scale")
    place = (folder / "artifacts").as_uri()
    experiment = found.experiment_id if found else client.create_experiment("scale", artifact_location=place)
    run_id = client.create_run(experiment).info.run_id
    registry.register(model, collection="scale", run_id=run_id, tracking_uri=uri)


if __name__ == "__main__":
    print(json.dumps(run(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])))
