"""``imgsim classify``: labels in words for every reference image."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from imgsim.cli.console import emit, note, print_table, records
from imgsim.cli.create import ModelAt, opened
from imgsim.cli.load import AsJson
from imgsim.cli.output_files import TABLES, check_suffix, write_table

if TYPE_CHECKING:
    import pandas as pd

SHOWN = 20


def classify(
    model: ModelAt,
    labels: Annotated[list[str], typer.Argument(metavar="LABEL...", help="Labels to choose from, in words.")],
    template: Annotated[
        str, typer.Option(help="Sentence that is compared with the images; the label stands for {}.")
    ] = "a photo of a {}.",
    everything: Annotated[bool, typer.Option("--all", help="The score of every label, not of the best alone.")] = False,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Save as .csv or .parquet.")] = None,
    as_json: AsJson = False,
) -> None:
    """Choose a label in words for every reference image.

    Needs a model whose network has a text tower (CLIP, SigLIP).
    """
    check_suffix(output, TABLES, "--output")
    with opened(model) as opened_model:
        scores = opened_model.classify(labels, template, output="all" if everything else "best")
        paths = dict(zip(opened_model.ids.tolist(), opened_model.images.paths, strict=True))
    found = scores.assign(path=scores["id"].map(paths))
    if output is not None:
        write_table(found, output)
    if as_json:
        emit({"model": model, "template": template, "scores": records(found)})
        return
    _print(found, len(paths))
    if output is not None:
        note(f"saved {output}")


def _print(found: pd.DataFrame, images: int) -> None:
    rows = [(row.id, row.label, f"{row.score:.4f}", row.path) for row in found.head(SHOWN).itertuples()]
    print_table(("id", "label", "score", "path"), rows, right=("id", "score"))
    if len(found) > SHOWN:
        note(f"... and {len(found) - SHOWN:,} more of {images:,} images; save them with -o labels.csv.")
