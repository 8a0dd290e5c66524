"""``imgsim select``: images to look at, to label or to keep."""

from __future__ import annotations

from typing import Annotated

import typer

from imgsim.cli.insight_options import Output, Target, open_target, show_rows
from imgsim.cli.load import AsJson
from imgsim.cli.networks.options import DEFAULT_NETWORK, NetworkChoice, takes_network
from imgsim.cli.output_files import TABLES, check_suffix


@takes_network(", when TARGET is a folder of images")
def select(
    target: Target,
    n: Annotated[int, typer.Option("-n", min=1, help="Images to choose.")] = 100,
    by: Annotated[
        str,
        typer.Option(
            help="diverse: the others are near to them; uncertain: their neighbours disagree about the label; "
            "balanced: as many of each label (of each cluster, where there is none)."
        ),
    ] = "diverse",
    output: Output = None,
    network: NetworkChoice = DEFAULT_NETWORK,
    as_json: AsJson = False,
) -> None:
    """Choose images to look at, to label or to keep.

    Copies of a picture are chosen once. The figures tell how near all images are to the chosen ones, and to as many
    chosen at random.
    """
    from imgsim.arguments import one_of
    from imgsim.selection.select import WAYS

    check_suffix(output, TABLES, "--output")
    one_of(by, WAYS, "by")
    with open_target(target, network) as model:
        found = model.select(n, by)
    about, coverage = {"target": target, "by": by}, found.attrs.pop("coverage")
    show_rows(about, coverage, found, ("path", "label", "score", "why"), output, as_json)
