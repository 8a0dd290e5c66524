"""Answers about models as plain JSON values: what the tools return, without the protocol."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imgsim.cli.console import records
from imgsim.errors import ArgumentError
from imgsim.insights.registry import INSIGHTS, highlights
from imgsim.references.ids import named_id

if TYPE_CHECKING:
    import pandas as pd

    from imgsim.model import SimilarityModel

MOST = 100
"""Rows of one answer."""


class Answers:
    """Answers about the models that a server has, by the names that they were given.

    Parameters
    ----------
    models : mapping of str to SimilarityModel
        At least one; the first is meant where a question names none.
    """

    def __init__(self, models: Mapping[str, SimilarityModel]) -> None:
        self._models = dict(models)

    def models(self) -> list[dict[str, Any]]:
        """Describe each model: its name, images, labels, network, and whether it takes words."""
        return [
            {
                "model": name,
                "images": len(model),
                "labels": len({label for label in model.images.labels if label is not None}),
                "network": model.backbone.name,
                "dimensions": int(model.embeddings.shape[1]),
                "takes_words": model.references.text is not None,
                "insights": [kind for kind in INSIGHTS if kind in model.insights],
            }
            for name, model in self._models.items()
        ]

    def similar(self, model: str | None, asked: Mapping[str, str], k: int, label: str | None) -> dict[str, Any]:
        """Find the nearest images.

        Parameters
        ----------
        model : str or None
        asked : mapping of str to str
            One of ``image`` (id or path of a stored image), ``file`` (of this machine) and ``text``.
        k : int
            1 to `MOST`; a stored image does not count as its own neighbour.
        label : str or None
            Only images with this label.

        Raises
        ------
        ImgsimError
            A question that cannot be answered.
        """
        if len(asked) != 1:
            raise ArgumentError("ask with one of image, file and text.")
        found = self._model(model)
        if label is not None and label not in found.images.labels:
            raise ArgumentError(f"no image of this model is labelled {label!r}.")
        among = None if label is None else found.references.has_labels([label])
        itself = named_id(found.references, asked["image"]) if "image" in asked else None
        options: dict[str, Any] = {"k": _rows(k) + (itself is not None), "among": among}
        if itself is not None:
            frame = found.query([itself], **options)
        elif "file" in asked:
            frame = found.query(Path(asked["file"]).expanduser(), **options)
        else:
            frame = found.query(text=asked["text"], **options)
        frame = frame[frame["reference_label"] != itself].head(k) if itself is not None else frame
        return {"neighbors": self._described(found, frame)}

    def picture(self, model: str | None, image: str) -> bytes:
        """Return the thumbnail of a stored image, as JPEG.

        Raises
        ------
        ImgsimError
            There is no such image, or the model has no thumbnail of it.
        """
        found = self._model(model)
        row = int(found.references.rows_of_ids([named_id(found.references, image)])[0])
        data = found.thumbnails([row])[0]
        if data is None:
            raise ArgumentError(f"the model has no thumbnail of {image!r}.")
        return data

    def insight(
        self, model: str | None, name: str, table: str | None = None, limit: int = 20, offset: int = 0
    ) -> dict[str, Any]:
        """Return the figures of an insight that the model carries, and rows of one of its tables.

        Parameters
        ----------
        model : str or None
        name : str
            See `imgsim.insights.registry.INSIGHTS`.
        table : str or None
            Default: the highlights of its first table, the most important first.
        limit : int
            Rows, 1 to `MOST`.
        offset : int
            Rows to leave out at the start.

        Raises
        ------
        ImgsimError
            There is no such insight or table, or the model does not carry it.
        """
        found = self._model(model)
        if name not in found.insights:
            carried = ", ".join(kind for kind in INSIGHTS if kind in found.insights) or "none"
            raise ArgumentError(
                f"this model does not carry the insight {name!r}; it carries: {carried}. "
                f"`imgsim {INSIGHTS[name].command or name} MODEL` computes it."
                if name in INSIGHTS
                else f"there is no insight {name!r}; there are: {', '.join(INSIGHTS)}."
            )
        insight = found.insights[name]
        if table is not None and table not in insight.tables:
            raise ArgumentError(f"{name} has no table {table!r}; it has: {', '.join(insight.tables)}.")
        rows = highlights(insight) if table is None else insight.tables[table]
        if offset < 0:
            raise ArgumentError(f"offset must be 0 or more, not {offset}.")
        part = rows.iloc[offset : offset + _rows(limit)]
        return {"figures": dict(insight.metrics), "rows": records(part), "of": len(rows)}

    def _model(self, name: str | None) -> SimilarityModel:
        if name is None:
            return next(iter(self._models.values()))
        if name not in self._models:
            raise ArgumentError(f"no model {name!r} is served here; there are: {', '.join(self._models)}.")
        return self._models[name]

    def _described(self, model: SimilarityModel, frame: pd.DataFrame) -> list[dict[str, Any]]:
        rows = model.references.rows_of_ids(frame["reference_label"].tolist())
        described = frame.assign(
            rank=range(1, len(frame) + 1),
            id=frame["reference_label"],
            path=[model.images.paths[row] for row in rows],
            label=[model.images.labels[row] for row in rows],
        )
        return records(described[["rank", "id", "distance", "label", "path"]])


def _rows(count: int) -> int:
    if not 1 <= count <= MOST:
        raise ArgumentError(f"an answer has 1 to {MOST} rows, not {count}.")
    return count
