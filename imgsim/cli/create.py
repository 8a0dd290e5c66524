"""``imgsim create``, ``update`` and ``evaluate``: images in, model out, and how good it is."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from imgsim.arguments import DEFAULT_DIMENSIONS, DEFAULT_K, one_of
from imgsim.backbones.spec import FP32
from imgsim.cli.console import emit, note, percent, print_pairs, print_table, records, say
from imgsim.cli.load import (
    AsJson,
    Exclude,
    Labels,
    NoRecursive,
    Rehash,
    Source,
    Strict,
    hint_hidden,
    labels_text,
    left_out,
    print_rejected,
    read_source,
    skipped_text,
)
from imgsim.cli.networks.backbones import better_network
from imgsim.cli.networks.options import DEFAULT_NETWORK, NetworkChoice, takes_network
from imgsim.cli.output_files import TABLES, check_suffix, write_table
from imgsim.errors import ArgumentError
from imgsim.io.paths import MLFLOW, expand

if TYPE_CHECKING:
    from imgsim.evaluation import Evaluation
    from imgsim.images.table import ImageTable
    from imgsim.model import SimilarityModel

ModelAt = Annotated[str, typer.Argument(metavar="MODEL", help="Model folder, or models:/NAME@ALIAS from MLflow.")]


NoDecisions = Annotated[
    bool, typer.Option("--no-decisions", help="Use the source's labels, not those that people decided.")
]


@takes_network()
def create(
    source: Source,
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder to save the model in.")],
    network: NetworkChoice = DEFAULT_NETWORK,
    projection: Annotated[str, typer.Option(help="Dimensions of the embedding, or 'none' for raw features.")] = str(
        DEFAULT_DIMENSIONS
    ),
    refine: Annotated[
        bool, typer.Option("--refine", help="Average each embedding with its nearest: mostly better neighbours.")
    ] = False,
    learn: Annotated[bool, typer.Option("--learn", help="Learn the metric from the labels of the images.")] = False,
    k: Annotated[int, typer.Option("-k", min=1, help="Neighbours per image in the graph.")] = DEFAULT_K,
    method: Annotated[
        str, typer.Option(help="How to build the graph: auto, exact, nn_descent, partitioned or pynndescent.")
    ] = "auto",
    batch_size: Annotated[int, typer.Option(min=1, help="Images per step on a GPU.")] = 64,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    precision: Annotated[
        str, typer.Option(help="Of the features: fp32, bf16 (faster on some processors; extra openvino), or auto.")
    ] = FP32,
    ids: Annotated[
        str | None,
        typer.Option("--ids", "--label", help="Column with the unique ids of the images, such as 'path'."),
    ] = None,
    labels: Labels = "auto",
    exclude: Exclude = None,
    no_recursive: NoRecursive = False,
    strict: Strict = False,
    rehash: Rehash = False,
    no_decisions: NoDecisions = False,
    seed: Annotated[int, typer.Option(help="Of NN-Descent and partitions.")] = 0,
    workers: Annotated[
        str, typer.Option(help="What runs extraction and a partitioned graph: in_process, processes or ray.")
    ] = "in_process",
    address: Annotated[str | None, typer.Option(help="Ray cluster: auto or HOST:PORT.")] = None,
    worker_count: Annotated[int | None, typer.Option(min=1, help="Processes, or CPUs of a Ray started here.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a model that is there.")] = False,
    as_json: AsJson = False,
) -> None:
    """Build a model of images: features, graph, evaluation.

    Features are kept by content, so that none is computed twice.
    """
    from imgsim.creation import create as build
    from imgsim.features.choose_precision import CHOICES
    from imgsim.neighbors.graph import resolve_method
    from imgsim.references.folder import refuse_foreign
    from imgsim.references.refined import require_projection
    from imgsim.workers import get_workers

    dims = _dimensions(projection)
    if refine:
        require_projection(dims is not None)
    resolve_method(method, 0)
    one_of(precision, CHOICES, "precision")
    pool = get_workers(workers, address, worker_count)
    refuse_foreign(output)
    if output.exists() and not overwrite:
        raise ArgumentError(f"{output} exists already; give --overwrite to replace it, or another path.")
    start = time.perf_counter()
    images = read_source(source, labels, no_recursive, strict, exclude, rehash=rehash)
    options: dict[str, Any] = {"seed": seed, "workers": pool, "refine": refine, "precision": precision}
    options |= network.options | {"decisions": not no_decisions, "learn": "labels" if learn else None}
    model = build(images, ids, network.backbone, network.weights, dims, k, method, batch_size, device, **options)
    model.save(output, overwrite=overwrite)
    document = _describe(model, output, time.perf_counter() - start)
    if as_json:
        emit(document | left_out(model.images))
    else:
        _print(document, model.images)
        print_rejected(model.rejected)
        hint_hidden(images)
    if (hint := better_network(model.backbone.name)) and network.weights is None:
        note(hint)


def update(
    model: ModelAt,
    source: Source,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Folder to save the model in; default: MODEL is replaced.")
    ] = None,
    labels: Labels = "auto",
    exclude: Exclude = None,
    no_recursive: NoRecursive = False,
    strict: Strict = False,
    rehash: Rehash = False,
    no_decisions: NoDecisions = False,
    as_json: AsJson = False,
) -> None:
    """Add new images to a model, and remove gone ones.

    The projection stays and the graph is extended, so a few new images take seconds where create takes minutes. (A
    model below some 4,000 images is fitted again when it has grown by a quarter.) SOURCE is all images, not the new
    ones alone; give the options of create. Figures and insights are dropped if anything changed: see evaluate.
    """
    from imgsim.decisions import open_decisions, with_decided_labels
    from imgsim.references.folder import refuse_foreign

    if output is None and (model.startswith(MLFLOW) or (expand(model) / "MLmodel").is_file()):
        raise ArgumentError(f"{model} belongs to MLflow and is not replaced: say with -o where the new model goes.")
    target = expand(model) if output is None else output
    refuse_foreign(target)
    if output is not None and output.exists():
        raise ArgumentError(f"{output} exists already; give another path.")
    with opened(model) as found:
        before = found.images.labels_from
        images = read_source(source, labels, no_recursive, strict, exclude, rehash=rehash)
        changes = found.update(images if no_decisions else with_decided_labels(images, open_decisions()), progress=True)
        found.save(target, overwrite=output is None)
    if found.images.labels_from != before:
        note(f"labels are now {found.images.labels_from or 'none'}, before {before or 'none'}; --labels chooses.")
    if as_json:
        emit({"model": target} | asdict(changes) | left_out(found.images))
    else:
        print_pairs([(name, f"{count:,}") for name, count in asdict(changes).items()] + [("saved", str(target))])
        print_rejected(found.rejected)


def _dimensions(projection: str) -> int | None:
    if projection.lower() == "none":
        return None
    if not projection.isdecimal() or int(projection) < 1:
        raise typer.BadParameter(f"{projection!r} is neither a number from 1 on nor 'none'.", param_hint="--projection")
    return int(projection)


def _describe(model: SimilarityModel, output: Path, seconds: float) -> dict[str, Any]:
    from imgsim.references.summary import precision_text

    evaluation = model.evaluation
    return {
        "model": output,
        "images": len(model),
        "rejected": len(model.rejected),
        "skipped": model.images.skipped,
        "labels_from": model.images.labels_from,
        "decisions": model.images.decisions,
        "backbone": model.backbone.to_dict(),
        "features": model.references.stats
        | {name: int(model.references.stats[name]) for name in ("computed", "reused")},
        "precision": precision_text(model.references),
        "dimensions": int(model.embeddings.shape[1]),
        "refined": model.references.plain is not None,
        "graph": {"method": model.graph.method, "k": model.graph.k, "seconds": model.graph.seconds},
        "evaluation": {"k": evaluation.k, "metrics": evaluation.metrics} if evaluation else None,
        "seconds": seconds,
    }


def _print(document: dict[str, Any], images: ImageTable) -> None:
    stats, graph, evaluation = document["features"], document["graph"], document["evaluation"]
    metrics = evaluation["metrics"] if evaluation else {}
    pace = f", {stats['images_per_second']:,.0f} images/s" if stats["computed"] else ""
    print_pairs(
        [
            ("images", f"{document['images']:,}"),
            ("rejected", f"{document['rejected']:,}"),
            *([("skipped", skipped_text(images))] if images.skipped else []),
            ("backbone", f"{document['backbone']['name']} (weights: {document['backbone']['weights']})"),
            ("features", f"{stats['computed']:,} computed, {stats['reused']:,} reused{pace}"),
            ("precision", document["precision"]),
            ("embedding", f"{document['dimensions']} dimensions{', refined' * document['refined']}"),
            ("graph", f"{graph['k']} neighbours by {graph['method']}, {graph['seconds']:.2f} s"),
            ("labels", labels_text(images)),
            *metric_pairs(metrics),
            ("saved", document["model"]),
            ("took", f"{document['seconds']:.1f} s"),
        ]
    )


def metric_pairs(metrics: dict[str, float]) -> Iterator[tuple[str, str]]:
    """Name metrics and format their values for people, 95 % bounds in brackets."""
    for name, value in metrics.items():
        if name in ("images", "queries") or name.endswith(("_low", "_high")):
            continue
        if name == "copies_left_out":
            yield "copies left out", f"{value:,.0f}"
        else:
            yield name.replace("_at_", "@"), percent(metrics, name)


@contextmanager
def opened(where: str) -> Iterator[SimilarityModel]:
    """Open a model from a folder, an MLflow model folder or a URI of MLflow.

    Registered versions are downloaded once (`imgsim.mlflow.download`). Others stay until the process ends: tables and
    thumbnails are read when they are needed.
    """
    from imgsim.model import load_model

    if where.startswith(MLFLOW):
        yield _downloaded(where)
    elif (expand(where) / "MLmodel").is_file():
        from imgsim.mlflow import flavor

        yield flavor.load_folder(expand(where))
    else:
        yield load_model(where)


def _downloaded(uri: str) -> SimilarityModel:
    import atexit
    from functools import partial
    from tempfile import mkdtemp

    from imgsim.cli.interrupts import at_hard_end
    from imgsim.mlflow import flavor
    from imgsim.mlflow.connection import connect
    from imgsim.mlflow.download import load_uri

    if re.fullmatch(r"models:/+(?!m-)[^/@]+", uri):
        raise ArgumentError(f"{uri} names no version: give an alias or a number, as in {uri}@champion or {uri}/1.")
    if (registered := load_uri(uri)) is not None:
        return registered
    with connect():
        folder = mkdtemp(prefix="imgsim-")
        remove = partial(shutil.rmtree, folder, ignore_errors=True)
        atexit.register(remove)
        at_hard_end.append(remove)
        return flavor.load_model(uri, folder)


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
    """Measure how good the neighbours are.

    Recall of the graph against exact search; precision, mAP and 1-NN accuracy on labels, leave-one-out.
    """
    from imgsim.evaluation import BACKGROUND

    check_suffix(per_class, TABLES, "--per-class")
    with opened(model) as opened_model:
        evaluation = opened_model.evaluate(k, tuple(background) if background else BACKGROUND)
        images = opened_model.images
    if per_class is not None:
        write_table(evaluation.per_class, per_class)
    if as_json:
        classes = records(evaluation.per_class)
        facts = {"metrics": evaluation.metrics, "labels_from": images.labels_from, "per_class": classes}
        emit({"model": model, "k": evaluation.k} | facts)
    else:
        _print_evaluation(evaluation, images)


def _print_evaluation(evaluation: Evaluation, images: ImageTable) -> None:
    metrics, classes = evaluation.metrics, evaluation.per_class
    print_pairs(
        [
            ("images", f"{metrics['images']:,.0f}"),
            ("queries", f"{metrics.get('queries', 0):,.0f}"),
            ("labels", labels_text(images)),
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
    columns = ("images", "precision", "map", "nn1")
    print_table(("label", *columns), rows, right=columns)
