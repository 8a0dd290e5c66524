"""``imgsim graph``: neighbours of every reference image."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from imgsim.cli.console import emit, print_pairs, print_table, records, say
from imgsim.cli.create import ModelAt, opened
from imgsim.cli.load import AsJson
from imgsim.cli.output_files import TABLES, check_suffix, write_table
from imgsim.cli.search.query import Radius
from imgsim.io.csv import write_csv

if TYPE_CHECKING:
    import pandas as pd

    from imgsim.model import SimilarityModel

EDGES_SHOWN = 20
GRAPHS = (*TABLES, ".graphml", ".npz")


def graph(
    model: ModelAt,
    k: Annotated[int, typer.Option("-k", min=0, help="Neighbours per image; 0: all.")] = 5,
    radius: Radius = None,
    include_self: Annotated[bool, typer.Option("--self", help="Each image is its own first neighbour.")] = False,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="Save as .parquet, .csv, .graphml or .npz (SciPy); '-' prints CSV."),
    ] = None,
    method: Annotated[
        str | None,
        typer.Option(help="Search anew: auto, exact, nn_descent, partitioned, pynndescent; default: the stored graph."),
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
        edges = opened_model.similarity_graph(k or None, radius, include_self, method=method)
        if output is not None and not to_stdout:
            _save_graph(opened_model, edges, k or None, radius, include_self, output, method)
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
    k: int | None,
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
