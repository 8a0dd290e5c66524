"""Shared parts of the insight commands: options, opening of the target, and output."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from imgsim.cli.console import emit, note, print_pairs, print_table, records, say
from imgsim.cli.create import opened
from imgsim.cli.load import read_source
from imgsim.cli.output_files import write_table

if TYPE_CHECKING:
    import pandas as pd

    from imgsim.model import SimilarityModel
    from imgsim.references.insight import Insight

SHOWN = 20
Target = Annotated[
    str, typer.Argument(metavar="TARGET", help="Model folder, models:/NAME@ALIAS from MLflow, or a folder of images.")
]
Output = Annotated[Path | None, typer.Option("-o", "--output", help="Save all rows as .csv or .parquet.")]
BackboneName = Annotated[str, typer.Option("--backbone", help="Network, when TARGET is a folder of images.")]
Weights = Annotated[str | None, typer.Option(help="File with the network's weights.")]


@contextmanager
def open_target(target: str, backbone: str, weights: str | None) -> Iterator[SimilarityModel]:
    """Load the model at ``target``, or create one from the images there."""
    from imgsim.references.manifest import MANIFEST

    folder = Path(target)
    if target.startswith(("models:/", "runs:/")) or (folder / MANIFEST).exists() or (folder / "MLmodel").exists():
        with opened(target) as model:
            yield model
        return
    from imgsim.creation import create

    yield create(read_source(target, "folder", no_recursive=False, strict=False), None, backbone, weights)


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
    """Print metrics and the first rows, or everything as JSON; save all rows to ``output`` if given."""
    if output is not None:
        write_table(rows, output)
    if as_json:
        facts = {"metrics": dict(insight.metrics), "params": dict(insight.params), "rows": records(rows)}
        emit({"target": target, "insight": insight.name, **facts})
        return
    if "note" in insight.params:
        note(insight.params["note"])
    print_pairs((name.replace("_", " "), _number(value)) for name, value in insight.metrics.items())
    if len(rows):
        say()
        shown = rows.head(SHOWN)[list(columns)]
        numbers = [name for name in columns if shown[name].dtype.kind in "if"]
        print_table(columns, ([_number(cell) for cell in row] for row in shown.itertuples(index=False)), numbers)
    if len(rows) > SHOWN:
        say(f"... and {len(rows) - SHOWN:,} more; save them with -o rows.csv, or use --json.")
    if output is not None:
        note(f"saved {output}")


def _number(value: Any) -> str:
    if isinstance(value, float):
        if math.isnan(value):
            return ""
        return f"{value or 0:,.0f}" if value.is_integer() else f"{value:.4g}"  # -0.0 is 0
    return "" if value is None else str(value)
