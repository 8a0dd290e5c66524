"""``imgsim export``: a model for a phone, compared with Python before it appears."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from imgsim.arguments import DEFAULT_K
from imgsim.cli.console import emit, print_pairs
from imgsim.cli.create import ModelAt, opened
from imgsim.cli.load import AsJson

if TYPE_CHECKING:
    from imgsim.coreml.export.export import CoreMLExport


def export(
    model: ModelAt,
    output: Annotated[Path, typer.Argument(help="NAME.mlpackage, or NAME.mlmodel for iOS 13 (needs --verify 0).")],
    outputs: Annotated[str, typer.Option(help="distance, topk, classifier or features.")] = "distance",
    k: Annotated[int, typer.Option("-k", min=1, help="Neighbours of topk.")] = DEFAULT_K,
    precision: Annotated[str | None, typer.Option(help="mixed (default), float16 or float32.")] = None,
    compress: Annotated[str | None, typer.Option(help="int8: reference rows at a quarter of their size.")] = None,
    minimum_target: Annotated[str, typer.Option(help="Oldest system: iOS15 to iOS18, iOS26.")] = "iOS16",
    ids: Annotated[str | None, typer.Option(help="Column that the app calls references by, such as 'path'.")] = None,
    labels: Annotated[str | None, typer.Option(help="Column with labels for the app; default: the model's.")] = None,
    no_ids: Annotated[bool, typer.Option("--no-ids", help="Leave ids and labels out: the app sees rows.")] = False,
    author: Annotated[str, typer.Option(help="Shown by Xcode, as are the next three.")] = "",
    license: Annotated[str, typer.Option(help="Of the model.")] = "",
    version: Annotated[str, typer.Option(help="Of the model.")] = "",
    description: Annotated[str, typer.Option(help="One sentence; default: network and number of references.")] = "",
    backbone: Annotated[str | None, typer.Option(help="The network, when its name does not say it.")] = None,
    weights: Annotated[Path | None, typer.Option(help="File with the network's weights, as given to create.")] = None,
    verify: Annotated[int, typer.Option(min=0, help="Images to compare with Python; 0 skips it.")] = 8,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a package that is there.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write a Core ML model that gives the distances of `query`, and test images with their answers beside it."""
    from imgsim.errors import ArgumentError

    if output.exists() and not overwrite:
        raise ArgumentError(f"{output} exists already; give --overwrite to replace it, or another path.")
    with opened(model) as opened_model:
        done = opened_model.export_coreml(
            output,
            outputs=outputs,
            k=k,
            precision=precision,
            compress=compress,
            minimum_target=minimum_target,
            include_ids=not no_ids,
            ids=ids,
            labels=labels,
            author=author,
            license=license,
            version=version,
            description=description,
            backbone=backbone,
            weights=weights,
            verify=verify,
            overwrite=overwrite,
        )
    if as_json:
        emit(done.to_dict())
    else:
        _print(done)


def _print(done: CoreMLExport) -> None:
    checked = done.verification
    figures = [(name, f"{value:.3g}") for name, value in checked.metrics.items()]
    print_pairs(
        [
            ("saved", f"{done.path} ({done.bytes / 1e6:.1f} MB), {done.references.name}"),
            ("input", ", ".join(f"{name}: {kind}" for name, kind in done.inputs.items())),
            ("output", ", ".join(f"{name}: {kind}" for name, kind in done.outputs.items())),
            ("verification", f"{checked.status}: {checked.reason}"),
            *figures,
            ("took", f"{done.seconds:.1f} s"),
        ]
    )
