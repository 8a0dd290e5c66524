"""``imgsim store``: what the feature store holds, merging of its parts, removal of what nobody reads."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from imgsim.cli.console import emit, print_table, say
from imgsim.cli.load import AsJson

if TYPE_CHECKING:
    from imgsim.features.store import FeatureStore

store = typer.Typer(help="Look at the feature store, and tidy it.", no_args_is_help=True, rich_markup_mode=None)
_MEGABYTE = 1e6


@store.command()
def stats(as_json: AsJson = False) -> None:
    """Count rows and bytes of each table, and what of them is not read."""
    from imgsim.features.store import FeatureStore
    from imgsim.features.upkeep import measure_store

    kept = FeatureStore()
    tables = measure_store(kept)
    if as_json:
        emit({"store": str(kept.root), "tables": [asdict(table) for table in tables]})
        return
    say(f"{kept.root}")
    columns = ("table", "rows", "MB", "parts", "MB not read", "files not read")
    rows = [
        (one.table, f"{one.rows:,}", _mega(one.bytes), one.parts, _mega(one.unused_bytes), one.unused_files)
        for one in tables
    ]
    print_table(columns, rows, right=columns[1:])


@store.command()
def compact(as_json: AsJson = False) -> None:
    """Merge small parts, and those of earlier versions of imgsim.

    An extraction does so by itself when many have gathered.
    """
    from imgsim.features import upkeep
    from imgsim.features.store import FeatureStore

    kept = FeatureStore()
    before = _parts(kept)
    merged = upkeep.compact(kept)
    after = _parts(kept)
    if as_json:
        emit({"store": str(kept.root), "merged": merged, "parts": after})
        return
    say(f"{kept.root}: merged {merged:,} of {before:,} parts; {after:,} are left.")


@store.command()
def gc(
    table: Annotated[
        list[str] | None,
        typer.Option(metavar="TABLE", help="Remove this table too, as stats names it: a network's; repeatable."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would be removed.")] = False,
    as_json: AsJson = False,
) -> None:
    """Remove what is not read: damaged and half-written parts, those of other versions of the decoders, old traits.

    Whoever shares the store with other versions computes theirs again.
    """
    from imgsim.features.store import FeatureStore
    from imgsim.features.upkeep import collect_garbage
    from imgsim.insights.measures import VERSION

    kept = FeatureStore()
    old = [name for name in kept.tables() if name.startswith("traits/") and name != f"traits/{VERSION}"]
    removed = collect_garbage(kept, [*(table or []), *old], dry_run=dry_run)
    if as_json:
        emit({"store": str(kept.root), "dry_run": dry_run, "removed": removed})
        return
    for path, size in removed.items():
        say(f"{_mega(size):>10} MB  {path}")
    what = "would be removed" if dry_run else "removed"
    say(f"{kept.root}: {len(removed):,} files, {_mega(sum(removed.values()))} MB {what}.")


def _parts(kept: FeatureStore) -> int:
    from imgsim.features.upkeep import measure_store

    return sum(table.parts for table in measure_store(kept))


def _mega(size: int) -> str:
    return f"{size / _MEGABYTE:,.1f}"
