"""Metadata that Dagster shows for an asset: pictures, tables and plots."""

import base64
import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import dagster as dg
import numpy as np
import pandas as pd

from imgsim.evaluation import Evaluation
from imgsim.features.extract import Features
from imgsim.features.store import FeatureStore
from imgsim.images.contact_sheet import contact_sheet, neighbor_sheet
from imgsim.images.table import ImageTable
from imgsim.insights.registry import highlights, tiles
from imgsim.insights.report.report import FILE
from imgsim.mlflow.registry import Registration
from imgsim.neighbors.graph import NeighborGraph
from imgsim.references.insight import Insight
from imgsim.references.references import References
from orchestration.mlflow_resource import StageLog, presentable
from orchestration.result_cache import Entry

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from PIL import Image

TABLE_ROWS = 50
SHEET_TILES = 25
SHEET_ROWS = 6
SHEET_NEIGHBORS = 6
_COLORS = ("#3b6fb6", "#d98032")


def picture(path: Path) -> dg.MetadataValue[Any]:
    """Embed a JPEG or PNG file in Markdown: Dagster has no metadata of type image."""
    kind = "png" if path.suffix == ".png" else "jpeg"
    data = base64.b64encode(path.read_bytes()).decode()
    return dg.MetadataValue.md(f"![picture](data:image/{kind};base64,{data})")


def table(frame: pd.DataFrame, rows: int = TABLE_ROWS) -> dg.MetadataValue[Any]:
    """Show the first ``rows`` of a frame; Dagster shows cells as text, never as HTML."""
    kinds = {column: _kind(frame[column]) for column in frame.columns}
    records = [
        dg.TableRecord({str(key): _cell(v) for key, v in row.items()}) for row in frame[:rows].to_dict("records")
    ]
    columns = [dg.TableColumn(str(name), kind) for name, kind in kinds.items()]
    return dg.MetadataValue.table(records, schema=dg.TableSchema(columns))


def spread(images: ImageTable, tiles: int = SHEET_TILES) -> list[int]:
    """Return row positions evenly spread over the table, so that a sheet shows many labels."""
    return [int(i) for i in np.unique(np.linspace(0, max(0, len(images) - 1), min(tiles, len(images))).astype(int))]


def image_sheet(images: ImageTable) -> "Image.Image":
    """Draw a contact sheet of images spread over the table, read from their files."""
    return images[spread(images)].show(SHEET_TILES, size=112)


def thumbnail_sheet(images: ImageTable, store: FeatureStore) -> "Image.Image":
    """Draw a contact sheet of stored thumbnails."""
    rows = spread(images)
    thumbs = store.read_thumbnails([images.sha256[i] for i in rows])
    return contact_sheet(thumbs, [images.labels[i] or images.paths[i] for i in rows], size=112)


def example_neighbors(features: Features, graph: NeighborGraph, store: FeatureStore) -> "Image.Image":
    """Draw a few images with their nearest neighbours, right and wrong labels marked."""
    images = features.images
    queries = spread(images, SHEET_ROWS)
    shown = {q: graph.neighbors[q, :SHEET_NEIGHBORS].tolist() for q in queries}
    wanted = sorted({row for q in queries for row in (q, *shown[q])})
    thumbs = dict(zip(wanted, store.read_thumbnails([images.sha256[i] for i in wanted]), strict=True))

    def neighbor(query: int, rank: int, row: int) -> tuple[bytes | None, str, bool | None]:
        mine, other = images.labels[query], images.labels[row]
        caption = f"{graph.distances[query, rank]:.2f} {other or ''}"
        return thumbs[row], caption, None if mine is None else mine == other

    rows = [(thumbs[q], [neighbor(q, rank, row) for rank, row in enumerate(shown[q])]) for q in queries]
    return neighbor_sheet(rows, size=112)


def distance_plot(graph: NeighborGraph) -> "Figure":
    """Plot histograms of the distance to the nearest and to the k-th neighbour."""
    ends: Sequence[tuple[str, Any]] = (
        ("nearest", graph.distances[:, 0]),
        (f"neighbour {graph.k}", graph.distances[:, -1]),
    )
    figure = new_figure()
    axes = figure.add_subplot()
    for (name, values), color in zip(ends, _COLORS, strict=True):
        axes.hist(values, bins=60, alpha=0.65, label=name, color=color)
    axes.set_xlabel("euclidean distance between embeddings")
    axes.set_ylabel("images")
    axes.legend(frameon=False)
    return figure


def class_plot(evaluation: Evaluation) -> "Figure":
    """Plot a histogram of precision over classes."""
    figure = new_figure()
    axes = figure.add_subplot()
    axes.hist(evaluation.per_class["precision"], bins=20, range=(0, 1), color=_COLORS[0])
    axes.set_xlabel(f"precision@{evaluation.k} of a class")
    axes.set_ylabel("classes")
    return figure


def map_plot(insight: Insight) -> "Figure":
    """Plot the map, with a color for each label."""
    points = insight.tables["map"]
    figure = new_figure()
    figure.set_size_inches(6, 6)
    axes = figure.add_subplot()
    colors = points["label"].fillna("").astype("category").cat.codes
    axes.scatter(points["x"], points["y"], s=max(0.5, 2000 / (len(points) + 1)), c=colors, cmap="turbo", linewidths=0)
    axes.set_aspect("equal")
    axes.set_axis_off()
    return figure


def log_insights(log: StageLog, references: References, found: Sequence[Entry[Insight]]) -> dict[str, dict[str, Any]]:
    """Log metrics, tables and a contact sheet of each insight to MLflow, and return the metadata for Dagster."""
    log.metrics({f"{entry.asset}.{key}": number for entry in found for key, number in entry.value.metrics.items()})
    shown: dict[str, dict[str, Any]] = {}
    with TemporaryDirectory(prefix="imgsim-") as temporary:
        for entry in found:
            target = shutil.copytree(entry.folder, Path(temporary) / "insights" / entry.asset)
            rows = highlights(entry.value)
            shown[entry.asset] = {**entry.value.metrics, "dagster/row_count": len(rows), "found": table(rows)}
            if sheet := insight_sheet(references, entry):
                shutil.copyfile(sheet, target / sheet.name)
                shown[entry.asset]["pictures"] = picture(sheet)
        log.folder(Path(temporary))
    return shown


def insight_sheet(references: References, entry: Entry[Insight]) -> Path | None:
    """Draw a contact sheet of the pictures that an insight shows; None if it shows none."""
    chosen = tiles(entry.value)
    if not chosen:
        return None
    rows, captions = [row for row, _ in chosen], [text for _, text in chosen]
    return entry.sheet(entry.asset, lambda: contact_sheet(references.thumbnails(rows), captions, size=112))


def run_description(log: StageLog, references: References, done: Registration, source: str) -> str:
    """Describe a finished run in Markdown for MLflow's page: figures, report and pictures first, then counts."""
    images, found = references.images, references.evaluation
    metrics = {} if found is None else found.metrics
    figures = [name for name in metrics if re.fullmatch(r"(precision|recall)_at_\d+", name)]
    figures.sort()  # precision before recall
    headline = ", ".join(f"{name.replace('_at_', '@')} {metrics[name]:.3f}" for name in figures) or "no figures"
    labels = len({label for label in images.labels if label is not None})
    aliases = ", ".join(done.aliases) or "no alias"
    report, pictures = log.artifact_page(f"report/{FILE}"), log.artifact_page("pictures")
    neighbors = log.artifact_file("pictures/example_neighbors.jpg")
    parts = [
        f"**{headline}** ([report]({report}), [pictures]({pictures}))",
        f"{len(images):,} images of `{presentable(source)}`, {len(images.rejected):,} rejected, {labels:,} labels; "
        f"network {references.backbone.name}",
        f"{done.name} version {done.version} ({aliases}); {done.reason}",
        f"![Images and their neighbours]({neighbors})",
    ]
    return "\n\n".join(parts)


def new_figure() -> "Figure":
    """Make a figure without pyplot: no global state, no display."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 3.2), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _kind(column: "pd.Series[Any]") -> str:
    if pd.api.types.is_bool_dtype(column):
        return "bool"
    if pd.api.types.is_integer_dtype(column):
        return "int"
    return "float" if pd.api.types.is_float_dtype(column) else "string"


def _cell(value: Any) -> str | int | float | bool | None:
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return value.item() if isinstance(value, np.generic) else str(value)
