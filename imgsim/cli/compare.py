"""``imgsim compare``: differences of two models."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from imgsim.cli.console import emit, note, print_table, records, say
from imgsim.cli.create import opened
from imgsim.cli.load import AsJson
from imgsim.cli.output_files import TABLES, check_suffix, write_table

if TYPE_CHECKING:
    import pandas as pd

    from imgsim.comparison import Comparison, Overlap
    from imgsim.model import SimilarityModel

SHOWN = 10

Before = Annotated[str, typer.Argument(metavar="BEFORE", help="Model folder, or models:/NAME@ALIAS from MLflow.")]
After = Annotated[str, typer.Argument(metavar="AFTER", help="The model to compare with it.")]


def compare(
    before: Before,
    after: After,
    k: Annotated[int, typer.Option("-k", min=1, help="Neighbours that count.")] = 10,
    sample: Annotated[int, typer.Option(min=1, help="Images whose neighbours are compared.")] = 1000,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="Save the compared images, most changed first, as .csv or .parquet."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Compare two models.

    What they hold, metrics that differ beyond chance, and the images whose neighbours changed.
    """
    from imgsim.comparison import compare as compare_models

    check_suffix(output, TABLES, "--output")
    with opened(before) as old, opened(after) as new:
        found = compare_models(old, new, k, sample)
        changed = None if found.overlap is None else _changed(old, found.overlap)
    if output is not None and changed is not None:
        write_table(changed, output)
    if as_json:
        emit({"before": before, "after": after} | _document(found, changed))
        return
    _print(found, changed)
    if output is not None:
        note("nothing saved: no neighbours to compare" if changed is None else f"saved {output}")


def _changed(before: SimilarityModel, overlap: Overlap) -> pd.DataFrame:
    """List the compared images by id, path, label and neighbours in common."""
    import pandas as pd

    rows, images = overlap.rows.tolist(), before.images
    columns = {"id": before.ids[rows], "path": [images.paths[row] for row in rows]}
    labels = pd.Series([images.labels[row] for row in rows], dtype=object)
    return pd.DataFrame(columns | {"label": labels, "common": overlap.common})


def _document(found: Comparison, changed: pd.DataFrame | None) -> dict[str, Any]:
    overlap = found.overlap
    neighbors = None
    if overlap is not None and changed is not None:
        names = ("k", "shared", "mean", "low", "high", "same")
        neighbors = {name: getattr(overlap, name) for name in names}
        neighbors |= {"compared": len(changed), "images": records(changed)}
    return {"facts": records(found.facts), "metrics": records(found.metrics), "neighbors": neighbors}


def _print(found: Comparison, changed: pd.DataFrame | None) -> None:
    print_table(tuple(found.facts.columns), found.facts.itertuples(index=False), right=("before", "after"))
    if len(found.metrics):
        say()
        rows = [
            (m.title, f"{m.before:.3f}", f"{m.after:.3f}", f"{m.difference:+.3f}", m.verdict)
            for m in found.metrics.itertuples()
        ]
        columns = ("metric", "before", "after", "difference", "verdict")
        print_table(columns, rows, right=("before", "after", "difference"))
    say()
    say("no neighbours to compare: the models share no image" if found.overlap is None else found.overlap)
    if changed is not None and len(changed):
        say()
        say("most changed:")
        shown = [(m.id, m.path, m.label or "", m.common) for m in changed.head(SHOWN).itertuples()]
        print_table(("id", "path", "label", "in common"), shown, right=("in common",))
