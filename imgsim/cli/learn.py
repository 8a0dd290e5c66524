"""``imgsim learn``: a model whose metric is learnt from labels, and how much that gains."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from imgsim.cli.console import emit, print_pairs
from imgsim.cli.create import ModelAt, metric_pairs, opened
from imgsim.cli.load import AsJson
from imgsim.errors import ArgumentError

if TYPE_CHECKING:
    from imgsim.model import SimilarityModel

FILES = (".csv", ".parquet")


def learn(
    model: ModelAt,
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder to save the new model in.")],
    labels: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN|FILE",
            help="Labels: a column of the model's images, 'top-folder' (the first of each path), or a .csv or .parquet "
            "file with id or path, and label. Default: the model's own.",
        ),
    ] = None,
    pairs: Annotated[
        Path | None, typer.Option(help="A .csv or .parquet file with left, right (ids) and alike (true or false).")
    ] = None,
    others: Annotated[
        str,
        typer.Option(
            help="What classes without labels count for: auto (as many as there seem to be), protect, or ignore."
        ),
    ] = "auto",
    no_decisions: Annotated[
        bool, typer.Option("--no-decisions", help="Leave out the labels and pairs that people decided.")
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a model that is there.")] = False,
    as_json: AsJson = False,
) -> None:
    """Learn a model's metric from labels and decisions.

    Decisions are those of imgsim label, mark and decisions. The metric is chosen by cross-validation; where nothing is
    gained, nothing changes. MODEL itself stays as it is.
    """
    from imgsim.references.folder import refuse_foreign

    refuse_foreign(output)
    if output.exists() and not overwrite:
        raise ArgumentError(f"{output} exists already; give --overwrite to replace it, or another path.")
    start = time.perf_counter()
    with opened(model) as old:
        new = old.learn(_labels(old, labels), _pairs(pairs), others=others, decisions=not no_decisions, progress=True)
        new.save(output, overwrite=overwrite)
    document = _describe(new, output, time.perf_counter() - start)
    if as_json:
        emit(document)
    else:
        _print(document)


def _labels(model: SimilarityModel, labels: str | None) -> Any:
    """Return a column's name unchanged; for a file the label of each id that it names."""
    if labels is None or Path(labels).suffix.lower() not in FILES:
        return labels
    frame = _read(Path(labels))
    key = "id" if "id" in frame.columns else "path"
    if not {key, "label"} <= set(frame.columns):
        raise ArgumentError(f"{labels} has the columns {list(frame.columns)}; it needs id or path, and label.")
    named = frame.dropna(subset=[key])
    keys = _ids(model, named[key].tolist(), key, labels)
    return dict(zip(keys, named["label"].tolist(), strict=True))


def _ids(model: SimilarityModel, values: list[Any], key: str, file: str) -> list[Any]:
    """Return the ids that a file's ids or paths stand for."""
    known = model.ids.tolist() if key == "id" else list(model.images.paths)
    id_of = {str(value): model_id for value, model_id in zip(known, model.ids.tolist(), strict=True)}
    gone = [value for value in values if str(value) not in id_of]
    if gone:
        raise ArgumentError(
            f"{file} names {len(gone):,} images by {key} that the model does not hold, the first {gone[0]!r:.80}: add "
            "them to the model, or take them out of the file."
        )
    return [id_of[str(value)] for value in values]


def _pairs(path: Path | None) -> Any:
    if path is None:
        return None
    frame = _read(path)
    if "alike" in frame.columns:
        words = frame["alike"].astype(str).str.strip().str.lower()
        if wrong := sorted(set(words) - {"true", "false"})[:1]:
            raise ArgumentError(f"{path} says {wrong[0]!r:.80} in the column alike: it must be true or false.")
        frame["alike"] = (words == "true").astype(object)
    return frame


def _read(path: Path) -> Any:
    import pandas as pd

    try:
        if path.suffix.lower() == ".parquet":
            return pd.read_parquet(path)
        return pd.read_csv(path)
    except (OSError, ValueError) as error:
        raise ArgumentError(f"{path} cannot be read: {error}. Give a .csv or .parquet file.") from error


def _describe(model: SimilarityModel, output: Path, seconds: float) -> dict[str, Any]:
    learning, evaluation = model.references.learning, model.evaluation
    assert learning is not None
    return {
        "model": output,
        "images": len(model),
        "labels": len(learning.classes),
        "labelled": int(learning.figures["labelled"]),
        "changed": learning.changed,
        "choice": learning.choice,
        "others": learning.others,
        "cross_validation": dict(learning.figures),
        "evaluation": {"k": evaluation.k, "metrics": evaluation.metrics} if evaluation else None,
        "seconds": seconds,
    }


def _pairs_text(document: dict[str, Any]) -> str:
    found = document["cross_validation"]
    count = int(found["alike"] + found["not_alike"])
    return f", {count:,} pairs" if count else ""


def _print(document: dict[str, Any]) -> None:
    evaluation = document["evaluation"]
    print_pairs(
        [
            ("images", f"{document['images']:,}"),
            ("learnt from", f"{document['labelled']:,} images of {document['labels']:,} labels{_pairs_text(document)}"),
            ("metric", document["choice"] if document["changed"] else "nothing was gained, so nothing changed"),
            *metric_pairs(evaluation["metrics"] if evaluation else {}),
            ("saved", document["model"]),
            ("took", f"{document['seconds']:.1f} s"),
        ]
    )
