"""Model folder: tables, vectors and a manifest, without pickle or other code.

    manifest.json             format version, parts with size and sha256, ids, backbone
    images.parquet            the reference images, paths relative to their collection
    rejected.parquet          files that are not in the model, with the reason
    ids.parquet               ids of the images (absent: they are a column of images.parquet)
    embeddings.arrow          (n, d) float32, memory-mapped when loaded
    projection.safetensors    projection of features to embeddings (absent: raw features)
    plain.arrow               embeddings before they were refined, of the same shape (absent: not refined)
    learning.json, .parquet   how the projection was learnt, and what its evaluation needs (absent: it was not)
    neighbors.parquet         the graph
    cells.safetensors         rows by cell, for approximate search (absent: up to 200,000 images)
    thumbnails.parquet        small JPEGs by sha256, some 200 per row group (absent: none)
    evaluation.json, .parquet metrics, and per class (absent: not evaluated)
    evaluation_images.parquet scores of each image (absent: without labels)
    backbone.onnx             the network (absent: queries by stored images and vectors only)
    joint.arrow               the images in the space of texts, (n, D) float32 unit rows, memory-mapped; and the text
    text.onnx, .json          tower, loaded when a text is asked, with
    tokenizer.json            its tokenizer (absent: the network has no text tower)
    insights/<name>/          insights about the images (`imgsim.insights`)
    coreml/                   the model as a Core ML package, with the files that go with it

`FORMAT` is raised when an older reader would misread a newer folder; an added optional part does not raise it. Files
in sub-folders are listed as ``extras`` of the manifest; a reader ignores those that it does not know.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from imgsim import arguments, schema
from imgsim.distribution import installed_version
from imgsim.errors import ArgumentError, ArgumentTypeError, ModelFormatError
from imgsim.evaluation import Evaluation
from imgsim.features.embeddings import Embeddings
from imgsim.images.saved_table import labels_note, read_labels_note
from imgsim.images.table import ImageTable
from imgsim.io import arrow
from imgsim.io.atomic import atomic_folder, exists
from imgsim.io.hashing import digest_of, files_below, folder_sha256
from imgsim.io.held_file import HeldFile
from imgsim.io.paths import MLFLOW, absolute
from imgsim.io.urls import is_url
from imgsim.neighbors.graph import NeighborGraph
from imgsim.neighbors.ivf import InvertedFile
from imgsim.references.ids import ids_of, unique_ids
from imgsim.references.insight import Insight, Tables
from imgsim.references.manifest import (
    COREML,
    FORMAT,
    INSIGHTS,
    MANIFEST,
    PARTS,
    Manifest,
    check_files,
    read_manifest,
    stamp,
)
from imgsim.references.references import References
from imgsim.references.text_space import JOINT, TextSpace
from imgsim.references.thumbnails import SavedThumbnails, write_thumbnails


def write(references: References, path: str | Path, overwrite: bool = False) -> None:
    """Write a model folder atomically.

    Raises
    ------
    ArgumentError
        ``path`` exists and ``overwrite`` is false; or it is not a model, which is never replaced; or it is a URL.
    ArgumentTypeError
        ``overwrite`` is neither True nor False.
    """
    if is_url(str(path)) or str(path).startswith(MLFLOW):
        raise ArgumentError(f"{path} is no folder of this machine: save the model to one, and copy or register it.")
    target = absolute(path)
    refuse_foreign(target)
    with atomic_folder(target, arguments.boolean(overwrite, "overwrite")) as folder:
        note = labels_note(references.images.labels_from) | schema.decisions_note(references.images.table)
        arrow.write_parquet(references.images.table.replace_schema_metadata(note), folder / "images.parquet")
        references.images.save_rejected(folder / "rejected.parquet")
        if _has_own_ids(references):
            arrow.write_parquet(pa.table({"id": pa.array(references.ids)}), folder / "ids.parquet")
        plain = None if references.plain is None else references.plain.matrix
        Embeddings(references.embeddings, references.projection, plain, references.learning).save(folder)
        references.graph.save(folder)
        if references.search.is_approximate:
            references.search.cells.save(folder / "cells.safetensors")
        if references.evaluation is not None:
            references.evaluation.save(folder)
        if references.onnx is not None:
            references.onnx.copy_to(folder / "backbone.onnx")
        if references.thumbnail_source is not None:
            write_thumbnails(references.thumbnail_source, references.images.sha256, folder / "thumbnails.parquet")
        if references.text is not None:
            references.text.save(folder)
        for name, insight in references.insights.items():
            insight.save(folder / INSIGHTS / name)
        if references.coreml is not None:
            _copy_coreml(references.coreml, references.coreml_digest, folder / COREML)
        (folder / MANIFEST).write_text(json.dumps(_manifest(references, folder), indent=1) + "\n")


def refuse_foreign(target: Path) -> None:
    """Refuse to replace anything but a model, so that a mistyped path never deletes a folder of pictures."""
    if not exists(target) or (target / MANIFEST).is_file() or (target.is_dir() and not any(target.iterdir())):
        return
    raise ArgumentError(
        f"{target} exists already and is not an imgsim model, so it is not replaced; choose another path."
    )


def read(path: str | Path, verify: bool, tables_of: Callable[[str], Tables | None]) -> References:
    """Read a model folder; vectors are memory-mapped.

    Parameters
    ----------
    path : str or Path
        A folder written by `write`.
    verify : bool
        Compare every part with its checksum (0.1 s for 9,000 images).
    tables_of : function
        Name of an insight to the schemas of its tables, or None for an insight to ignore.

    Raises
    ------
    ModelFormatError
        No model there; a part missing, damaged or foreign; a format newer than this library.
    """
    if str(path).startswith(MLFLOW):
        raise ModelFormatError(
            f"{path} is an address of MLflow, not a folder: imgsim.mlflow.flavor.load_model({str(path)!r}) loads it "
            "from the server that MLFLOW_TRACKING_URI names."
        )
    folder = absolute(path)
    before = _identity(folder)
    references = _read(folder, verify, tables_of)
    if _identity(folder) != before:
        raise ModelFormatError(f"{folder} was replaced while it was read; load it again.")
    return references


def _read(folder: Path, verify: bool, tables_of: Callable[[str], Tables | None]) -> References:
    manifest = read_manifest(folder)
    check_files(folder, manifest, verify)
    images = _read_images(folder)
    embeddings, graph = Embeddings.load(folder), NeighborGraph.load(folder)
    text = TextSpace.load(folder) if JOINT in manifest.parts else None
    names = _names(folder, images, manifest)
    rows = {len(images), len(embeddings.matrix), len(graph), len(names)} | ({len(text.rows)} if text else set())
    if len(rows) > 1:
        raise ModelFormatError(f"the parts of {folder} have different numbers of rows; export the model again.")
    plain = embeddings.plain
    if plain is not None and (plain.shape != embeddings.matrix.shape or embeddings.projection is None):
        raise ModelFormatError(f"{folder / 'plain.arrow'} does not fit the embeddings; export the model again.")
    cells = folder / "cells.safetensors" if "cells.safetensors" in manifest.parts else None
    thumbnails = folder / "thumbnails.parquet" if "thumbnails.parquet" in manifest.parts else None
    known = {name: tables for name in _insights_in(manifest.extras) if (tables := tables_of(name)) is not None}
    package = {
        name.removeprefix(f"{COREML}/"): made["sha256"]
        for name, made in manifest.extras.items()
        if name.startswith(f"{COREML}/")
    }
    return References(
        images,
        embeddings,
        graph,
        names,
        manifest.backbone,
        onnx=HeldFile(folder / "backbone.onnx") if "backbone.onnx" in manifest.parts else None,
        thumbnails=None if thumbnails is None else SavedThumbnails(HeldFile(thumbnails)),
        evaluation=Evaluation.load(folder, len(images)) if "evaluation.json" in manifest.parts else None,
        ids_column=manifest.ids_column,
        insights={name: Insight.load(folder / INSIGHTS / name, name, tables) for name, tables in known.items()},
        coreml=folder / COREML if package else None,
        coreml_digest=digest_of(package) if package else None,
        cells=None if cells is None else InvertedFile.load(cells, *embeddings.matrix.shape),
        text=text,
    )


def _identity(folder: Path) -> tuple[int, int] | None:
    """Return what tells a folder from another that takes its place."""
    try:
        status = folder.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _copy_coreml(source: Path, expected: str | None, target: Path) -> None:
    """Copy the Core ML package; one that another model's has replaced since this model was loaded is refused."""
    if source.is_dir():
        shutil.copytree(source, target)
    if not exists(target) or folder_sha256(target) != expected:
        raise ModelFormatError(f"{source} was replaced or removed since this model was loaded; load the model again.")


def _names(folder: Path, images: ImageTable, manifest: Manifest) -> NDArray[Any]:
    """Return the ids of the images: those of their own table, of the manifest, or of a column."""
    try:
        if "ids.parquet" in manifest.parts:
            return unique_ids(arrow.read_parquet(folder / "ids.parquet").column("id").to_pylist(), "ids")
        if manifest.ids is not None:
            return unique_ids(manifest.ids, "ids")
        return ids_of(images, manifest.ids_column)
    except (ArgumentError, ArgumentTypeError, KeyError) as error:
        raise ModelFormatError(f"{folder} has ids that cannot be: {error}. Export the model again.") from error


def _has_own_ids(references: References) -> bool:
    """Return whether ids were given with vectors and are not a column of the images."""
    return references.ids_column is None and not np.array_equal(references.ids, references.images.ids)


def _read_images(folder: Path) -> ImageTable:
    path = folder / "images.parquet"
    table = arrow.read_parquet(path)
    rejected = arrow.read_parquet(folder / "rejected.parquet", schema.REJECTED).to_pandas()
    try:
        return ImageTable(schema.images(table), rejected, labels_from=read_labels_note(table))
    except (KeyError, ValueError, pa.ArrowException) as error:
        raise ModelFormatError(f"{path} is not a table of images: {error}. Export the model again.") from error


def _manifest(references: References, folder: Path) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "library": f"imgsim {installed_version()}",
        "digest": references.digest,
        "images": len(references),
        "label_column": references.ids_column,
        "backbone": references.backbone.to_dict(),
        "parts": {name: stamp(folder / name) for name in PARTS if (folder / name).exists()},
        "extras": {name: stamp(folder / name) for name in files_below(folder) if "/" in name},
    }


def _insights_in(extras: Iterable[str]) -> list[str]:
    """Return the names of the insights among extra files."""
    return sorted({Path(name).parts[1] for name in extras if name.startswith(f"{INSIGHTS}/")})
