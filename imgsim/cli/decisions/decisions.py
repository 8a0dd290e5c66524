"""``imgsim decisions``: what is decided, its history, undo, and CSV files of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from imgsim.cli.console import emit, note, print_pairs, print_table, records, say
from imgsim.cli.decisions.pictures import By, Within, open_place
from imgsim.cli.load import AsJson
from imgsim.cli.output_files import check_suffix

if TYPE_CHECKING:
    from imgsim.decisions import Decisions, Imported

SHOWN = 20
_CSV = (".csv",)


def decisions(
    import_file: Annotated[
        Path | None,
        typer.Option(
            "--import", metavar="FILE.csv", help="Store labels and tags of a table with sha256 or path (needs --in)."
        ),
    ] = None,
    export: Annotated[
        Path | None, typer.Option(metavar="FILE.csv", help="Save labels, tags and marks; with --in also paths.")
    ] = None,
    export_pairs: Annotated[
        Path | None, typer.Option(metavar="FILE.csv", help="Save pairs: alike, not_alike, not_duplicates.")
    ] = None,
    undo: Annotated[bool, typer.Option("--undo", help="Undo your last action, or the one of --action.")] = False,
    action: Annotated[
        int | None, typer.Option(min=1, help="Number of the action to undo; of an undo: redo it.")
    ] = None,
    history: Annotated[bool, typer.Option("--history", help="List the last actions.")] = False,
    limit: Annotated[int, typer.Option("-n", min=1, help="Actions that --history lists.")] = SHOWN,
    within: Within = None,
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Show what people decided about pictures; undo, import, export.

    They are kept in $IMGSIM_DECISIONS, by default in a file of the home.
    """
    from imgsim.decisions import open_decisions

    check_suffix(export, _CSV, "--export")
    check_suffix(export_pairs, _CSV, "--export-pairs")
    if action is not None and not undo:
        raise typer.BadParameter("it is the number of an action to undo: give --undo too.", param_hint="--action")
    store = open_decisions()
    document: dict[str, Any] = {"decisions": store.url}
    if undo:
        document["undo"] = _undo(store, action, by, as_json)
    if import_file is not None:
        document["import"] = _import(store, import_file, within, by, as_json)
    document |= _exports(store, export, export_pairs, within, as_json)
    if history:
        document["history"] = _history(store, limit, as_json)
    if len(document) == 1:
        document |= _summary(store, as_json)
    if as_json:
        emit(document)


def _undo(store: Decisions, action: int | None, by: str | None, as_json: bool) -> dict[str, Any]:
    done = store.undo(action, by=by)
    if not as_json:
        word = {"undo": "undid", "redo": "redid"}[done.done]
        say(f"{word} action {done.target} ({done.kind}); --undo --action {done.action} takes that back.")
    return {"target": done.target, "kind": done.kind, "done": done.done, "action": done.action}


def _import(store: Decisions, file: Path, within: str | None, by: str | None, as_json: bool) -> dict[str, Any]:
    from imgsim.decisions import import_csv

    place = None if within is None else open_place(within)
    images, version = (None, None) if place is None else (place.images, place.version)
    found = import_csv(store, file, images, by=by, version=version)
    if not as_json:
        _print_import(found)
    return {"action": found.action, "new": found.new, "known": found.known, "unknown": found.unknown}


def _print_import(found: Imported) -> None:
    which = "" if found.action is None else f" (action {found.action})"
    say(f"{found.new:,} decisions are new{which}, {found.known:,} were known.")
    if found.empty:
        say(f"{found.empty:,} rows decide nothing.")
    if found.unknown:
        note(f"{len(found.unknown):,} pictures are not among the images, and nothing was stored of them:")
        for name in found.unknown[:SHOWN]:
            note(f"  {name}")
        if len(found.unknown) > SHOWN:
            note(f"  ... and {len(found.unknown) - SHOWN:,} more; --json has all of them.")


def _exports(
    store: Decisions, export: Path | None, export_pairs: Path | None, within: str | None, as_json: bool
) -> dict[str, Any]:
    from imgsim.decisions import export_csv, export_pairs_csv

    written: dict[str, Any] = {}
    if export is not None:
        images = None if within is None else open_place(within).images
        written["export"] = {"file": export, "rows": export_csv(store, export, images)}
    if export_pairs is not None:
        written["export_pairs"] = {"file": export_pairs, "rows": export_pairs_csv(store, export_pairs)}
    for one in written.values() if not as_json else ():
        say(f"{one['rows']:,} rows saved in {one['file']}")
    return written


def _history(store: Decisions, limit: int, as_json: bool) -> list[dict[str, Any]]:
    found = store.history(limit)
    found["time"] = found["time"].dt.strftime("%Y-%m-%d %H:%M:%S")
    if as_json:
        return records(found)
    found["kind"] = [kind + " (undone)" * gone for kind, gone in zip(found["kind"], found["undone"], strict=True)]
    columns = ("action", "time", "by", "kind", "value", "pictures", "version")
    rows = [["" if cell is None else cell for cell in row] for row in found[list(columns)].itertuples(index=False)]
    print_table(columns, rows, right=("action", "pictures"))
    return []


def _summary(store: Decisions, as_json: bool) -> dict[str, Any]:
    labels, pairs = store.labels(), store.pairs()
    counts = {
        "labels": len(labels),
        "tagged": len(store.tags()),
        "keep": len(store.kept()),
        "spare": len(store.spared()),
        "reviewed": len(store.reviewed()),
        "alike": int(pairs["alike"].sum()),
        "not_alike": int((~pairs["alike"]).sum()),
        "not_duplicates": len(store.not_duplicates()),
        "actions": store.last_action,
    }
    if not as_json:
        pairs_shown = [(name.replace("_", " "), f"{count:,}") for name, count in counts.items()]
        print_pairs([("decisions in", store.url), *pairs_shown])
    return counts | {"digest": store.digest}
