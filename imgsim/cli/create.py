"""``imgsim create``, ``backbones`` and ``evaluate``: images in, model out, and how good it is."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from imgsim.arguments import DEFAULT_BACKBONE, DEFAULT_DIMENSIONS, DEFAULT_K
from imgsim.cli.console import emit, note, percent, print_pairs, print_table, records, say
from imgsim.cli.load import AsJson, Labels, NoRecursive, Source, Strict, print_rejected, read_source
from imgsim.cli.output_files import TABLES, check_suffix, write_table

if TYPE_CHECKING:
    from imgsim.evaluation import Evaluation
    from imgsim.model import SimilarityModel

HINT = (
    "hint: --backbone mobilenet_v2 (14 MB, downloaded once) finds better neighbours than the packaged mini: "
    "on Caltech-101 its precision@10 is 0.864 instead of 0.743."
)
ModelAt = Annotated[str, typer.Argument(metavar="MODEL", help="Model folder, or models:/NAME@ALIAS from MLflow.")]


def create(
    source: Source,
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder to save the model in.")],
    backbone: Annotated[
        str, typer.Option(help="'mini' (packaged), another of `imgsim backbones`, or 'module:factory'.")
    ] = DEFAULT_BACKBONE,
    weights: Annotated[str | None, typer.Option(help="File with the backbone's weights.")] = None,
    projection: Annotated[str, typer.Option(help="Dimensions of the embedding, or 'none' for raw features.")] = str(
        DEFAULT_DIMENSIONS
    ),
    k: Annotated[int, typer.Option("-k", min=1, help="Neighbours per image in the graph.")] = DEFAULT_K,
    method: Annotated[
        str, typer.Option(help="How to build the graph: auto, exact, nn_descent or partitioned.")
    ] = "auto",
    batch_size: Annotated[int, typer.Option(min=1, help="Images per step on a GPU.")] = 64,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    ids: Annotated[
        str | None,
        typer.Option("--ids", "--label", help="Column with the unique ids of the images, such as 'path'."),
    ] = None,
    labels: Labels = "folder",
    no_recursive: NoRecursive = False,
    strict: Strict = False,
    seed: Annotated[int, typer.Option(help="Of the projection's sample, NN-Descent and partitions.")] = 0,
    workers: Annotated[
        str, typer.Option(help="What runs extraction and a partitioned graph: in_process, processes or ray.")
    ] = "in_process",
    address: Annotated[str | None, typer.Option(help="Ray cluster: auto or HOST:PORT.")] = None,
    worker_count: Annotated[int | None, typer.Option(min=1, help="Processes, or CPUs of a Ray started here.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a model that is there.")] = False,
    as_json: AsJson = False,
) -> None:
    """Build a model: features (kept by content, so nothing is computed twice), graph and evaluation."""
    from imgsim.creation import create as build
    from imgsim.errors import ArgumentError
    from imgsim.neighbors.graph import resolve_method
    from imgsim.references.folder import refuse_foreign
    from imgsim.workers import get_workers

    dims = _dimensions(projection)
    resolve_method(method, 0)
    pool = get_workers(workers, address, worker_count)
    refuse_foreign(output)
    if output.exists() and not overwrite:
        raise ArgumentError(f"{output} exists already; give --overwrite to replace it, or another path.")
    start = time.perf_counter()
    images = read_source(source, labels, no_recursive, strict)
    model = build(images, ids, backbone, weights, dims, k, method, batch_size, device, seed=seed, workers=pool)
    model.save(output, overwrite=overwrite)
    document = _describe(model, output, time.perf_counter() - start)
    if as_json:
        emit(document | {"rejected_files": records(model.rejected)})
    else:
        _print(document)
        print_rejected(model.rejected)
    if model.backbone.name == "mini" and weights is None:
        note(HINT)


def backbones(as_json: AsJson = False) -> None:
    """List the networks that --backbone takes: mini, then torchvision's."""
    from imgsim.backbones.get import list_backbones

    names = list_backbones()
    if as_json:
        emit({"backbones": names})
        return
    for name in names:
        say(name)


def _dimensions(projection: str) -> int | None:
    if projection.lower() == "none":
        return None
    if not projection.isdecimal() or int(projection) < 1:
        raise typer.BadParameter(f"{projection!r} is neither a number from 1 on nor 'none'.", param_hint="--projection")
    return int(projection)


def _describe(model: SimilarityModel, output: Path, seconds: float) -> dict[str, Any]:
    evaluation = model.evaluation
    return {
        "model": output,
        "images": len(model),
        "rejected": len(model.rejected),
        "backbone": model.backbone.to_dict(),
        "features": model.references.stats
        | {name: int(model.references.stats[name]) for name in ("computed", "reused")},
        "dimensions": int(model.embeddings.shape[1]),
        "graph": {"method": model.graph.method, "k": model.graph.k, "seconds": model.graph.seconds},
        "evaluation": {"k": evaluation.k, "metrics": evaluation.metrics} if evaluation else None,
        "seconds": seconds,
    }


def _print(document: dict[str, Any]) -> None:
    stats, graph, evaluation = document["features"], document["graph"], document["evaluation"]
    metrics = evaluation["metrics"] if evaluation else {}
    pace = f", {stats['images_per_second']:,.0f} images/s" if stats["computed"] else ""
    print_pairs(
        [
            ("images", f"{document['images']:,}"),
            ("rejected", f"{document['rejected']:,}"),
            ("backbone", f"{document['backbone']['name']} (weights: {document['backbone']['weights']})"),
            ("features", f"{stats['computed']:,} computed, {stats['reused']:,} reused{pace}"),
            ("embedding", f"{document['dimensions']} dimensions"),
            ("graph", f"{graph['k']} neighbours by {graph['method']}, {graph['seconds']:.2f} s"),
            *metric_pairs(metrics),
            ("saved", document["model"]),
            ("took", f"{document['seconds']:.1f} s"),
        ]
    )


def metric_pairs(metrics: dict[str, float]) -> Iterator[tuple[str, str]]:
    """Name metrics and format their values for people, 95 % bounds in brackets."""
    for name in metrics:
        if name in ("images", "queries") or name.endswith(("_low", "_high")):
            continue
        yield name.replace("_at_", "@"), percent(metrics, name)


@contextmanager
def opened(where: str) -> Iterator[SimilarityModel]:
    """Open a model from a folder, an MLflow model folder or a URI of MLflow; downloads go when the block ends."""
    from tempfile import TemporaryDirectory

    from imgsim.model import load_model

    if where.startswith(("models:/", "runs:/")):
        if not sys.stderr.isatty():
            os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")  # a line for each step otherwise
        from imgsim.mlflow import flavor
        from imgsim.mlflow.connection import connect

        with TemporaryDirectory(prefix="imgsim-") as folder, connect():
            yield flavor.load_model(where, folder)
    elif (Path(where) / "MLmodel").is_file():
        from imgsim.mlflow import flavor

        yield flavor.load_folder(Path(where))
    else:
        yield load_model(Path(where))


def evaluate(
    model: ModelAt,
    k: Annotated[int, typer.Option("-k", min=1, help="Neighbours that count.")] = DEFAULT_K,
    background: Annotated[
        list[str] | None,
        typer.Option(help="Label that is no class of its own, never a query; repeatable. Default: BACKGROUND_Google."),
    ] = None,
    per_class: Annotated[Path | None, typer.Option(help="Save the figures of every label as .csv or .parquet.")] = None,
    as_json: AsJson = False,
) -> None:
    """Measure recall of the graph, and precision, mAP and 1-NN accuracy on labels (leave-one-out)."""
    from imgsim.evaluation import BACKGROUND

    check_suffix(per_class, TABLES, "--per-class")
    with opened(model) as opened_model:
        evaluation = opened_model.evaluate(k, tuple(background) if background else BACKGROUND)
    if per_class is not None:
        write_table(evaluation.per_class, per_class)
    if as_json:
        classes = records(evaluation.per_class)
        emit({"model": model, "k": evaluation.k, "metrics": evaluation.metrics, "per_class": classes})
    else:
        _print_evaluation(evaluation)


def _print_evaluation(evaluation: Evaluation) -> None:
    metrics, classes = evaluation.metrics, evaluation.per_class
    print_pairs(
        [
            ("images", f"{metrics['images']:,.0f}"),
            ("queries", f"{metrics.get('queries', 0):,.0f}"),
            *metric_pairs(metrics),
        ]
    )
    if not len(classes):
        note("no labels to measure with: only recall against exact search is known.")
        return
    say()
    worst = classes.sort_values(["precision", "label"]).head(10)
    say(f"hardest of {len(classes):,} labels:")
    rows = [
        (r.label, f"{r.images:,}", f"{r.precision:.3f}", f"{r.map:.3f}", f"{r.nn1:.3f}") for r in worst.itertuples()
    ]
    print_table(tuple(classes.columns), rows, right=("images", "precision", "map", "nn1"))
