"""`load_images`: list a folder, bucket or list of images and read their headers into an `ImageTable`."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from imgsim import arguments, schema
from imgsim.errors import ImageError, SourceError
from imgsim.images.list_source import list_source
from imgsim.images.read_files import open_files
from imgsim.images.scanning.scan import scan
from imgsim.images.table import ImageTable
from imgsim.io.urls import join
from imgsim.progress import track

__all__ = ["ImageTable", "load_images"]


def load_images(
    source: Any,
    recursive: bool = True,
    ignore_failure: bool = True,
    random_order: bool = False,
    seed: int = 0,
    labels: str | None = "auto",
    progress: bool = False,
    storage_options: Mapping[str, Any] | None = None,
    exclude: str | Iterable[str] = (),
    *,
    rehash: bool = False,
) -> ImageTable:
    """List images, read their headers and hash their bytes; pixels are decoded later, when they are needed.

    Files that an earlier scan has read are not read again while their size, times and inode are the same (in a
    bucket: their size, etag and modification time).

    Parameters
    ----------
    source : str, Path, list of those, pandas.DataFrame or pyarrow.Table
        A folder, a file, a pattern such as ``photos/*.jpg``, a ZIP or TAR archive, a CSV, TSV or Parquet file with a
        column ``path`` (and perhaps ``split``: train, val, test), an fsspec URL of any of these
        (``s3://bucket/folder``), a list of files, or a table in memory.
    recursive : bool
        Read folders below a folder too. In folders, files of other kinds (by their extension, or by their first
        bytes where they have none), hidden ones, and those of `imgsim.images.exclude.EXCLUDED` (recycle bins,
        thumbnails of network drives) are left out and listed in ``.skipped_files``.
    ignore_failure : bool
        True collects what cannot be used in ``.rejected``; False raises at the first such file.
    random_order : bool
        Shuffle by ``seed`` instead of keeping the order (folders: sorted by path; lists: as given).
    seed : int
        Equal seeds give equal orders.
    labels : str or None
        ``"auto"``: the column ``label`` of a table (also ``labels``, ``class``, ``category``), else the names of the
        folders the images lie in, if there are several. ``"folder"``: the names of the folders (None directly in the
        source folder). ``"top-folder"``: the names of the folders directly below the source, however deep an image
        lies. ``"column"``: the column ``label``. ``"none"`` or None: no labels. Else the name of a column.
        The result's ``labels_from`` says what was taken.
    progress : bool
        Show a progress bar on stderr if it takes more than a second.
    storage_options : mapping, optional
        Passed to fsspec for URLs, for example ``{"anon": True}``. Kept in memory, never saved.
    exclude : str or iterable of str
        Patterns of names to leave out of folders besides, such as ``"*_thumb.jpg"``; with a slash, of paths below the
        source (``"raw/2019/*"``). ``"!NAME"`` takes what would be left out: ``"!.NET"`` a class of that name.
    rehash : bool
        Read all files, also those that seem unchanged.

    Returns
    -------
    ImageTable
        Ids are 0 to n - 1 in its order.

    Raises
    ------
    SourceError
        The source is missing or cannot be listed; or, with ``ignore_failure=False``, an entry of it.
    ImageError
        With ``ignore_failure=False``: a file that cannot be read or is no image.
    ArgumentError
        ``labels`` names a column that the source does not have.
    ArgumentTypeError
        ``source`` is of a type that holds no images.
    """
    seed = arguments.seed(seed)
    listing = list_source(source, recursive, labels, storage_options, exclude)
    if listing.rejected and not ignore_failure:
        path, reason = listing.rejected[0]
        raise SourceError(f"{join(listing.root, path)}: {reason}.")
    rejected = [
        *listing.known,
        *({"path": path, "stage": "list", "reason": reason} for path, reason in listing.rejected),
    ]
    rows = []
    results: Iterator[Any] = iter(())
    if listing.entries:
        results = scan(listing.entries, open_files(listing.root, storage_options), listing.root, rehash=rehash)
    for result in track(results, "images", total=len(listing.entries), enabled=progress):
        if isinstance(result, dict):
            rows.append(result)
            continue
        path, error = result
        if not ignore_failure:
            raise ImageError(error.stage, f"{join(listing.root, path)}: {error.reason}")
        rejected.append({"path": path, "stage": error.stage, "reason": error.reason})
    if random_order:
        rows = [rows[i] for i in np.random.default_rng(seed).permutation(len(rows))]
    columns = {name: [row[name] for row in rows] for name in schema.IMAGES.names if name != "id"}
    table = pa.table({"id": range(len(rows)), **columns}, schema=schema.IMAGES)
    rejected.sort(key=lambda row: row["path"])
    skipped = [{"path": path, "reason": reason} for path, reason in listing.skipped]
    return ImageTable(table, rejected, listing.root, skipped, storage_options, listing.labels_from)
