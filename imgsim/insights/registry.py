"""Registry of insights: one row each, read by library, command line, pipeline, report and dashboard.

To add an insight, write its module and add its row here (and a test). The module has

- ``TABLES``: name to `pyarrow.Schema` of each table, the most important one first;
- the finder that the row names: a function of `References`, of what the row ``needs`` and of parameters of its own,
  that returns an `Insight`;
- optionally ``highlights(insight)``: the rows of the first table that are worth showing, the most important first
  (default: all rows);
- optionally ``tiles(table)``: (row, caption) of pictures to show (default: ``row`` and ``path`` of the table).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from imgsim.errors import ModelFormatError

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from imgsim.references.insight import Insight, Tables

Tile = tuple[int, str]
"""Row of an image, and the caption below its picture."""


@dataclass(frozen=True)
class InsightKind:
    """A row of the registry.

    Parameters
    ----------
    name : str
        Name of the insight and of its Dagster asset.
    title : str
        Heading in report and dashboard.
    description : str
        One sentence that says what is found.
    finder : str
        ``"module:function"``.
    needs : tuple of str
        Results that the finder takes after the references: ``"traits"`` (measures of the pictures), ``"pictures"``
        (`imgsim.insights.duplicates.pictures.picture_ids`), or names of insights above it.
    command : str
        Name on the command line; default: ``name``.
    """

    name: str
    title: str
    description: str
    finder: str
    needs: tuple[str, ...] = ()
    command: str = ""

    @property
    def module(self) -> Any:
        """The module of the insight, imported on first use."""
        return import_module(self.finder.partition(":")[0])

    @property
    def find(self) -> Callable[..., Insight]:
        """The finder."""
        found: Callable[..., Insight] = getattr(self.module, self.finder.partition(":")[2])
        return found

    @property
    def params(self) -> list[str]:
        """Names of the finder's own parameters."""
        return list(inspect.signature(self.find).parameters)[1 + len(self.needs) :]

    @property
    def tables(self) -> Tables:
        """Schemas of the tables, by name."""
        tables: Tables = self.module.TABLES
        return tables


INSIGHTS = {
    kind.name: kind
    for kind in (
        InsightKind(
            "duplicates",
            "Duplicates",
            "Identical files, same picture, look-alike: groups of each tier, and which image to keep.",
            "imgsim.insights.duplicates.find:find_duplicates",
            needs=("traits",),
        ),
        InsightKind(
            "outliers",
            "Outliers",
            "Images far from everything else in the collection.",
            "imgsim.insights.outliers:find_outliers",
            needs=("traits",),
        ),
        InsightKind(
            "hubness",
            "Hubs",
            "Images that are a neighbour of very many others, or of none.",
            "imgsim.insights.hubness:measure_hubness",
            needs=("traits",),
        ),
        InsightKind(
            "label_errors",
            "Likely label errors",
            "Labels that the neighbours contradict, each with the probability that it is wrong.",
            "imgsim.insights.labels.errors:find_label_errors",
            needs=("pictures",),
            command="labels",
        ),
        InsightKind(
            "leaks",
            "Leaks between splits",
            "Pictures that are in two splits, such as train and test.",
            "imgsim.insights.duplicates.leaks:find_leaks",
            needs=("duplicates",),
        ),
        InsightKind(
            "quality",
            "Image quality",
            "Blurred, dark, bright, empty and oddly shaped pictures.",
            "imgsim.insights.quality:image_quality",
            needs=("traits",),
        ),
        InsightKind(
            "clusters",
            "Clusters",
            "Groups of similar images, each with a representative.",
            "imgsim.insights.clusters:find_clusters",
            needs=("traits",),
        ),
        InsightKind(
            "map",
            "Map",
            "All images on one plane, similar ones near each other.",
            "imgsim.insights.map.layout:make_map",
        ),
    )
}
"""All insights by name; an insight that needs another comes after it."""


def tables_of(name: str) -> Tables | None:
    """Return the schemas of an insight's tables; None if there is no such insight."""
    return INSIGHTS[name].tables if name in INSIGHTS else None


def load_insight(folder: Path) -> Insight:
    """Read a single saved insight.

    Raises
    ------
    ModelFormatError
        There is none, a file is damaged, or it is an insight of another version of this library.
    """
    from imgsim.io.untrusted import read_json
    from imgsim.references.insight import FACTS, Insight

    try:
        name = read_json(folder / FACTS)["name"]
        return Insight.load(folder, name, INSIGHTS[name].tables)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelFormatError(f"{folder} is not a saved insight: {error!r}. Compute it again.") from error


def highlights(insight: Insight) -> pd.DataFrame:
    """Return the rows of the first table that are worth showing, the most important first."""
    module = INSIGHTS[insight.name].module
    if hasattr(module, "highlights"):
        found: pd.DataFrame = module.highlights(insight)
        return found
    return next(iter(insight.tables.values()))


def tiles(insight: Insight, most: int = 25) -> list[Tile]:
    """Return rows and captions of pictures that show what was found, at most ``most``."""
    module, table = INSIGHTS[insight.name].module, highlights(insight).head(most)
    if hasattr(module, "tiles"):
        found: list[Tile] = module.tiles(table)
        return found
    if not {"row", "path"} <= set(table.columns):
        return []
    return list(zip(table["row"].tolist(), table["path"].tolist(), strict=True))
