"""Model folder: tables, vectors and a manifest, without pickle or other code.

    manifest.json             format version, parts with size and sha256, ids, backbone
    images.parquet            the reference images, paths relative to their collection
    rejected.parquet          files that are not in the model, with the reason
    embeddings.arrow          (n, d) float32, memory-mapped when loaded
    projection.safetensors    projection of features to embeddings (absent: raw features)
    neighbors.parquet         the graph
    cells.safetensors         index for approximate search (absent: up to 200,000 images)
    thumbnails.parquet        small JPEGs by sha256 (absent: none)
    evaluation.json, .parquet metrics, and per class (absent: not evaluated)
    backbone.onnx             the network (absent: queries by stored images and vectors only)
    insights/<name>/          insights about the images (`imgsim.insights`)
    coreml/                   the model as a Core ML package, with the files that go with it

`FORMAT` is raised when an older reader would misread a newer folder; an added optional part does not raise it. Files
in sub-folders are listed as ``extras`` of the manifest; a reader ignores those that it does not know.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
from numpy.typing import NDArray

from imgsim import schema
from imgsim.decoding.decode import probe
from imgsim.distribution import installed_version
from imgsim.errors import ArgumentError, ArgumentTypeError, ImageError, ModelFormatError
from imgsim.evaluation import Evaluation
from imgsim.features.embeddings import Embeddings
from imgsim.images.table import ImageTable
from imgsim.io import arrow
from imgsim.io.atomic import atomic_folder
from imgsim.io.hashing import files_below
from imgsim.neighbors.graph import NeighborGraph
from imgsim.neighbors.ivf import InvertedFile
from imgsim.neighbors.search import EXACT_UP_TO
from imgsim.references.ids import unique_ids
from imgsim.references.insight import Insight, Tables
from imgsim.references.manifest import (
    COREML,
    FORMAT,
    INSIGHTS,
    MANIFEST,
    PARTS,
    Manifest,
    check_files,
    check_ids,
    read_manifest,
    stamp,
)
from imgsim.references.references import References

MAX_THUMBNAIL = 1024  # pixels of the longest side; imgsim makes them of 160


def write(references: References, path: Path, overwrite: bool = False) -> None:
    """Write a model folder atomically.

    Raises
    ------
    ArgumentError
        ``path`` exists and ``overwrite`` is false; or it is not a model, which is never replaced.
    """
    refuse_foreign(Path(path).expanduser().absolute())
    with atomic_folder(Path(path).expanduser().absolute(), overwrite) as folder:
        arrow.write_parquet(references.images.table.replace_schema_metadata(None), folder / "images.parquet")
        references.images.save_rejected(folder / "rejected.parquet")
        Embeddings(references.embeddings, references.projection).save(folder)
        references.graph.save(folder)
        if len(references) > EXACT_UP_TO:
            references.search.cells.save(folder / "cells.safetensors")
        if references.evaluation is not None:
            references.evaluation.save(folder)
        if references.onnx is not None:
            shutil.copyfile(references.onnx, folder / "backbone.onnx")
        _write_thumbnails(references, folder / "thumbnails.parquet")
        for name, insight in references.insights.items():
            insight.save(folder / INSIGHTS / name)
        if references.coreml is not None:
            shutil.copytree(references.coreml, folder / COREML)
        (folder / MANIFEST).write_text(json.dumps(_manifest(references, folder), indent=1) + "\n")


def refuse_foreign(target: Path) -> None:
    """Refuse to replace anything but a model, so that a mistyped path never deletes a folder of pictures."""
    if not target.exists() or (target / MANIFEST).is_file() or (target.is_dir() and not any(target.iterdir())):
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
    if str(path).startswith(("models:/", "runs:/")):
        raise ModelFormatError(
            f"{path} is an address of MLflow, not a folder: imgsim.mlflow.flavor.load_model({str(path)!r}) loads it "
            "from the server that MLFLOW_TRACKING_URI names."
        )
    folder = Path(path).expanduser().absolute()
    manifest = read_manifest(folder)
    check_files(folder, manifest, verify)
    images = ImageTable(
        _read_images(folder / "images.parquet"),
        arrow.read_parquet(folder / "rejected.parquet", schema.REJECTED).to_pandas(),
    )
    embeddings, graph = Embeddings.load(folder), NeighborGraph.load(folder)
    names = _names(folder, images, manifest)
    if not len(images) == len(embeddings.matrix) == len(graph) == len(names):
        raise ModelFormatError(f"the parts of {folder} have different numbers of rows; export the model again.")
    cells = folder / "cells.safetensors" if "cells.safetensors" in manifest.parts else None
    thumbnails = SavedThumbnails(folder / "thumbnails.parquet") if "thumbnails.parquet" in manifest.parts else None
    known = {name: tables for name in _insights_in(manifest.extras) if (tables := tables_of(name)) is not None}
    return References(
        images,
        embeddings,
        graph,
        names,
        manifest.backbone,
        onnx=folder / "backbone.onnx",
        thumbnails=thumbnails,
        evaluation=Evaluation.load(folder) if "evaluation.json" in manifest.parts else None,
        ids_column=manifest.ids_column,
        insights={name: Insight.load(folder / INSIGHTS / name, name, tables) for name, tables in known.items()},
        coreml=folder / COREML if any(name.startswith(f"{COREML}/") for name in manifest.extras) else None,
        cells=None if cells is None else InvertedFile.load(cells, *embeddings.matrix.shape),
    )


def _names(folder: Path, images: ImageTable, manifest: Manifest) -> NDArray[Any]:
    """Return the ids of the images: those of the manifest, else those of a column."""
    try:
        if manifest.ids is not None:
            return unique_ids(check_ids(manifest.ids), "ids")
        return unique_ids(check_ids(list(images.column(manifest.ids_column or "id"))), manifest.ids_column or "id")
    except (ArgumentError, ArgumentTypeError, ValueError) as error:
        raise ModelFormatError(f"{folder} has ids that cannot be: {error}. Export the model again.") from error


def _read_images(path: Path) -> pa.Table:
    table = arrow.read_parquet(path)
    try:
        return schema.images(table)
    except (KeyError, ValueError, pa.ArrowException) as error:
        raise ModelFormatError(f"{path} is not a table of images: {error}. Export the model again.") from error


class SavedThumbnails:
    """Thumbnails of a model folder, read on first use."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @cached_property
    def _table(self) -> tuple[dict[str, int], pa.ChunkedArray]:
        table = arrow.read_parquet(self._path, schema.THUMBNAILS)
        keys = table.column("sha256").to_pylist()
        return {key: row for row, key in enumerate(keys)}, table.column("thumbnail")

    def __call__(self, keys: Sequence[str]) -> list[bytes | None]:
        """Return the thumbnails of files by sha256: JPEG bytes, or None if the model has none or an invalid one."""
        rows, values = self._table
        found = (values[rows[key]].as_py() if key in rows else None for key in keys)
        return [data if data is not None and _is_thumbnail(data) else None for data in found]


def _is_thumbnail(data: bytes) -> bool:
    """Return True for a small JPEG, by its header: callers draw thumbnails without a check of their own."""
    try:
        header = probe(data)
    except ImageError:
        return False
    return header.format == "JPEG" and max(header.width, header.height) <= MAX_THUMBNAIL


def _write_thumbnails(references: References, path: Path) -> None:
    first = {sha: row for row, sha in reversed(list(enumerate(references.images.sha256)))}
    keys = sorted(first)
    small = references.thumbnails([first[key] for key in keys])
    kept = [(key, data) for key, data in zip(keys, small, strict=True) if data is not None]
    if kept:
        columns = [pa.array([key for key, _ in kept]), pa.array([data for _, data in kept], pa.binary())]
        arrow.write_parquet(pa.table(columns, schema=schema.THUMBNAILS), path, compression="none")


def _manifest(references: References, folder: Path) -> dict[str, Any]:
    precomputed = references.ids_column is None and references.ids.tolist() != references.images.ids.tolist()
    return {
        "format": FORMAT,
        "library": f"imgsim {installed_version()}",
        "digest": references.digest,
        "images": len(references),
        "label_column": references.ids_column,
        "ids": references.ids.tolist() if precomputed else None,
        "backbone": references.backbone.to_dict(),
        "parts": {name: stamp(folder / name) for name in PARTS if (folder / name).exists()},
        "extras": {name: stamp(folder / name) for name in files_below(folder) if "/" in name},
    }


def _insights_in(extras: Iterable[str]) -> list[str]:
    """Return the names of the insights among extra files."""
    return sorted({Path(name).parts[1] for name in extras if name.startswith(f"{INSIGHTS}/")})
