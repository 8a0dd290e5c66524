"""The command ``imgsim``: the library's functions with progress bars, tables and exit codes.

    load       load.py      the images of a source, and its broken files
    create     create.py    images in, model out
    backbones  networks/    networks that create takes, with their cost
    evaluate   create.py    how good a model's neighbours are
    compare    compare.py   differences of two models
    learn      learn.py     a model whose metric is learnt from labels
    query      search/query.py     nearest reference images of pictures or words
    graph      search/graph.py     neighbours of every reference image
    classify   search/classify.py  labels in words for every reference image
    duplicates, outliers, hubness, labels, leaks, quality, clusters, map, report
               insights.py  what the graph knows about the images
    select     search/select.py    images to look at, to label or to keep
    label, tag, mark, decisions
               decisions/   what people decide about pictures
    export     export.py    a Core ML package or an ONNX file, verified
    mcp        mcp/         models as tools of the Model Context Protocol
    site       site.py      static pages to share a collection
    registry   storage/registry.py versions of registered models: list, download, prune
    plan       plan.py      what a collection of any size would cost
    store      storage/store.py    the feature store: stats, compact, gc
    doctor     doctor.py    checks of this machine
    run, ui, forget
               plugins.py   commands of other packages, by their entry points

Results go to stdout, messages and progress to stderr. Exit codes: 0 done, 1 failed, 2 wrong usage, 130 stopped by
Ctrl-C. Nothing heavy is imported until a command runs.
"""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from imgsim.cli import insights
from imgsim.cli.compare import compare
from imgsim.cli.create import create, evaluate, update
from imgsim.cli.decisions.decide import label, mark, tag
from imgsim.cli.decisions.decisions import decisions
from imgsim.cli.doctor import doctor
from imgsim.cli.export import export
from imgsim.cli.interrupts import INTERRUPTED, install
from imgsim.cli.learn import learn
from imgsim.cli.load import load
from imgsim.cli.mcp.command import mcp
from imgsim.cli.networks.backbones import backbones
from imgsim.cli.output_files import expand_paths
from imgsim.cli.plan import plan
from imgsim.cli.plugins import PluginGroup
from imgsim.cli.search.classify import classify
from imgsim.cli.search.graph import graph
from imgsim.cli.search.query import query
from imgsim.cli.search.select import select
from imgsim.cli.site import site
from imgsim.cli.storage.registry import registry
from imgsim.cli.storage.store import store

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
for command in (
    load,
    create,
    update,
    backbones,
    query,
    graph,
    classify,
    evaluate,
    compare,
    learn,
    select,
    export,
    mcp,
    site,
    plan,
    doctor,
):
    app.command()(expand_paths(command))
for name, insight_command in insights.commands().items():
    app.command(name)(expand_paths(insight_command))
for command in (label, tag, mark, decisions):
    app.command()(expand_paths(command))
app.add_typer(store, name="store")
app.add_typer(registry)


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
    if sys.stdout is None:  # closed by the shell (`>&-`)
        sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # any file name can be shown in any encoding
            stream.reconfigure(errors="backslashreplace")
    install()
    try:
        app(prog_name="imgsim")
    except KeyboardInterrupt:  # before or after the command itself
        sys.exit(INTERRUPTED)
