"""``imgsim load``: the images of a source, and its broken files."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from imgsim.cli.console import emit, note, print_pairs, print_table, records, say
from imgsim.cli.output_files import PICTURES, TABLES, check_not_source, check_suffix, write_picture, write_table
from imgsim.io.urls import ANYWHERE

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
Labels = Annotated[
    str,
    typer.Option(
        help="'auto' (column 'label' of a table, else folder names if there are several), 'folder', 'top-folder' "
        "(the first below SOURCE), 'none' or a column."
    ),
]
Exclude = Annotated[
    list[str] | None,
    typer.Option(
        metavar="PATTERN", help="Names to leave out, such as '*_thumb.jpg'; '!NAME' takes a hidden one; repeatable."
    ),
]
NoRecursive = Annotated[bool, typer.Option("--no-recursive", help="Leave out folders below SOURCE.")]
Rehash = Annotated[bool, typer.Option("--rehash", help="Read all files, also those unchanged since an earlier scan.")]
Strict = Annotated[bool, typer.Option("--strict", help="Stop at the first file that cannot be used.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of tables.")]


def load(
    source: Source,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Save the table as .parquet or .csv.")] = None,
    no_recursive: NoRecursive = False,
    strict: Strict = False,
    labels: Labels = "auto",
    exclude: Exclude = None,
    rehash: Rehash = False,
    sheet: Annotated[Path | None, typer.Option(help="Save a contact sheet of the first images.")] = None,
    rejected: Annotated[
        Path | None, typer.Option(help="Save all rejected and skipped files with the reason as .csv or .parquet.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List images and files that cannot be used.

    Reads headers only: formats, labels, exact duplicates, and each file that is rejected or skipped with the reason.
    """
    check_suffix(output, TABLES, "--output")
    check_suffix(sheet, PICTURES, "--sheet")
    check_suffix(rejected, TABLES, "--rejected")
    for option, path in {"--output": output, "--sheet": sheet, "--rejected": rejected}.items():
        check_not_source(path, source, option)
    images = read_source(source, labels, no_recursive, strict, exclude, rehash=rehash)
    written = _write(images, output, sheet, rejected)
    document = _summary(images, written)
    if as_json:
        emit(document | left_out(images))
    else:
        _print(document, images)
    if not len(images):
        note(f"error: no usable image in {source}.")
        raise typer.Exit(1)


def read_source(
    source: str,
    labels: str,
    no_recursive: bool,
    strict: bool,
    exclude: list[str] | None = None,
    *,
    rehash: bool = False,
) -> ImageTable:
    """Load images as the options say, with a progress bar."""
    from imgsim.images.load import load_images

    options: dict[str, Any] = {"labels": labels, "exclude": exclude or (), "rehash": rehash}
    return load_images(source, not no_recursive, ignore_failure=not strict, progress=True, **options)


def left_out(images: ImageTable) -> dict[str, Any]:
    """Return the lists of ``--json``: each rejected and each skipped file with the reason."""
    return {"rejected_files": records(images.rejected), "skipped_files": records(images.skipped_files)}


def labels_text(images: ImageTable) -> str:
    """Say how many labels there are and what they are: ``102, names of folders, 5 changed by decisions``."""
    count = len({label for label in images.labels if label is not None})
    changed = [f"{images.changed_labels:,} changed by decisions"] if images.decisions else []
    return ", ".join([f"{count:,}", *filter(None, [images.labels_from]), *changed]) if count else "none"


def skipped_text(images: ImageTable) -> str:
    """Say how many files were skipped and why: ``9: 7 .txt, 2 hidden``."""
    reasons = Counter(images.skipped_files["reason"]).most_common()
    shown = [f"{count:,} {reason}" for reason, count in reasons[:SHOWN]]
    more = sum(count for _, count in reasons[SHOWN:])
    return f"{images.skipped:,}" + (": " if shown else "") + ", ".join(shown + ([f"{more:,} other"] if more else []))


def hint_hidden(images: ImageTable) -> None:
    """Say that hidden folders hold images, and how to take them."""
    from imgsim.images.file_names import has_image_extension

    skipped = images.skipped_files
    hidden = skipped["path"][skipped["reason"] == "hidden"]
    inside = [path for path in hidden if "/" in path and has_image_extension(path)]
    if inside:
        folder = next(part for part in inside[0].split("/") if part.startswith("."))
        note(f"hint: {len(inside):,} images lie in hidden folders; --exclude '!{folder}' takes those in {folder}.")


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
        write_table(_unused(images), rejected)
        written["rejected"] = rejected
    return written


def _unused(images: ImageTable) -> pd.DataFrame:
    import pandas as pd

    skipped = images.skipped_files
    skipped.insert(1, "stage", "skipped")
    return pd.concat([images.rejected, skipped], ignore_index=True)


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
        "labels_from": images.labels_from,
        "unlabelled": sum(label is None for label in images.labels),
        "splits": dict(Counter(split for split in images.splits if split is not None).most_common()),
        "written": written,
    }


def _print(document: dict[str, Any], images: ImageTable) -> None:
    formats, splits = (
        ", ".join(f"{count:,} {name}" for name, count in document[part].items()) for part in ("formats", "splits")
    )
    doubles = document["images"] - document["distinct"]
    print_pairs(
        [
            ("source", "several places" if document["root"] == ANYWHERE else document["root"]),
            ("images", f"{document['images']:,}" + (f" ({formats})" if formats else "")),
            ("size", f"{document['bytes'] / 1e6:,.1f} MB"),
            ("exact duplicates", f"{doubles:,}"),
            ("rejected", f"{document['rejected']:,}"),
            ("skipped", skipped_text(images)),
            ("labels", f"{labels_text(images)}; {document['unlabelled']:,} images without"),
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
    print_rejected(images.rejected)
    hint_hidden(images)
