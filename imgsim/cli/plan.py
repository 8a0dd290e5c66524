"""``imgsim plan``: estimated costs of a collection of any size."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from imgsim.arguments import DEFAULT_DIMENSIONS, DEFAULT_K
from imgsim.cli.console import emit, note, print_table
from imgsim.cli.load import AsJson
from imgsim.cli.networks.options import DEFAULT_NETWORK, NetworkChoice, takes_network

if TYPE_CHECKING:
    from imgsim.costs import Figure

_SCALES = {
    "bytes": ((1e15, "PB"), (1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB"), (1, "B")),
    "core-seconds": ((3600, "core-h"), (1, "core-s")),
    "seconds": ((86400, "days"), (3600, "h"), (60, "min"), (1, "s")),
}


@takes_network()
def plan(
    source: Annotated[
        str, typer.Argument(metavar="SOURCE", help="Some of the pictures, as for load; default: the packaged sample.")
    ] = "",
    images: Annotated[
        float, typer.Option(min=1, max=1e12, help="How many there will be; 1e8 is a hundred million.")
    ] = 1e6,
    network: NetworkChoice = DEFAULT_NETWORK,
    pictures: Annotated[int, typer.Option(min=16, help="How many of SOURCE are measured.")] = 64,
    cores: Annotated[int, typer.Option(min=1, help="Cores that will work, of all machines together.")] = 1,
    projection: Annotated[int, typer.Option(min=1, help="Dimensions of the embedding.")] = DEFAULT_DIMENSIONS,
    k: Annotated[int, typer.Option("-k", min=1, help="Neighbours per image.")] = DEFAULT_K,
    as_json: AsJson = False,
) -> None:
    """Print what a collection of any size would cost.

    Disk, CPU time, memory and time of create, with the formula beside each figure. A few pictures are measured first,
    on this machine's CPU.
    """
    from imgsim.backbones.get import get_backbone
    from imgsim.costs import measure
    from imgsim.costs import plan as figures_of
    from imgsim.sample.unpack import default_folder, unpack_sample

    folder = default_folder()
    source = source or str(folder if folder.is_dir() else unpack_sample())
    backbone = get_backbone(network.backbone, network.weights, **network.options)
    measured = measure(source, backbone, pictures)
    figures = figures_of(images, measured, cores=cores, dims=projection, k=k)
    if as_json:
        emit({"images": int(images), "measured": asdict(measured), "figures": [asdict(figure) for figure in figures]})
        return
    rows = []
    group = ""
    for figure in figures:
        rows.append(("" if figure.group == group else figure.group, figure.what, readable(figure), figure.formula))
        group = figure.group
    print_table(("", "what", "figure", "formula"), rows, right=("figure",))
    note(f"measured on {measured.pictures} pictures of {source}, by {measured.backbone}")


def readable(figure: Figure) -> str:
    """Format a value in the largest unit that leaves it above 1: ``1.07 TB``, ``83.3 core-h``."""
    scales = _SCALES[figure.unit]
    size, name = next(((size, name) for size, name in scales if figure.value >= size), scales[-1])
    value = figure.value / size
    return f"{value:,.0f} {name}" if value >= 1000 or name == "B" else f"{value:.3g} {name}"
