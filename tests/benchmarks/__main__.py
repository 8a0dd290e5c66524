"""``python -m tests.benchmarks``: run the benchmarks, print a table each, write one JSON file."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.benchmarks import environment, report
from tests.benchmarks.child import run_in_child
from tests.benchmarks.settings import Row, Settings

TITLES = {
    "stages": "Stages, one core",
    "precision": "fp32 and bf16, one core",
    "graph": "Neighbour graph, k = 10, one core",
    "partitioned": "Partitioned graph, k = 10, one core",
    "query": "Query latency, one core",
    "large": "A large model, one core",
    "cold": "Cold start, one core",
    "memory": "Peak memory of extraction, one core",
    "scale": "Many small pictures: create, save, register; then 1 % more; then nothing new, one core",
    "quality": "Quality, leave one out",
    "refined": "Refined neighbours, k = 10, one core",
    "projection": "The projection, whitened by mutual neighbours and half-whitened, precision@10, one core",
    "learning": "What labels teach, precision@10 of images that were held out, one core",
    "stability": "Neighbours that stay where images are added, k = 10, one core",
    "duplicates": "Planted copies found",
    "faults": "Planted faults found",
    "label_errors": "Planted wrong labels found",
    "loop": "Five rounds of 50 answers of a simulated reviewer, 5 % wrong labels: precision@10 of new pictures",
    "insights": "Insights: cost, outliers, hubness, clusters",
    "map": "The 2-D map, one core",
    "coreml": "Core ML export, one core",
    "dashboard": "The dashboard in Chromium, all cores",
    "load": "Under load, all cores",
    "rerun": "The whole pipeline, all cores",
    "sample": "The packaged sample, rendered again, one core",
}
"""In this order: ``stages`` must find the store empty, and fills it for the others."""


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--images", type=Path, help="folder of images; default: the packaged sample")
    parser.add_argument("--backbone", default="mini", help="network to measure; default: mini")
    parser.add_argument("--weights", help="its state dict, or 'random'")
    parser.add_argument("--only", nargs="+", choices=TITLES, metavar="NAME", help=f"some of: {', '.join(TITLES)}")
    parser.add_argument("--seconds", type=float, default=120.0, help="how long each load lasts; default: 120")
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 10, 50], help="of each load; default: 1 10 50")
    parser.add_argument("--images-number", type=int, default=20_000, help="pictures of scale; default: 20000")
    parser.add_argument("--output", type=Path, default=Path(__file__).with_name("results.json"), help="JSON file")
    options = parser.parse_args(argv)
    if options.images is not None and not options.images.is_dir():
        parser.error(f"{options.images} is not a folder")
    return options


def sample() -> Path:
    """The packaged sample in the user's home, unpacked on first use."""
    import imgsim

    return imgsim.unpack_sample()


def run(settings: Settings, names: Sequence[str]) -> tuple[dict[str, list[Row]], dict[str, str]]:
    """Rows by benchmark, and why some failed."""
    results: dict[str, list[Row]] = {}
    failures: dict[str, str] = {}
    for name in names:
        try:
            results[name] = run_in_child(name, settings)
        except RuntimeError as error:
            failures[name] = str(error)
            print(f"{name} failed: {error}", file=sys.stderr)
            continue
        report.show(TITLES[name], results[name])
    return results, failures


def main(argv: Sequence[str] | None = None) -> int:
    """Run; 0, or 1 when a benchmark failed."""
    options = arguments(argv)
    images = (options.images or sample()).resolve()
    weights = options.weights
    if weights and weights != "random":
        weights = str(Path(weights).resolve())
    names = [name for name in TITLES if not options.only or name in options.only]
    with tempfile.TemporaryDirectory(prefix="imgsim-bench-") as work:
        clients, number = tuple(options.clients), options.images_number
        settings = Settings(images, options.backbone, weights, Path(work), options.seconds, clients, number)
        results, failures = run(settings, names)
    about = {"images": images.name, "backbone": options.backbone, "weights": Path(weights).name if weights else None}
    content = {"environment": environment.describe(), "settings": about, "results": results, "failed": sorted(failures)}
    options.output.write_text(json.dumps(content, indent=1) + "\n")
    print(f"written to {options.output}")
    return 1 if failures else 0


if __name__ == "__main__":
    raise SystemExit(main())
