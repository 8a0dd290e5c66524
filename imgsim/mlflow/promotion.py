"""The promotion rule: when a new model version becomes ``champion``.

It does when there is no champion yet, or when it is *no worse* than the champion:

- both have precision@10 on labels: not below the lower end of the champion's 95 % interval, so a
  difference that chance explains does not keep a newer index out;
- otherwise, both have recall@10 of the graph: not more than `RECALL_TOLERANCE` below the champion's;
- otherwise only a champion without any figure gives way, to a version that has one.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

RECALL_TOLERANCE = 0.005
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
