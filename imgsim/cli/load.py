"""``imgsim load``: the images of a source, and its broken files."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from imgsim.cli.console import emit, note, print_pairs, print_table, records, say
from imgsim.cli.output_files import PICTURES, TABLES, check_suffix, write_picture, write_table

if TYPE_CHECKING:
    import pandas as pd

    from imgsim.images.table import ImageTable

SHOWN = 20  # rejected files and labels listed on the console

Source = Annotated[
    str,
    typer.Argument(
        metavar="SOURCE", help="Folder, image, pattern, URL (s3://...), or a CSV or Parquet file with a column 'path'."
    ),
]
Labels = Annotated[str, typer.Option(help="'folder' (parent folder's name), 'none', or a column of the table.")]
NoRecursive = Annotated[bool, typer.Option("--no-recursive", help="Leave out folders below SOURCE.")]
Strict = Annotated[bool, typer.Option("--strict", help="Stop at the first file that cannot be used.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of tables.")]


def load(
    source: Source,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Save the table as .parquet or .csv.")] = None,
    no_recursive: NoRecursive = False,
    strict: Strict = False,
    labels: Labels = "folder",
    sheet: Annotated[Path | None, typer.Option(help="Save a contact sheet of the first images.")] = None,
    rejected: Annotated[
        Path | None, typer.Option(help="Save all rejected files with stage and reason as .csv or .parquet.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List images and read their headers: counts, labels, and every file that cannot be used with the reason."""
    check_suffix(output, TABLES, "--output")
    check_suffix(sheet, PICTURES, "--sheet")
    check_suffix(rejected, TABLES, "--rejected")
    images = read_source(source, labels, no_recursive, strict)
    written = _write(images, output, sheet, rejected)
    document = _summary(images, written)
    if as_json:
        emit(document | {"rejected_files": records(images.rejected)})
    else:
        _print(document, images.rejected)
    if not len(images):
        note(f"error: no usable image in {source}.")
        raise typer.Exit(1)


def read_source(source: str, labels: str, no_recursive: bool, strict: bool) -> ImageTable:
    """Load images as the options say, with a progress bar."""
    from imgsim.images.load import load_images

    column = None if labels == "none" else labels
    return load_images(source, not no_recursive, ignore_failure=not strict, labels=column, progress=True)


def print_rejected(rejected: pd.DataFrame) -> None:
    """Print the first rejected files, and how many there are."""
    if not len(rejected):
        return
    say()
    say(f"{len(rejected):,} rejected:")
    rows = rejected.head(SHOWN).itertuples(index=False)
    print_table(("path", "stage", "reason"), [tuple(row) for row in rows])
    if len(rejected) > SHOWN:
        say(f"... and {len(rejected) - SHOWN:,} more; all: `imgsim load SOURCE --rejected FILE.csv`, or --json.")


def _write(images: ImageTable, output: Path | None, sheet: Path | None, rejected: Path | None) -> dict[str, Path]:
    written = {}
    if output is not None:
        images.save(output)
        written["table"] = output
    if sheet is not None:
        write_picture(images.show(), sheet)
        written["sheet"] = sheet
    if rejected is not None:
        write_table(images.rejected, rejected)
        written["rejected"] = rejected
    return written


def _summary(images: ImageTable, written: dict[str, Path]) -> dict[str, Any]:
    labels = Counter(label for label in images.labels if label is not None)
    return {
        "images": len(images),
        "rejected": len(images.rejected),
        "skipped": images.skipped,
        "root": images.root,
        "bytes": int(sum(images.column("bytes"))),
        "distinct": len(set(images.sha256)),
        "formats": dict(Counter(images.column("format")).most_common()),
        "labels": dict(labels.most_common()),
        "unlabelled": sum(label is None for label in images.labels),
        "splits": dict(Counter(split for split in images.splits if split is not None).most_common()),
        "written": written,
    }


def _print(document: dict[str, Any], rejected: pd.DataFrame) -> None:
    formats, splits = (
        ", ".join(f"{count:,} {name}" for name, count in document[part].items()) for part in ("formats", "splits")
    )
    doubles = document["images"] - document["distinct"]
    print_pairs(
        [
            ("source", document["root"]),
            ("images", f"{document['images']:,}" + (f" ({formats})" if formats else "")),
            ("size", f"{document['bytes'] / 1e6:,.1f} MB"),
            ("exact duplicates", f"{doubles:,}"),
            ("rejected", f"{document['rejected']:,}"),
            ("skipped", f"{document['skipped']:,} hidden files and files of other kinds"),
            ("labels", f"{len(document['labels']):,}, {document['unlabelled']:,} images without"),
            *([("splits", splits)] if splits else []),
            *((f"{name} saved", path) for name, path in document["written"].items()),
        ]
    )
    if document["labels"]:
        most = list(document["labels"].items())
        say()
        print_table(("label", "images"), [(label, f"{count:,}") for label, count in most[:SHOWN]], right=("images",))
        if len(most) > SHOWN:
            say(f"... and {len(most) - SHOWN:,} more labels; --json has all of them.")
    print_rejected(rejected)
