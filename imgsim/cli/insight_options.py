"""Shared parts of the insight commands: options, opening of the target, and output."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from imgsim.cli.console import emit, note, print_pairs, print_table, records, say
from imgsim.cli.create import opened
from imgsim.cli.load import read_source
from imgsim.cli.networks.options import NetworkChoice
from imgsim.cli.output_files import write_table
from imgsim.io.paths import MLFLOW, expand

if TYPE_CHECKING:
    import pandas as pd

    from imgsim.model import SimilarityModel
    from imgsim.references.insight import Insight

SHOWN = 20
WIDEST = 81  # characters of a cell
Target = Annotated[
    str, typer.Argument(metavar="TARGET", help="Model folder, models:/NAME@ALIAS from MLflow, or a folder of images.")
]
Output = Annotated[Path | None, typer.Option("-o", "--output", help="Save all rows as .csv or .parquet.")]


@contextmanager
def open_target(target: str, network: NetworkChoice) -> Iterator[SimilarityModel]:
    """Load the model at ``target``, or create one from the images there."""
    if is_model(target):
        with opened(target) as model:
            yield model
        return
    from imgsim.creation import create

    images = read_source(target, "auto", no_recursive=False, strict=False)
    yield create(images, None, network.backbone, network.weights, decisions=True, **network.options)


def is_model(target: str) -> bool:
    """Tell a model, by its folder or its address in MLflow, from a source of images."""
    from imgsim.references.manifest import MANIFEST

    folder = expand(target)
    in_mlflow = target.startswith(MLFLOW)
    return in_mlflow or (folder / MANIFEST).exists() or (folder / "MLmodel").exists()


def insight_of(model: SimilarityModel, name: str, **params: Any) -> Insight:
    """Return the stored insight; if there is none or parameters are given, compute it."""
    from imgsim.features.store import FeatureStore
    from imgsim.insights.compute import Computation

    given = {key: value for key, value in params.items() if value is not None and value is not False}
    if not given and name in model.insights:
        return model.insights[name]
    return Computation(model.references, FeatureStore(), progress=True).find(name, **given)


def show(
    target: str, insight: Insight, rows: pd.DataFrame, columns: tuple[str, ...], output: Path | None, as_json: bool
) -> None:
    """Print the metrics and the first rows of an insight, or everything as JSON; save all rows to ``output``."""
    if "note" in insight.params and not as_json:
        note(insight.params["note"])
    about = {"target": target, "insight": insight.name, "params": dict(insight.params)}
    show_rows(about, insight.metrics, rows, columns, output, as_json)


def show_rows(
    about: dict[str, Any],
    metrics: Mapping[str, float],
    rows: pd.DataFrame,
    columns: tuple[str, ...],
    output: Path | None,
    as_json: bool,
) -> None:
    """Print metrics and the first rows, or everything as JSON after ``about``; save all rows to ``output`` if given."""
    if output is not None:
        write_table(rows, output)
    if as_json:
        emit(about | {"metrics": dict(metrics), "rows": records(rows)})
        return
    print_pairs((name.replace("_", " "), _number(value)) for name, value in metrics.items())
    if len(rows):
        say()
        shown = rows.head(SHOWN)[list(columns)]
        numbers = [name for name in columns if shown[name].dtype.kind in "if"]
        print_table(columns, ([_cell(value) for value in row] for row in shown.itertuples(index=False)), numbers)
    if len(rows) > SHOWN:
        say(f"... and {len(rows) - SHOWN:,} more; save them with -o rows.csv, or use --json.")
    if output is not None:
        note(f"saved {output}")


def _cell(value: Any) -> str:
    """Format a value for a table; of a long name the middle is left out (``-o`` and ``--json`` have all of it)."""
    text, side = _number(value), (WIDEST - 1) // 2
    return text if len(text) <= WIDEST else f"{text[:side]}…{text[-side:]}"


def _number(value: Any) -> str:
    if isinstance(value, float):
        if math.isnan(value):
            return ""
        return f"{value or 0:,.0f}" if value.is_integer() else f"{value:.4g}"  # -0.0 is 0
    return "" if value is None else str(value)
