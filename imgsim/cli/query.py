"""``imgsim query`` and ``imgsim graph``: neighbours of pictures, and of every reference image."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from imgsim.cli.console import emit, note, print_pairs, print_table, records, say
from imgsim.cli.create import ModelAt, opened
from imgsim.cli.load import AsJson
from imgsim.cli.output_files import PICTURES, TABLES, check_suffix, write_picture, write_table
from imgsim.io.csv import write_csv

if TYPE_CHECKING:
    import pandas as pd

    from imgsim.model import SimilarityModel

EDGES_SHOWN = 20
GRAPHS = (*TABLES, ".graphml", ".npz")
Radius = Annotated[float | None, typer.Option(min=0.0, help="Only neighbours at this distance or nearer.")]


def query(
    model: ModelAt,
    images: Annotated[
        list[str] | None, typer.Argument(metavar="IMAGE...", help="Images, folders of images, or URLs.")
    ] = None,
    k: Annotated[int, typer.Option("-k", min=1, help="Neighbours per image.")] = 5,
    radius: Radius = None,
    ids: Annotated[
        list[str] | None, typer.Option("--id", metavar="REF", help="Ask with a reference image; repeatable.")
    ] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Save as .csv or .parquet.")] = None,
    sheet: Annotated[Path | None, typer.Option(help="Save a picture of every query with its neighbours.")] = None,
    as_json: AsJson = False,
) -> None:
    """Find the nearest reference images of pictures; a stored image finds itself first."""
    check_suffix(output, TABLES, "--output")
    check_suffix(sheet, PICTURES, "--sheet")
    if not images and not ids:
        raise typer.BadParameter("give at least one image, or a reference image with --id.", param_hint="IMAGE...")
    with opened(model) as opened_model:
        found, queries = _ask(opened_model, _files(images or []), ids or [], k, radius)
        if sheet is not None:
            write_picture(_sheet(opened_model, found, queries), sheet)
    if output is not None:
        write_table(found, output)
    if as_json:
        emit({"model": model, "k": k, "radius": radius, "queries": _by_query(found, queries)})
        return
    for name in queries:
        _print_answer(name, found[found["query"] == name])
    for path in filter(None, (output, sheet)):
        note(f"saved {path}")


def _files(images: list[str]) -> list[str]:
    """List files as given, those of folders in their order, each once."""
    from imgsim.images.load import load_images

    files: list[str] = []
    for image in images:
        if not Path(image).is_dir():
            files.append(image)
            continue
        table = load_images(image, labels=None, progress=True)
        files += table.locations
        for row in table.rejected.itertuples():
            note(f"left out {image}/{row.path}: {row.reason}")
    return list(dict.fromkeys(files))


def _by_files(model: SimilarityModel, files: dict[str, Any], k: int, radius: float | None) -> list[pd.DataFrame]:
    """Answer for files; among several, one that cannot be decoded is left out and named on stderr."""
    from imgsim.errors import QueryError

    try:
        return [model.query(list(files.values()), k=k, radius=radius, ids=list(files))]
    except QueryError:
        if len(files) == 1:
            raise
    answers = []
    for name, file in files.items():
        try:
            answers.append(model.query([file], k=k, radius=radius, ids=[name]))
        except QueryError as error:
            note(f"left out: {error}")
    if not answers:
        raise QueryError(f"none of the {len(files)} query images can be used.")
    return answers


def _ask(
    model: SimilarityModel, files: list[str], ids: list[str], k: int, radius: float | None
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Return neighbours with path and label, and the file or id of each query by its name."""
    import pandas as pd

    from imgsim.io.urls import is_url

    by_file = {file: file if is_url(file) else Path(file) for file in files}
    by_id = {f"id {value}": _id(model, value) for value in ids}
    answers = _by_files(model, by_file, k, radius) if by_file else []
    if by_id:
        answers.append(model.query(list(by_id.values()), k=k, radius=radius, ids=list(by_id)))
    if not answers:
        from imgsim.errors import QueryError

        raise QueryError("the folders given hold no usable image: nothing to look for.")
    found = pd.concat(answers, ignore_index=True)
    rows = model.references.rows_of_ids(found["reference_label"].tolist())
    paths, labels_of = model.images.paths, model.images.labels
    return pd.DataFrame(
        {
            "query": found["query_label"].astype(str),
            "rank": found["rank"],
            "id": found["reference_label"],
            "distance": found["distance"],
            "label": pd.Series([labels_of[row] for row in rows], dtype=object),
            "path": [paths[row] for row in rows],
        }
    ), {**by_file, **by_id}


def _id(model: SimilarityModel, value: str) -> Any:
    """Convert an id to what the model has: whole numbers are numbers when the model's ids are."""
    from imgsim.errors import QueryError

    try:
        name = int(value) if model.ids.dtype.kind == "i" else value
    except ValueError:
        raise QueryError(
            f"this model calls its images by whole numbers; {value!r} is none. See `imgsim graph`."
        ) from None
    if not model.references.has_id(name):
        raise QueryError(f"no reference image has the id {value}; this model has {len(model):,} images.")
    return name


def _by_query(found: pd.DataFrame, queries: dict[str, Any]) -> list[dict[str, Any]]:
    grouped = dict(iter(found.groupby("query", sort=False)))
    empty = found.iloc[:0]
    return [{"query": name, "neighbors": records(grouped.get(name, empty).drop(columns="query"))} for name in queries]


def _print_answer(name: str, found: pd.DataFrame) -> None:
    say(name)
    if not len(found):
        say("nothing within the radius")
        say()
        return
    rows = [(row.rank, row.id, f"{row.distance:.4f}", row.label or "", row.path) for row in found.itertuples()]
    print_table(("rank", "id", "distance", "label", "path"), rows, right=("rank", "id", "distance"))
    say()


def _sheet(model: SimilarityModel, found: pd.DataFrame, queries: dict[str, Any]) -> Any:
    """Draw a row per query."""
    from imgsim.references.show import draw_neighbors, shown_query

    answers = [found[found["query"] == name] for name in queries]
    return draw_neighbors(
        model.references,
        [shown_query(model.references, asked) for asked in queries.values()],
        [(answer["id"].tolist(), answer["distance"].tolist()) for answer in answers],
    )


def graph(
    model: ModelAt,
    k: Annotated[int, typer.Option("-k", min=1, help="Neighbours per image.")] = 5,
    radius: Radius = None,
    include_self: Annotated[bool, typer.Option("--self", help="Each image is its own first neighbour.")] = False,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="Save as .parquet, .csv, .graphml or .npz (SciPy); '-' prints CSV."),
    ] = None,
    method: Annotated[
        str | None, typer.Option(help="Search anew: auto, exact, nn_descent or partitioned; default: the stored graph.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the nearest neighbours of every reference image."""
    to_stdout = str(output) == "-"
    if not to_stdout:
        check_suffix(output, GRAPHS, "--output")
    if to_stdout and as_json:
        raise typer.BadParameter("'-' prints CSV: leave out --json, or give a file.", param_hint="--output")
    with opened(model) as opened_model:
        edges = opened_model.similarity_graph(k, radius, include_self, method=method)
        if output is not None and not to_stdout:
            _save_graph(opened_model, edges, k, radius, include_self, output, method)
        count = len(opened_model)
    summary = {"model": model, "images": count, "k": k, "radius": radius, "edges": len(edges), "output": output}
    if to_stdout:
        write_csv(edges, sys.stdout)
    elif as_json:
        emit(summary if output is not None else summary | {"graph": records(edges)})
    else:
        _print_graph(edges, summary)


def _save_graph(
    model: SimilarityModel,
    edges: pd.DataFrame,
    k: int,
    radius: float | None,
    include_self: bool,
    output: Path,
    method: str | None,
) -> None:
    from imgsim.io.atomic import atomic_path

    suffix = output.suffix.lower()
    if suffix in TABLES:
        write_table(edges, output)
        return
    with atomic_path(output) as temporary:
        if suffix == ".npz":
            from scipy.sparse import save_npz

            save_npz(temporary, model.similarity_graph(k, radius, include_self, "sparse", method))
        else:
            import networkx

            nodes = model.similarity_graph(k, radius, include_self, "networkx", method)
            for _, values in nodes.nodes(data=True):
                values |= {name: _xml(text) for name, text in values.items()}
            networkx.write_graphml(nodes, temporary)


def _xml(text: str) -> str:
    """Remove the characters XML 1.0 cannot hold."""
    return re.sub("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "\N{REPLACEMENT CHARACTER}", text)


def _print_graph(edges: pd.DataFrame, summary: dict[str, Any]) -> None:
    print_pairs([("images", f"{summary['images']:,}"), ("edges", f"{len(edges):,}")])
    if len(edges):
        distance = edges["distance"]
        say(f"distances {distance.min():.4f} to {distance.max():.4f}, median {distance.median():.4f}")
    if summary["output"] is not None:
        say(f"saved {summary['output']}")
        return
    rows = [(e.src_id, e.dst_id, f"{e.distance:.4f}", e.rank) for e in edges.head(EDGES_SHOWN).itertuples()]
    print_table(tuple(edges.columns), rows, right=("src_id", "dst_id", "distance", "rank"))
    if len(edges) > EDGES_SHOWN:
        say(f"... and {len(edges) - EDGES_SHOWN:,} more; save them with -o edges.parquet, or print them with -o -.")
