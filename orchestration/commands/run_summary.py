"""Summary of a run, as text: one line per stage, and the places of its results."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from imgsim.backbones.spec import FP32
from imgsim.insights.duplicates.find import TIERS
from imgsim.insights.registry import load_insight
from imgsim.io.home import home
from imgsim.mlflow.connection import default_tracking_uri, find_experiment, page, shown
from imgsim.sample.unpack import REPEATED, default_folder
from orchestration.assets.features import AS_CONFIGURED
from orchestration.commands.pipeline_run import Facts, Progress
from orchestration.commands.ui import services
from orchestration.result_cache import current


def summary(progress: Progress, collection: str, seconds: float) -> str:
    """Return a line ``name  value`` for each result of a run, from its metadata."""
    facts = progress.facts
    images, features, graph = facts["images"], facts["features"], facts["neighbor_graph"]
    quality, model = facts["evaluation"], facts["registered_model"]
    rejected = images["rejected"] + features["undecodable"]
    reused = [step for step in progress.steps if progress.reused(step)]
    pace = f"{features['ms_per_image']:.1f} ms per image" if features["computed"] else "none had to be computed"
    rows = {
        "images": f"{features['features']:,} read, {rejected:,} rejected, skipped {images['skipped_kinds']}",
        "labels from": _labels(images) if images["labels"] else "none",
        "source": images["source"],
        "features": f"{features['features']:,} x {features['dimensions']} ({features['backbone']}), "
        f"{features['computed']:,} computed, {pace}",
        **_precision(features),
        "graph": f"{graph['method']}, k={graph['k']}, {graph['edges']:,} edges, {_measured(quality, 'recall')}",
        "quality": _measured(quality, "precision") + _left_out(quality),
        **_found(facts, collection),
        "model": f"{model['model']} version {model['version']} ({model['aliases']})",
        "why": model["reason"],
        "reused": ", ".join(reused) or "nothing: all of it was new",
        "time": f"{seconds:.1f} s",
        "collection": str(home() / "collections" / collection),
        "features in": str(home() / "store"),
        "MLflow": shown(default_tracking_uri()),
        "Dagster": str(Path(os.environ["DAGSTER_HOME"]).resolve()),
        "look around": "imgsim ui",
        **_pages(),
    }
    return "\n".join(f"  {name:<13}{value}" for name, value in rows.items())


def _labels(images: Mapping[str, Any]) -> str:
    """Return where the labels are from, how many there are, and how many images have another one by decision."""
    changed = f", {images['changed_labels']:,} changed by decisions" if "decisions" in images else ""
    return f"{images['labels_from']} ({images['labels']:,}){changed}"


def _precision(features: Mapping[str, Any]) -> dict[str, str]:
    """Return the precision and why it was chosen, unless it is the default."""
    precision, reason = features["precision"], features["precision_reason"]
    return {} if reason == AS_CONFIGURED and precision == FP32 else {"precision": f"{precision} ({reason})"}


def _pages() -> dict[str, str]:
    """Return the addresses that ``imgsim ui`` will have, and that of the runs on a tracking server."""
    experiment = find_experiment()
    pages = {f"  {server.name}": server.page for server in services(experiment=experiment)}
    return pages | {"  MLflow": there} if (there := page(experiment)) else pages


def _found(facts: Facts, collection: str) -> dict[str, str]:
    """Return the findings of the insights, for the packaged sample with the share of its duplicates found."""
    duplicates, labels = facts["duplicates"], facts["label_errors"]
    same_bytes, same_picture, alike = (int(duplicates[f"{tier}_images"]) for tier in TIERS)
    rows = {
        "duplicates": f"{same_bytes + same_picture:,} can be removed ({same_bytes:,} same bytes, {same_picture:,} same "
        f"picture), {alike:,} look-alike{'s' * (alike != 1)} to review",
        "labels": f"{labels['flagged']:,.0f} of {labels['judged']:,.0f} likely wrong",
        "outliers": f"{facts['outliers']['outliers']:,.0f}",
        "bad pictures": f"{facts['quality']['images']:,.0f}",
        "clusters": f"{facts['clusters']['clusters']:,.0f}",
        "report": str(facts["insight_report"]["report"]),
    }
    if Path(facts["images"]["source"]) == default_folder():
        folder = current(home() / "collections" / collection / "duplicates")
        groups = load_insight(folder).tables["groups"]
        found = {Path(path).name for path in groups.loc[groups["tier"] != "look_alike", "path"]}
        hits = [name for name in REPEATED if name in found]
        rows["planted"] = f"{len(hits)} of {len(REPEATED)} duplicates found: {', '.join(hits)}"
    return rows


def _left_out(metrics: Mapping[str, Any]) -> str:
    """Return how many copies the figures leave out; empty where there are none."""
    copies = int(metrics.get("copies_left_out", 0))
    return f", {copies:,} {'copy' if copies == 1 else 'copies'} left out" if copies else ""


def _measured(metrics: Mapping[str, Any], name: str) -> str:
    """Return a text like ``recall@10 0.998 (0.997 to 0.999)``, or that it was not measured."""
    found = [key for key in metrics if key.startswith(f"{name}_at_") and key.rsplit("_", 1)[-1].isdigit()]
    if not found:
        return f"no {name}: the images have no labels" if name == "precision" else f"no {name}"
    key = found[0]
    value = f"{key.replace('_at_', '@')} {metrics[key]:.3f}"
    low, high = metrics.get(f"{key}_low"), metrics.get(f"{key}_high")
    return value if low is None or high is None else f"{value} (95 % {low:.3f} to {high:.3f})"
