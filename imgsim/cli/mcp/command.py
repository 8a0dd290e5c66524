"""``imgsim mcp``: a server of the Model Context Protocol on standard input and output."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Annotated

import typer

from imgsim.cli.console import note
from imgsim.cli.create import opened
from imgsim.distribution import install_command
from imgsim.errors import ArgumentError, MissingExtraError


def mcp(
    models: Annotated[
        list[str], typer.Argument(metavar="MODEL...", help="Model folders, or models:/NAME@ALIAS from MLflow.")
    ],
) -> None:
    """Serve models to assistants (MCP).

    The client starts this command and speaks with it on standard input and output. Its tools only read: they find
    similar images, show a picture, and list duplicates, likely label errors and other insights.
    """
    try:
        from imgsim.cli.mcp.server import build_server
    except ImportError as error:
        raise MissingExtraError(f"the package mcp is not installed: {install_command('mcp')}.") from error

    if repeated := sorted({name for name in models if models.count(name) > 1}):
        raise ArgumentError(f"{repeated[0]} is given twice.")
    with ExitStack() as stack:
        served = {name: stack.enter_context(opened(name)) for name in models}
        note(f"serving {', '.join(models)} on standard input and output; Ctrl-C ends it.")
        build_server(served).run("stdio")
