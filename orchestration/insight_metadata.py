"""Insights beside a run: metrics, tables and a sheet of pictures, in Dagster and in MLflow."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from imgsim.images.contact_sheet import contact_sheet
from imgsim.insights.registry import highlights, tiles
from imgsim.references.insight import Insight
from imgsim.references.references import References
from orchestration import metadata, plot_cache
from orchestration.mlflow_resource import StageLog

Found = Mapping[str, tuple[str, Insight, bool]]
"""Name to the key of the result, the result, and whether it was reused."""


def log(log: StageLog, collection: Path, model: References, found: Found) -> dict[str, dict[str, Any]]:
    """Send everything to MLflow at once, and give what Dagster should show of each insight.

    ``collection`` is the folder that holds the assets' folders; a reused insight is copied from there unread.
    """
    shown: dict[str, dict[str, Any]] = {}
    log.metrics({f"{name}.{key}": v for name, (_, value, _) in found.items() for key, v in value.metrics.items()})
    with TemporaryDirectory(prefix="imgsim-") as temporary:
        for name, (key, value, reused) in found.items():
            target = Path(temporary) / "insights" / name
            if reused:
                shutil.copytree(collection / name / key, target)
            else:
                value.save(target)
            rows = highlights(value)
            shown[name] = {**value.metrics, "dagster/row_count": len(rows), "found": metadata.table(rows)}
            if sheet := _sheet(collection / name, key, model, value):
                shutil.copyfile(sheet, target / sheet.name)
                shown[name]["pictures"] = metadata.picture(sheet)
        log.folder(Path(temporary))
    return shown


def _sheet(folder: Path, key: str, model: References, insight: Insight) -> Path | None:
    chosen = tiles(insight)
    if not chosen:
        return None

    def draw() -> Any:
        return contact_sheet(model.thumbnails([row for row, _ in chosen]), [text for _, text in chosen], size=112)

    return plot_cache.sheet(folder, key, insight.name, draw)
