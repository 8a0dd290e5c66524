"""``imgsim run``: the whole pipeline on a folder of images, or on the packaged sample."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from imgsim.cli.console import note, say
from imgsim.errors import ArgumentError, ImgsimError
from orchestration.commands.extras import require_pipeline

if TYPE_CHECKING:
    from orchestration.commands.pipeline_run import Progress

PACKAGED = "mini"
HINT = (
    "\nmini is packaged and works offline; a network trained on ImageNet finds better neighbours (Caltech-101:\n"
    "precision@10 0.864 instead of 0.743): --backbone mobilenet_v2 downloads one once."
)


def run(
    source: Annotated[
        str, typer.Argument(metavar="FOLDER", help="Folder, table or URL of images; default: the packaged sample.")
    ] = "",
    collection: Annotated[str, typer.Option(help="Name of the collection; default: from the folder's name.")] = "",
    backbone: Annotated[
        str, typer.Option(help="'mini' (packaged), another of `imgsim backbones`, or 'module:factory'.")
    ] = PACKAGED,
    weights: Annotated[str, typer.Option(help="File with the backbone's weights.")] = "",
    background: Annotated[
        list[str] | None,
        typer.Option(help="Label that is no class of its own; repeatable. Default: BACKGROUND_Google."),
    ] = None,
) -> None:
    """Run the pipeline: features, graph, evaluation, insights, and a model registered in MLflow."""
    start = time.perf_counter()
    require_pipeline("run")
    from orchestration.silence_tools import quiet

    quiet()
    from orchestration.commands.run_summary import summary
    from orchestration.failures import RunError

    source = source if "://" in source else _absolute(source)
    source = source or str(_sample_folder())
    collection = _collection(source, collection)
    note(f"imgsim: collection {collection}, everything in {_home()}")
    progress = _run(collection, source, backbone, weights, background)
    if progress.failure:
        raise RunError(progress.failure)
    note("")
    for line in summary(progress, collection, time.perf_counter() - start).splitlines():
        say(line)
    if backbone == PACKAGED and not weights:
        note(HINT)


def _run(collection: str, source: str, backbone: str, weights: str, background: list[str] | None) -> Progress:
    """Run the pipeline; raise `RunError` if memory runs out or a database fails."""
    from orchestration.commands.pipeline_run import materialise, run_config
    from orchestration.failures import RunError, no_memory, no_records, record_errors

    try:
        return materialise(collection, run_config(source, backbone, _absolute(weights), background))
    except ImgsimError:
        raise
    except MemoryError as error:
        raise RunError(no_memory(error)) from error
    except record_errors() as error:
        raise RunError(no_records(error)) from error


def _absolute(path: str) -> str:
    return os.path.normpath(Path(path).expanduser().absolute()) if path and path != "random" else path


def _home() -> Path:
    from imgsim.io.home import home

    return home()


def _sample_folder() -> Path:
    """Return the folder of the packaged sample, unpacked on first use; changes in it are kept."""
    from imgsim.sample.unpack import default_folder, unpack_sample

    folder = default_folder()
    return folder if folder.is_dir() else unpack_sample()


def _collection(source: str, name: str) -> str:
    """Return the collection's name, by default the folder's; raise if another folder has that name already."""
    from imgsim.sample.unpack import default_folder
    from orchestration.partitions import check_collection_name, slug
    from orchestration.resources import StorageResource

    if name:
        return check_collection_name(name)
    name = slug(source)
    held = StorageResource().remembered(name)
    moved_sample = source == str(default_folder()) and str(held).endswith("/samples/sample")
    if held not in (None, source) and not moved_sample:
        raise ArgumentError(
            f"collection {name!r} already holds {held}; give --collection another-name for {source}, "
            f"or --collection {name} to go on with it from there."
        )
    return name
