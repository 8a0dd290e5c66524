"""Lists of a site: groups of duplicates and likely label errors, as plain JSON values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imgsim.insights.labels.errors import outvoted

if TYPE_CHECKING:
    from imgsim.references.insight import Insight

MOST = 2_000
"""Groups or images of a list."""


def duplicate_groups(insight: Insight) -> dict[str, Any]:
    """Return the first groups, the surest tier first: ``of`` counts all; each has its tier, rows and who is kept."""
    table = insight.tables["groups"]
    groups = [
        {
            "tier": str(part["tier"].iloc[0]),
            "rows": part["row"].tolist(),
            "keep": part["keep"].tolist(),
            "reasons": part["reason"].tolist(),
        }
        for _, part in table.groupby(["tier", "group"], sort=False)
    ]
    return {"of": len(groups), "groups": groups[:MOST]}


def label_errors(insight: Insight) -> dict[str, Any]:
    """Return the images whose neighbours outvote their label, the likeliest error first: ``of`` counts all."""
    table = outvoted(insight)
    suspects = [
        {"row": item.row, "suggestion": item.suggestion, "votes": item.votes, "probability": round(item.probability, 4)}
        for item in table.head(MOST).itertuples()
    ]
    return {"of": len(table), "suspects": suspects}
