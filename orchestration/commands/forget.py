"""``imgsim forget``: remove a collection, or a picture from what was published of one."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from imgsim.cli.console import note, say
from imgsim.errors import ArgumentError
from orchestration.commands.extras import require_pipeline

if TYPE_CHECKING:
    from orchestration.commands.forget_plan import Plan


def forget(
    collection: Annotated[str, typer.Argument(metavar="COLLECTION", help="Name of the collection.")],
    picture: Annotated[
        str,
        typer.Option(
            metavar="PATH_OR_SHA256",
            help="Remove only this picture: the old versions that hold it, and what the home keeps of it.",
        ),
    ] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Remove a collection from Dagster, MLflow and the home.

    Its images themselves stay.
    """
    require_pipeline("forget")
    from orchestration.commands.forget_plan import plan, plan_picture
    from orchestration.silence_tools import hush_warnings, quiet

    quiet()
    hush_warnings()
    found = plan_picture(collection, picture) if picture else plan(collection)
    for line in found.lines:
        say(f"  {line}")
    if not yes and not _confirmed(found):
        note("nothing was removed.")
        raise typer.Exit(1)
    for line in found.carry_out():
        say(line)


def _confirmed(found: Plan) -> bool:
    if not sys.stdin.isatty():
        raise ArgumentError("this removes what is listed above for good: give --yes to do it without a question.")
    return typer.confirm(f"Remove {found.what} for good?", err=True)
