"""``imgsim plan``: estimated costs of a collection of any size."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from imgsim.arguments import DEFAULT_BACKBONE, DEFAULT_DIMENSIONS, DEFAULT_K
from imgsim.cli.console import emit, note, print_table
from imgsim.cli.load import AsJson

if TYPE_CHECKING:
    from imgsim.costs import Figure

_SCALES = {
    "bytes": ((1e15, "PB"), (1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB"), (1, "B")),
    "core-seconds": ((3600, "core-h"), (1, "core-s")),
    "GPU-seconds": ((3600, "GPU-h"), (1, "GPU-s")),
    "seconds": ((86400, "days"), (3600, "h"), (60, "min"), (1, "s")),
    "share": ((0.01, "%"),),
}


def plan(
    images: Annotated[float, typer.Option(help="How many; 1e8 is a hundred million.")],
    backbone: Annotated[str, typer.Option(help="Network, as in create.")] = DEFAULT_BACKBONE,
    machines: Annotated[int, typer.Option(min=1, help="Machines that work at once.")] = 1,
    cores: Annotated[int, typer.Option(min=1, help="Cores of each.")] = 1,
    gpus: Annotated[int, typer.Option(min=0, help="GPUs of each.")] = 0,
    gpu_rate: Annotated[float, typer.Option(min=0, help="Images a second of one GPU; not measured here.")] = 0.0,
    projection: Annotated[int, typer.Option(min=1, help="Dimensions of the embedding.")] = DEFAULT_DIMENSIONS,
    k: Annotated[int, typer.Option("-k", min=1, help="Neighbours per image.")] = DEFAULT_K,
    file_bytes: Annotated[
        float | None, typer.Option(help="Mean size of a file; default: of those that were measured.")
    ] = None,
    measured: Annotated[
        Path | None,
        typer.Option(help="results.json of make bench on this machine; default: figures of the reference machine."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Print storage, work, traffic, memory and time of a collection, with the formula beside each figure."""
    from imgsim.costs import Costs, Machines
    from imgsim.costs import plan as figures_of

    costs = Costs.reference(backbone) if measured is None else Costs.read(measured, backbone)
    figures = figures_of(
        images, costs, Machines(machines, cores, gpus, gpu_rate), dims=projection, k=k, file_bytes=file_bytes
    )
    if as_json:
        emit({"images": int(images), "costs": asdict(costs), "figures": [asdict(figure) for figure in figures]})
        return
    rows = []
    group = ""
    for figure in figures:
        rows.append(("" if figure.group == group else figure.group, figure.what, readable(figure), figure.formula))
        group = figure.group
    print_table(("", "what", "figure", "formula"), rows, right=("figure",))
    note(f"costs measured on: {costs.source}")


def readable(figure: Figure) -> str:
    """Format a value in the largest unit that leaves it above 1: ``1.07 TB``, ``83.3 core-h``."""
    scales = _SCALES[figure.unit]
    size, name = next(((size, name) for size, name in scales if figure.value >= size), scales[-1])
    value = figure.value / size
    return f"{value:,.0f} {name}" if value >= 1000 or name == "B" else f"{value:.3g} {name}"
