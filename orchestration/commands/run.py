"""``imgsim run``: the whole pipeline on a folder of images, or on the packaged sample."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from imgsim.backbones.spec import FP32
from imgsim.cli.console import note, say
from imgsim.cli.load import Labels
from imgsim.cli.networks.backbones import better_network
from imgsim.cli.networks.options import DEFAULT_NETWORK, NetworkChoice, takes_network
from imgsim.errors import ArgumentError, ImgsimError
from imgsim.io.paths import absolute
from orchestration.commands.extras import require_pipeline

if TYPE_CHECKING:
    from orchestration.commands.pipeline_run import Progress
    from orchestration.config import ImagesConfig

_WITH_PATH = ("local-dir", "onnx", "transformers")


@takes_network()
def run(
    source: Annotated[
        str, typer.Argument(metavar="FOLDER", help="Folder, table or URL of images; default: the packaged sample.")
    ] = "",
    collection: Annotated[str, typer.Option(help="Name of the collection; default: from the folder's name.")] = "",
    network: NetworkChoice = DEFAULT_NETWORK,
    labels: Labels = "auto",
    background: Annotated[
        list[str] | None,
        typer.Option(help="Label that is no class of its own; repeatable. Default: BACKGROUND_Google."),
    ] = None,
    no_decisions: Annotated[
        bool, typer.Option("--no-decisions", help="Use the source's labels, not those that people decided.")
    ] = False,
    precision: Annotated[
        str, typer.Option(help="Of the features: fp32, bf16 (faster on some processors; extra openvino), or auto.")
    ] = FP32,
) -> None:
    """Run the pipeline, from images to a registered model.

    Features, graph, evaluation, insights, Core ML package, and a model version in MLflow.
    """
    start = time.perf_counter()
    require_pipeline("run")
    from orchestration.silence_tools import quiet

    quiet()
    from imgsim.arguments import one_of
    from imgsim.features.choose_precision import CHOICES
    from orchestration.commands.run_summary import summary
    from orchestration.config import ImagesConfig
    from orchestration.failures import RunError

    one_of(precision, CHOICES, "precision")
    source = source if "://" in source else _absolute(source)
    source = source or str(_sample_folder())
    collection = _collection(source, collection)
    note(f"imgsim: collection {collection}, everything in {_home()}")
    progress = _run(
        collection,
        ImagesConfig(source=source, labels=labels, decisions=not no_decisions),
        network,
        background,
        precision,
    )
    if progress.failure:
        raise RunError(progress.failure)
    note("")
    for line in summary(progress, collection, time.perf_counter() - start).splitlines():
        say(line)
    used = progress.facts.get("features", {}).get("backbone", "")
    if (hint := better_network(str(used))) and not network.weights:
        note(f"\n{hint}")


def _run(
    collection: str, images: ImagesConfig, network: NetworkChoice, background: list[str] | None, precision: str
) -> Progress:
    """Run the pipeline; raise `RunError` if memory runs out or a database fails."""
    from orchestration.commands.pipeline_run import materialise, run_config
    from orchestration.failures import RunError, no_memory, no_records, record_errors

    try:
        options = network.options | {"precision": precision}
        options |= {"cache_dir": _absolute(str(options.get("cache_dir") or "")) or None}
        weights = _absolute(network.weights or "")
        config = run_config(images, _absolute_name(network.backbone), weights, background, options)
        return materialise(collection, config)
    except ImgsimError:
        raise
    except MemoryError as error:
        raise RunError(no_memory(error)) from error
    except record_errors() as error:
        raise RunError(no_records(error)) from error


def _absolute(path: str) -> str:
    return os.path.normpath(absolute(path)) if path and path != "random" else path


def _absolute_name(backbone: str) -> str:
    """Return the name of a network with the path in it made absolute."""
    library, _, path = backbone.partition(":")
    return f"{library}:{_absolute(path)}" if library in _WITH_PATH and Path(path).exists() else backbone


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
