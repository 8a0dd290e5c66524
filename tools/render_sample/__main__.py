"""The command ``python -m tools.render_sample``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from imgsim.errors import ImgsimError
from tools.render_sample.archive import write_archive
from tools.render_sample.folder import render_sample


def main(
    target: Annotated[Path, typer.Argument(help="A new folder, or a .zip file to write or replace.")],
    views: Annotated[int, typer.Option(help="Pictures of each kind, 1 to 100.")] = 20,
    seed: Annotated[int, typer.Option(help="Other seeds give other pictures.")] = 0,
    kind: Annotated[list[str] | None, typer.Option(help="A kind to render; repeatable. Default: all 24.")] = None,
    size: Annotated[
        int | None, typer.Option(help="Longer side, 32 to 1024 pixels. Default: varies from 160 to 200.")
    ] = None,
    messy: Annotated[bool, typer.Option(help="Add three broken files and three repeated pictures.")] = True,
) -> None:
    """Render the sample images into a folder or a zip archive."""
    render = write_archive if target.suffix == ".zip" else render_sample
    try:
        render(target, views=views, seed=seed, kinds=kind or None, size=size, messy=messy, progress=True)
    except ImgsimError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from None


if __name__ == "__main__":
    typer.run(main)
