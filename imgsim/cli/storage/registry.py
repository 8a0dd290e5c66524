"""``imgsim registry``: versions of registered models on MLflow's server, served, downloaded whole or removed."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from imgsim.arguments import DEFAULT_KEEP
from imgsim.cli.console import emit, print_table, say
from imgsim.cli.load import AsJson
from imgsim.cli.output_files import expand_paths
from imgsim.errors import ArgumentError
from imgsim.io.atomic import exists

if TYPE_CHECKING:
    from imgsim.mlflow.prune import Pruned

Uri = Annotated[str, typer.Argument(metavar="URI", help="models:/NAME/VERSION or models:/NAME@ALIAS.")]
registry = typer.Typer(
    name="registry",
    help="List, promote, download or remove registered models.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


@registry.command("list")
def list_all(as_json: AsJson = False) -> None:
    """List registered models with their versions and aliases."""
    from imgsim.mlflow.registry import list_models, list_versions

    found = [version for name in list_models() for version in list_versions(name)]
    if as_json:
        emit([{"name": one.name, "version": one.version, "aliases": one.aliases, "tags": one.tags} for one in found])
        return
    rows = [(one.name, one.version, f"{one.created:%Y-%m-%d}", ", ".join(one.aliases)) for one in found]
    print_table(("model", "version", "created", "aliases"), rows, right=("version",))


@registry.command()
def promote(model: Uri) -> None:
    """Make a version champion: the one that is served."""
    from imgsim.mlflow.connection import connect
    from imgsim.mlflow.promotion import CHAMPION, make_champion
    from imgsim.mlflow.registry import resolve

    name, wanted = _version_of(model)
    version = resolve(name, wanted)
    with connect() as server:
        make_champion(server.client, version)
    say(f"models:/{name}@{CHAMPION} is version {version.version}")


@registry.command()
@expand_paths
def download(
    model: Uri,
    folder: Annotated[Path, typer.Argument(help="New folder: an MLflow model with all its files.")],
) -> None:
    """Download a version with all its files, for use without its server."""
    from imgsim.mlflow.connection import connect
    from imgsim.mlflow.flavor import download_model

    _version_of(model)
    if exists(folder):
        raise ArgumentError(f"{folder} exists already; choose another folder.")
    with connect():
        say(f"saved {download_model(model, folder)}")


@registry.command()
def prune(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Registered model, such as imgsim-photos.")],
    keep: Annotated[int, typer.Option(min=1, help="Newest versions that stay.")] = DEFAULT_KEEP,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be removed.")] = False,
    as_json: AsJson = False,
) -> None:
    """Remove old versions, and files that no version uses.

    Versions with an alias stay, and the champion's baseline.
    """
    from imgsim.mlflow.prune import prune as carry_out

    done = carry_out(name, keep, dry_run=dry_run)
    if as_json:
        emit(asdict(done) | {"dry_run": dry_run})
    else:
        say(pruned_text(done, dry_run))


def _version_of(model: str) -> tuple[str, str]:
    """Return the name, and the number or alias, that an address holds."""
    from imgsim.mlflow.download import VERSION

    found = VERSION.fullmatch(model)
    if found is None:
        raise ArgumentError(
            f"{model} does not name a version: give models:/NAME/VERSION or models:/NAME@ALIAS; imgsim registry list "
            "shows them."
        )
    return found["name"], found["number"] or found["alias"]


def pruned_text(done: Pruned, dry_run: bool = False) -> str:
    """Say what was removed of a registered model, or would be."""
    several = "s" if len(done.removed) > 1 else ""
    versions = f"version{several} {', '.join(done.removed)}" if done.removed else "no version"
    unfinished = f", {done.unfinished} unfinished registrations" if done.unfinished else ""
    return (
        f"{done.name}: {'would remove' if dry_run else 'removed'} {versions}{unfinished} and {done.pieces:,} shared "
        f"files ({done.bytes / 1e6:,.1f} MB); {', '.join(done.kept) or 'none'} "
        f"{'stay' if len(done.kept) != 1 else 'stays'}."
    )
