"""``imgsim export``: a model for a phone or a browser, compared with Python before it appears."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from imgsim.arguments import DEFAULT_K
from imgsim.cli.console import emit, print_pairs
from imgsim.cli.create import ModelAt, opened
from imgsim.cli.load import AsJson
from imgsim.deployment.publish import ONNX

if TYPE_CHECKING:
    from imgsim.deployment.device_export import DeviceExport


def export(
    model: ModelAt,
    output: Annotated[
        Path, typer.Argument(help="NAME.onnx, NAME.mlpackage, or NAME.mlmodel for iOS 13 (needs --verify 0).")
    ],
    outputs: Annotated[str, typer.Option(help="distance, topk, features; Core ML: classifier.")] = "distance",
    k: Annotated[int, typer.Option("-k", min=1, help="Neighbours of topk.")] = DEFAULT_K,
    precision: Annotated[str | None, typer.Option(help="Core ML: mixed (default), float16 or float32.")] = None,
    compress: Annotated[str | None, typer.Option(help="int8: reference rows at a quarter of their size.")] = None,
    minimum_target: Annotated[
        str | None, typer.Option(help="Core ML: oldest system, iOS15 to iOS18 or iOS26 (default: iOS16).")
    ] = None,
    fixed_size: Annotated[
        bool, typer.Option("--fixed-size", help="ONNX: take pictures of the network's size.")
    ] = False,
    ids: Annotated[str | None, typer.Option(help="Column that the app calls references by, such as 'path'.")] = None,
    labels: Annotated[str | None, typer.Option(help="Column with labels for the app; default: the model's.")] = None,
    no_ids: Annotated[bool, typer.Option("--no-ids", help="Leave ids and labels out: the app sees rows.")] = False,
    author: Annotated[str, typer.Option(help="Core ML: shown by Xcode, as are the next two.")] = "",
    license: Annotated[str, typer.Option(help="Of the model.")] = "",
    version: Annotated[str, typer.Option(help="Of the model.")] = "",
    description: Annotated[str, typer.Option(help="One sentence; default: network and number of references.")] = "",
    backbone: Annotated[str | None, typer.Option(help="Core ML: the network, when its name does not say it.")] = None,
    weights: Annotated[Path | None, typer.Option(help="Core ML: file with its weights, as given to create.")] = None,
    verify: Annotated[int, typer.Option(min=0, help="Images to compare with Python; 0 skips it.")] = 8,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace what is there.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write a verified Core ML or ONNX model.

    It gives the distances of `query`, and is compared with Python before it appears. Test images with their answers
    lie beside it.
    """
    from imgsim.errors import ArgumentError

    if output.exists() and not overwrite:
        raise ArgumentError(f"{output} exists already; give --overwrite to replace it, or another path.")
    shared: dict[str, Any] = {"outputs": outputs, "k": k, "compress": compress, "description": description}
    shared |= {"include_ids": not no_ids, "ids": ids, "labels": labels, "verify": verify, "overwrite": overwrite}
    special: dict[str, Any] = {
        "precision": precision,
        "minimum_target": minimum_target,
        "author": author,
        "license": license,
    }
    special |= {"version": version, "backbone": backbone, "weights": weights}
    given = {name: value for name, value in special.items() if value not in (None, "")}
    with opened(model) as opened_model:
        if output.suffix == ONNX:
            _refuse(given, "is for Core ML: leave it out, or write an .mlpackage")
            done = opened_model.export_onnx(output, any_size=not fixed_size, **shared)
        else:
            _refuse({"fixed_size": True} if fixed_size else {}, "is for ONNX: Core ML models always have a fixed size")
            done = opened_model.export_coreml(output, **shared, **given)
    if as_json:
        emit(done.to_dict())
    else:
        _print(done)


def _refuse(given: dict[str, Any], reason: str) -> None:
    """Refuse options of the other format."""
    from imgsim.errors import ArgumentError

    for name in given:
        raise ArgumentError(f"--{name.replace('_', '-')} {reason}.")


def _print(done: DeviceExport) -> None:
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
