"""``imgsim site``: static pages of a collection, to share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from imgsim.cli.console import emit, say
from imgsim.cli.insight_options import Target, insight_of, open_target
from imgsim.cli.load import AsJson
from imgsim.cli.networks.options import DEFAULT_NETWORK, NetworkChoice, takes_network

LISTS = ("duplicates", "label_errors", "map")


@takes_network(", when TARGET is a folder of images")
def site(
    target: Target,
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder to write.")],
    title: Annotated[str | None, typer.Option(help="Name of the collection; default: that of TARGET.")] = None,
    k: Annotated[int, typer.Option("-k", min=1, help="Neighbours of each image, at most those of the graph.")] = 20,
    with_network: Annotated[
        Path | None,
        typer.Option(
            metavar="ORT_FOLDER", help="Let browsers answer pictures: folder `dist` of the npm package onnxruntime-web."
        ),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a folder that is there.")] = False,
    network: NetworkChoice = DEFAULT_NETWORK,
    as_json: AsJson = False,
) -> None:
    """Write static pages to share a collection.

    Browse, neighbours, search by path and label, map, duplicates and doubtful labels. Any web server can show them:
    try `python -m http.server --directory FOLDER`. Thumbnails and paths are in it, original files are not.
    """
    from imgsim.site import write_site

    with open_target(target, network) as model:
        for name in LISTS:
            insight_of(model, name)
        name = title or Path(target.rstrip("/")).name or target
        written = write_site(model.references, folder, name, k=k, with_network=with_network, overwrite=overwrite)
        images = len(model)
    size = sum(path.stat().st_size for path in written.rglob("*") if path.is_file())
    if as_json:
        emit({"target": target, "site": written, "images": images, "bytes": size})
    else:
        say(f"{written}: {images:,} images, {size / 1e6:.1f} MB")
        say(f"look at it: python -m http.server --directory {written}")
