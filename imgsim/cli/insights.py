"""``imgsim duplicates``, ``outliers``, ``labels``, ``leaks``, ``quality``, ``clusters``, ``map`` and ``report``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from imgsim.cli.console import emit, note, say
from imgsim.cli.insight_options import Output, Target, insight_of, open_target, show
from imgsim.cli.load import AsJson
from imgsim.cli.networks.options import DEFAULT_NETWORK, NetworkChoice, takes_network
from imgsim.cli.output_files import TABLES, check_suffix, write_table
from imgsim.insights.registry import INSIGHTS, InsightKind

if TYPE_CHECKING:
    from imgsim.insights.duplicates.decided import DecidedCopies
    from imgsim.model import SimilarityModel

for_folders = takes_network(", when TARGET is a folder of images")


@for_folders
def duplicates(
    target: Target,
    flips: Annotated[bool, typer.Option("--flips", help="Count a mirrored picture as the same picture.")] = False,
    rotations: Annotated[
        bool, typer.Option("--rotations", help="Count a picture turned by 90, 180 or 270 degrees as the same picture.")
    ] = False,
    threshold: Annotated[
        float | None, typer.Option(min=0.0, help="Largest distance of look-alikes; default: from the collection.")
    ] = None,
    plan: Annotated[Path | None, typer.Option(help="Save the plan (images to keep and to move) as .csv.")] = None,
    script: Annotated[
        Path | None, typer.Option(help="Save a shell script that moves the duplicates; it never deletes.")
    ] = None,
    move_to: Annotated[Path | None, typer.Option(help="Folder the script moves files to.")] = None,
    root: Annotated[Path | None, typer.Option(help="Folder of the images; a saved model does not know it.")] = None,
    no_decisions: Annotated[
        bool, typer.Option("--no-decisions", help="Leave out of plan and script what people decided about copies.")
    ] = False,
    output: Output = None,
    network: NetworkChoice = DEFAULT_NETWORK,
    as_json: AsJson = False,
) -> None:
    """Find duplicates, with a suggestion which image to keep.

    Files of the same bytes, files of the same picture, and look-alikes. In the plan and in the script, copies that
    people decided to keep or to spare (imgsim mark, the dashboard) win over the suggestion.
    """
    from imgsim.insights.duplicates.cleanup import move_folders, write_plan_csv, write_plan_script

    check_suffix(output, TABLES, "--output")
    check_suffix(plan, (".csv",), "--plan")
    if (script is None) != (move_to is None):
        raise typer.BadParameter(
            "a script needs a folder to move files to: give both.", param_hint="--script, --move-to"
        )
    with open_target(target, network) as model:
        if move_to is not None:
            move_folders(model.references, move_to, root)
        found = insight_of(model, "duplicates", flips=flips, rotations=rotations, threshold=threshold, root=root)
        decided = _decided_copies(model) if (plan or script) is not None and not no_decisions else None
        if plan is not None:
            write_plan_csv(found, plan, decided=decided)
            note(f"saved {plan}")
        if script is not None and move_to is not None:
            count = write_plan_script(model.references, found, script, move_to, root=root, decided=decided)
            note(f"saved {script}: it moves {count:,} files; `sh {script} --dry-run` shows them first.")
    groups = found.tables["groups"]
    columns = ("group", "tier", "keep", "path", "distance", "reason")
    show(target, found, groups, columns, output, as_json)


def _decided_copies(model: SimilarityModel) -> DecidedCopies:
    from imgsim.decisions import open_decisions
    from imgsim.insights.duplicates.decided import DecidedCopies

    return DecidedCopies.of(model.references, open_decisions())


@for_folders
def outliers(
    target: Target,
    threshold: Annotated[
        float | None, typer.Option(min=0.0, help="Robust deviations from which an image is an outlier.")
    ] = None,
    output: Output = None,
    network: NetworkChoice = DEFAULT_NETWORK,
    as_json: AsJson = False,
) -> None:
    """List images that are far from all others, the furthest first."""
    from imgsim.insights.registry import highlights

    check_suffix(output, TABLES, "--output")
    with open_target(target, network) as model:
        found = insight_of(model, "outliers", threshold=threshold)
    show(target, found, highlights(found), ("path", "label", "distance", "score"), output, as_json)


@for_folders
def labels(
    target: Target,
    threshold: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="List labels at least this likely to be wrong.")
    ] = 0.5,
    background: Annotated[
        list[str] | None,
        typer.Option(help="Label that is no class and is not judged; repeatable. Default: BACKGROUND_Google."),
    ] = None,
    output: Output = None,
    network: NetworkChoice = DEFAULT_NETWORK,
    as_json: AsJson = False,
) -> None:
    """List labels that the neighbours contradict.

    Each with the probability that it is wrong.
    """
    from imgsim.insights.labels.errors import outvoted, words

    check_suffix(output, TABLES, "--output")
    with open_target(target, network) as model:
        found = insight_of(model, "label_errors", background=background)
    images = found.tables["images"]
    rows = images[images["probability"] >= threshold].sort_values("probability", ascending=False, kind="stable")
    if not as_json and found.metrics["judged"]:
        note(words(found))
        if not len(rows) and output is None:
            rows = outvoted(found)
            note(f"No label is wrong with a probability of {threshold:.0%} or more. Neighbours outvote {len(rows):,}.")
    columns = ("path", "label", "suggestion", "probability", "votes", "votes_given")
    show(target, found, rows, columns, output, as_json)


@for_folders
def leaks(
    target: Target,
    split: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN",
            help="Splits: a column, or a .csv or .parquet file with path and split. Default: folders.",
        ),
    ] = None,
    output: Output = None,
    network: NetworkChoice = DEFAULT_NETWORK,
    as_json: AsJson = False,
) -> None:
    """List pictures that are in two splits, such as train and test."""
    check_suffix(output, TABLES, "--output")
    with open_target(target, network) as model:
        found = insight_of(model, "leaks", split=_splits(split, model.images.paths))
    columns = ("split", "path", "other_split", "other_path", "tier")
    show(target, found, found.tables["pairs"], columns, output, as_json)


def _splits(split: str | None, paths: Sequence[str]) -> str | list[str | None] | None:
    """Return a column's name unchanged; for a file with ``path`` and ``split`` the split of each path, or None."""
    if split is None or Path(split).suffix.lower() not in TABLES:
        return split
    import pandas as pd

    from imgsim.errors import ArgumentError

    frame = pd.read_csv(split, dtype=str) if split.lower().endswith(".csv") else pd.read_parquet(split)
    if not {"path", "split"} <= set(frame.columns):
        raise ArgumentError(f"{split} has the columns {list(frame.columns)}; it needs path and split.")
    named = frame.dropna(subset=["path", "split"])
    split_of = dict(zip(named["path"].astype(str), named["split"].astype(str), strict=True))
    if not split_of.keys() & set(paths):
        raise ArgumentError(f"no path in {split} is one of the model's, such as {paths[0]!r}.")
    return [split_of.get(path) for path in paths]


@for_folders
def quality(
    target: Target,
    output: Output = None,
    network: NetworkChoice = DEFAULT_NETWORK,
    as_json: AsJson = False,
) -> None:
    """List pictures that are blurred, dark, bright, empty or narrow."""
    check_suffix(output, TABLES, "--output")
    with open_target(target, network) as model:
        found = insight_of(model, "quality")
    show(target, found, found.tables["issues"], ("path", "label", "issue", "value", "threshold"), output, as_json)


@for_folders
def clusters(
    target: Target,
    members: Annotated[Path | None, typer.Option(help="Save the cluster of every image as .csv or .parquet.")] = None,
    output: Output = None,
    network: NetworkChoice = DEFAULT_NETWORK,
    as_json: AsJson = False,
) -> None:
    """List groups of similar images, each with a representative."""
    check_suffix(output, TABLES, "--output")
    check_suffix(members, TABLES, "--members")
    with open_target(target, network) as model:
        found = insight_of(model, "clusters")
    if members is not None:
        write_table(found.tables["members"], members)
    columns = ("cluster", "size", "path", "common_label", "purity")
    show(target, found, found.tables["clusters"], columns, output, as_json)


@for_folders
def image_map(
    target: Target,
    picture: Annotated[Path | None, typer.Option(help="Save the map as .png.")] = None,
    output: Output = None,
    network: NetworkChoice = DEFAULT_NETWORK,
    as_json: AsJson = False,
) -> None:
    """Place all images on a plane, neighbours together."""
    from imgsim.insights.map.picture import map_picture
    from imgsim.io.atomic import atomic_path

    check_suffix(output, TABLES, "--output")
    check_suffix(picture, (".png",), "--picture")
    with open_target(target, network) as model:
        found = insight_of(model, "map")
        if picture is not None:
            insight_of(model, "clusters")
            with atomic_path(picture) as temporary:
                temporary.write_bytes(map_picture(model.references))
    show(target, found, found.tables["map"], ("path", "label", "x", "y"), output, as_json)


@for_folders
def report(
    target: Target,
    output: Annotated[Path, typer.Option("-o", "--output", help="The page to write.")] = Path("insights.html"),
    network: NetworkChoice = DEFAULT_NETWORK,
    as_json: AsJson = False,
) -> None:
    """Write all insights as one HTML page with pictures."""
    from imgsim.insights.registry import INSIGHTS
    from imgsim.insights.report.report import render_report
    from imgsim.io.atomic import atomic_path

    check_suffix(output, (".html",), "--output")
    with open_target(target, network) as model:
        found = [insight_of(model, name) for name in INSIGHTS]
        page = render_report(model.references, Path(target.rstrip("/")).name or target)
        with atomic_path(output) as temporary:
            temporary.write_text(page.html, encoding="utf-8")
    if as_json:
        metrics = {insight.name: dict(insight.metrics) for insight in found}
        emit({"target": target, "report": output, "bytes": output.stat().st_size, "metrics": metrics})
    else:
        say(f"{output}: {output.stat().st_size / 1e6:.1f} MB, open it in a browser.")


def command_of(kind: InsightKind) -> Callable[..., None]:
    """Return the general command of an insight: it shows metrics and the first table."""

    @for_folders
    def command(
        target: Target,
        output: Output = None,
        network: NetworkChoice = DEFAULT_NETWORK,
        as_json: AsJson = False,
    ) -> None:
        from imgsim.insights.registry import highlights

        check_suffix(output, TABLES, "--output")
        with open_target(target, network) as model:
            found = insight_of(model, kind.name)
        rows = highlights(found)
        show(target, found, rows, tuple(rows.columns), output, as_json)

    command.__doc__ = kind.description
    return command


_OWN: dict[str, Callable[..., None]] = {
    "duplicates": duplicates,
    "outliers": outliers,
    "label_errors": labels,
    "leaks": leaks,
    "quality": quality,
    "clusters": clusters,
    "map": image_map,
}


def commands() -> dict[str, Callable[..., None]]:
    """Return the commands of all insights by name, and ``report``."""
    of_insights = {kind.command or name: _OWN.get(name) or command_of(kind) for name, kind in INSIGHTS.items()}
    return of_insights | {"report": report}
