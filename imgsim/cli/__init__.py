"""The command ``imgsim``: the library's functions with progress bars, tables and exit codes.

    load       load.py      the images of a source, and its broken files
    create     create.py    images in, model out
    backbones  create.py    networks that create takes
    evaluate   create.py    how good a model's neighbours are
    compare    compare.py   differences of two models
    query      query.py     nearest reference images
    graph      query.py     neighbours of every reference image
    duplicates, outliers, hubness, labels, leaks, quality, clusters, map, report
               insights.py  what the graph knows about the images
    export     export.py    a Core ML package, verified
    plan       plan.py      what a collection of any size would cost
    doctor     doctor.py    checks of this machine
    run, ui    plugins.py   commands of other packages, by their entry points

Results go to stdout, messages and progress to stderr. Exit codes: 0 done, 1 failed, 2 wrong usage, 130 stopped by
Ctrl-C. Nothing heavy is imported until a command runs.
"""

import sys
from typing import Annotated

import typer

from imgsim.cli import insights
from imgsim.cli.compare import compare
from imgsim.cli.create import backbones, create, evaluate
from imgsim.cli.doctor import doctor
from imgsim.cli.exit_codes import INTERRUPTED
from imgsim.cli.export import export
from imgsim.cli.load import load
from imgsim.cli.plan import plan
from imgsim.cli.plugins import PluginGroup
from imgsim.cli.query import graph, query

__all__ = ["app", "main"]

app = typer.Typer(
    name="imgsim",
    cls=PluginGroup,
    help="A folder of images in, similar images out.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (load, create, backbones, query, graph, evaluate, compare, export, plan, doctor):
    app.command()(command)
for name, insight_command in insights.commands().items():
    app.command(name)(insight_command)


def _print_version(wanted: bool) -> None:
    if wanted:
        from imgsim import __version__

        typer.echo(f"imgsim {__version__}")
        raise typer.Exit()


@app.callback()
def _options(
    debug: Annotated[bool, typer.Option("--debug", help="Show a traceback with errors.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Set what holds for every command."""


def main() -> None:
    """Run the command ``imgsim``."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # any file name can be shown in any encoding
            stream.reconfigure(errors="backslashreplace")
    try:
        app(prog_name="imgsim")
    except KeyboardInterrupt:  # before or after the command itself
        sys.exit(INTERRUPTED)
