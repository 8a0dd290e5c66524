"""Summary of a model, as text or as a dictionary."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imgsim import arguments
from imgsim.references.refined import NEIGHBORS, POWER

if TYPE_CHECKING:
    from imgsim.references.insight import Insight
    from imgsim.references.references import References

OUTPUTS = ("print", "str", "dict")


def summarize(references: References, output: str = "print") -> Any:
    """Print, or return as text or as nested dict.

    Raises
    ------
    ArgumentError
        An unknown output.
    """
    arguments.one_of(output, OUTPUTS, "output")
    sections = _sections(references)
    if output == "dict":
        return sections
    lines = ["SimilarityModel"]
    for title, rows in sections.items():
        lines += ["", title, "-" * len(title)]
        lines += [f"{name:<24}: {_text(value)}" for name, value in rows.items()]
    text = "\n".join(lines)
    if output == "str":
        return text
    print(text)  # noqa: T201  printing is what this function is for
    return None


def _sections(references: References) -> dict[str, dict[str, Any]]:
    backbone = references.backbone
    sections: dict[str, dict[str, Any]] = {
        "Images": {
            "images": len(references),
            "rejected": len(references.images.rejected),
            "labels": len({label for label in references.images.labels if label is not None}),
            "ids": references.ids_column or "id",
        },
        "Embedding": {
            "backbone": backbone.name,
            "weights": backbone.weights,
            "input": f"{backbone.height} x {backbone.width} RGB, stretched" if backbone.height else "vectors",
            "feature": backbone.dim,
            "precision": precision_text(references),
            "embedding": int(references.embeddings.shape[1]),
            "projection": _projection(references),
            **_learning(references),
            **({} if references.plain is None else {"refined": f"with {NEIGHBORS} nearest, cos^{POWER}"}),
            "distance": "euclidean",
        },
        "Graph": {"method": references.graph.method, "neighbours": references.graph.k},
    }
    if references.evaluation is not None:
        known = references.evaluation.metrics
        sections["Evaluation"] = {name: value for name, value in known.items() if not name.endswith(("_low", "_high"))}
    if references.insights:
        sections["Insights"] = {name: _metrics_line(references.insights[name]) for name in sorted(references.insights)}
    return sections


def _projection(references: References) -> str:
    projection, learning = references.projection, references.learning
    if projection is None:
        return "none"
    if learning is not None and learning.changed:
        return "signed sqrt, L2, learnt from labels, L2"
    return f"signed sqrt, L2, {'whitened by mutual neighbours' if projection.whitened else 'PCA, / sd^0.5'}, L2"


def _learning(references: References) -> dict[str, str]:
    learning = references.learning
    if learning is None:
        return {}
    found = learning.figures
    of = f"{found['labelled']:,.0f} images of {len(learning.classes):,} labels"
    pairs = f", {found['alike']:,.0f} pairs alike, {found['not_alike']:,.0f} not" * bool(
        found["alike"] or found["not_alike"]
    )
    chosen = learning.choice if learning.changed else "nothing was gained, so nothing changed"
    return {"learnt": f"{of}{pairs}: {chosen}"}


def precision_text(references: References) -> str:
    """Return the precision of the features, and in brackets why ``"auto"`` chose it."""
    reason = references.precision_reason
    return f"{references.backbone.precision} ({reason})" if reason else references.backbone.precision


def _metrics_line(insight: Insight) -> str:
    """Format the first few metrics of an insight in one line."""
    return ", ".join(f"{name} {_text(value)}" for name, value in list(insight.metrics.items())[:4]) or "nothing"


def _text(value: Any) -> str:
    if isinstance(value, float) and not value.is_integer():
        return f"{value:.4f}"
    return f"{value:,.0f}" if isinstance(value, (int, float)) else str(value)
