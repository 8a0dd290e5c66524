"""The promotion rule: when a new model version becomes ``champion``.

It does when there is no champion yet, or when it is *no worse* than the champion:

- both have precision@10 on labels: not below the lower end of the champion's 95 % interval, so a
  difference that chance explains does not keep a newer index out;
- otherwise, both have recall@10 of the graph: not more than `RECALL_TOLERANCE` below the champion's;
- otherwise only a champion without any figure gives way, to a version that has one.

`promote` applies it once to a version: a tag keeps what was decided before the aliases move, and last that they did.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

CHALLENGER, CHAMPION = "challenger", "champion"
TAG_PROMOTION = "imgsim.promotion"

RECALL_TOLERANCE = 0.005
_DECIDED = "decided: "  # before a verdict: the aliases may not say so yet
METRICS = (
    "precision_at_10",
    "precision_at_10_low",
    "precision_at_10_high",
    "recall_at_10",
    "map_at_10",
    "nn1_accuracy",
)


@dataclass(frozen=True)
class Decision:
    """The answer, and its reason in one sentence that holds the figures."""

    promote: bool
    reason: str


def decide(candidate: Mapping[str, float], champion: Mapping[str, float] | None) -> Decision:
    """Apply the rule of this module.

    Parameters
    ----------
    candidate, champion : mapping of metric name to value
        Names as in `METRICS`; absent and NaN values count as unknown. ``champion=None``: there is none yet.
    """
    if champion is None:
        return Decision(True, f"first champion of this collection; {_figures(candidate)}")
    new, old = _value(candidate, "precision_at_10"), _value(champion, "precision_at_10")
    if new is not None and old is not None:
        return _compare("precision@10", new, old, _precision_floor(champion, old))
    new, old = _value(candidate, "recall_at_10"), _value(champion, "recall_at_10")
    if new is not None and old is not None:
        return _compare("recall@10", new, old, old - RECALL_TOLERANCE)
    if _known(candidate) and not _known(champion):
        return Decision(True, f"the champion has no figures; {_figures(candidate)}")
    return Decision(False, f"not comparable with the champion: {_figures(candidate)}, champion {_figures(champion)}")


def is_decided(version: ModelVersion) -> bool:
    """Tell whether the aliases of a version were set; not when a run was killed on the way."""
    return not version.tags.get(TAG_PROMOTION, _DECIDED).startswith(_DECIDED)


def promote(client: MlflowClient, version: ModelVersion) -> None:
    """Set the aliases of a version by the rule."""
    client.set_registered_model_alias(version.name, CHALLENGER, version.version)
    tags = client.get_model_version(version.name, version.version).tags
    verdict = tags.get(TAG_PROMOTION, "").removeprefix(_DECIDED) or _verdict(client, version.name, tags)
    if verdict.startswith(f"{CHAMPION}:"):
        client.set_model_version_tag(version.name, version.version, TAG_PROMOTION, _DECIDED + verdict)
        client.set_registered_model_alias(version.name, CHAMPION, version.version)
    client.set_model_version_tag(version.name, version.version, TAG_PROMOTION, verdict)


def _verdict(client: MlflowClient, name: str, tags: Mapping[str, str]) -> str:
    """``champion: reason``, or ``not champion, version 3 stays: reason``."""
    champion = aliases(client, name).get(CHAMPION)
    known = None if champion is None else metrics_of(client.get_model_version(name, champion).tags)
    decision = decide(metrics_of(tags), known)
    verdict = CHAMPION if decision.promote else f"not champion, version {champion} stays"
    return f"{verdict}: {decision.reason}"


def aliases(client: MlflowClient, name: str) -> dict[str, str]:
    """Return alias to version of a registered model; empty when there is no such model."""
    found = client.search_registered_models(f"name = '{name}'")
    return {str(alias): str(version) for model in found for alias, version in model.aliases.items()}


def metrics_of(tags: Mapping[str, str]) -> dict[str, float]:
    """Read the metrics that a version's tags hold; a tag that is no number is left out."""
    found = {}
    for name in METRICS:
        with suppress(KeyError, ValueError):
            found[name] = float(tags[f"imgsim.{name}"])
    return found


def _compare(name: str, new: float, old: float, floor: float) -> Decision:
    promote = new >= floor
    verdict = "is not below" if promote else "is below"
    return Decision(
        promote, f"{name} {new:.4f} {verdict} {floor:.4f} (champion {old:.4f}, tolerance {old - floor:.4f})"
    )


def _precision_floor(champion: Mapping[str, float], value: float) -> float:
    low = _value(champion, "precision_at_10_low")
    return value if low is None else min(low, value)


def _value(metrics: Mapping[str, float], name: str) -> float | None:
    value = metrics.get(name)
    return None if value is None or math.isnan(value) else float(value)


def _known(metrics: Mapping[str, float]) -> dict[str, float]:
    found = {name: _value(metrics, name) for name in ("precision_at_10", "recall_at_10")}
    return {name: value for name, value in found.items() if value is not None}


def _figures(metrics: Mapping[str, float]) -> str:
    known = _known(metrics)
    return ", ".join(f"{name.replace('_at_', '@')} {value:.4f}" for name, value in known.items()) or "no figures"
