"""Write a site: pages, lists in blocks, and thumbnails in packs, which the browser fetches when it needs them."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterator
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from imgsim import arguments
from imgsim.io.atomic import atomic_folder
from imgsim.site.lists import duplicate_groups, label_errors
from imgsim.site.network import check_runtime, write_network

if TYPE_CHECKING:
    from imgsim.references.references import References

FORMAT = 1
BLOCK = 256
"""Images in a file of names and neighbours."""
PACK = 32
"""Thumbnails in a file."""


def write_site(
    references: References,
    path: str | Path,
    title: str,
    *,
    k: int = 20,
    with_network: str | Path | None = None,
    overwrite: bool = False,
) -> Path:
    """Write a static site: browse, neighbours, search by path and label, map, duplicates and label errors.

    It needs no server code and asks no other host. Parts whose insight (``duplicates``, ``label_errors``, ``map``) the
    references do not carry are left out.

    Parameters
    ----------
    references : References
    path : str or Path
        Folder to write. It appears when it is complete.
    title : str
        Name of the collection.
    k : int
        Neighbours of each image, at most those of the graph.
    with_network : str or Path, optional
        Folder ``dist`` of the npm package onnxruntime-web. The site then has the network, too, and the browser finds
        the nearest images of a visitor's picture, which it sends nowhere.
    overwrite : bool
        Replace a folder that is there.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    ArgumentError
        The folder exists, ``k`` is below 1, or ``with_network`` lacks a file.
    OnnxModelError
        The model has no network, or one that ONNX cannot hold.
    WriteError
        The disk is full or read-only.
    """
    k = min(arguments.positive_int(k, "k"), references.graph.k)
    target = Path(path).expanduser()
    runtime = None if with_network is None else check_runtime(with_network)
    with atomic_folder(target, overwrite) as folder:
        with as_file(files("imgsim.site") / "assets") as assets:
            shutil.copytree(assets, folder, dirs_exist_ok=True)
        data = folder / "data"
        data.mkdir()
        labels = sorted({label for label in references.images.labels if label is not None})
        if runtime is not None:
            write_network(references, runtime, folder / "network", k)
        upload = 0 if runtime is None else k
        _write_json(data / "collection.json", _collection(references, title, labels) | {"upload": upload})
        codes = {label: code for code, label in enumerate(labels)}
        sizes = np.fromiter(_write_packs(references, data), np.int64, len(references))
        for number, start in enumerate(range(0, len(references), BLOCK)):
            rows = range(start, min(start + BLOCK, len(references)))
            _write_json(data / f"images-{number}.json", _block(references, rows, codes, sizes, k))
        for name, content in _lists(references).items():
            _write_json(data / f"{name}.json", content)
    return target


def _collection(references: References, title: str, labels: list[str]) -> dict[str, Any]:
    counts = Counter(references.images.labels)
    return {
        "format": FORMAT,
        "title": title,
        "images": len(references),
        "block": BLOCK,
        "pack": PACK,
        "labels": [{"name": label, "images": counts[label]} for label in labels],
        "lists": list(_lists(references)),
        "network": references.backbone.name,
    }


def _block(
    references: References, rows: range, codes: dict[str, int], sizes: np.ndarray[Any, Any], k: int
) -> dict[str, Any]:
    graph, images = references.graph, references.images
    part = slice(rows.start, rows.stop)
    return {
        "paths": list(images.paths[part]),
        "labels": [-1 if label is None else codes[label] for label in images.labels[part]],
        "bytes": sizes[part].tolist(),
        "neighbors": graph.neighbors[part, :k].tolist(),
        "distances": [[round(value, 4) for value in row] for row in graph.distances[part, :k].tolist()],
    }


def _write_packs(references: References, data: Path) -> Iterator[int]:
    """Write the thumbnails; yield the bytes of each, 0 where an image has none."""
    for number, start in enumerate(range(0, len(references), PACK)):
        rows = range(start, min(start + PACK, len(references)))
        pictures = [picture or b"" for picture in references.thumbnails(rows)]
        (data / f"thumbnails-{number}.bin").write_bytes(b"".join(pictures))
        yield from map(len, pictures)


def _lists(references: References) -> dict[str, Any]:
    """Return the lists of the insights that the references carry, by the name of their file."""
    insights, found = references.insights, {}
    if "map" in insights:
        table = insights["map"].tables["map"].sort_values("row")
        places = table[["x", "y"]].to_numpy(np.float64)
        low, span = places.min(0), max(float(np.ptp(places, axis=0).max()), 1e-9)
        found["map"] = {
            "rows": table["row"].tolist(),
            "places": np.rint(10_000 * (places - low) / span).astype(int).tolist(),
        }
    if "duplicates" in insights:
        found["duplicates"] = duplicate_groups(insights["duplicates"])
    if "label_errors" in insights:
        found["label_errors"] = label_errors(insights["label_errors"])
    return found


def _write_json(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, separators=(",", ":"), allow_nan=False), encoding="ascii")
